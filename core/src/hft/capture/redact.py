"""Take keys and signatures out of what is written or shown: frames, URLs, messages."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["redact_frame", "redact_text", "redact_url"]

_ALWAYS = "api[-_]?key|api[-_]?secret|secret(?:[-_]?key)?|passphrase|password|listen[-_]?(?:key|token)"
_WHEN_SENT = _ALWAYS + "|key|sign|signature|token|access[-_]?token|private[-_]?key"

# A value that is text, a flat object or list (Hyperliquid's {"r":..,"s":..,"v":..}), or a bare word.
_TEXT = r'"(?:[^"\\]|\\.)*"'
_VALUE = rf"(?:{_TEXT}|\{{[^{{}}]*\}}|\[[^\[\]]*\]|[^\s\",\[\]{{}}]+)"


def _fields(names: str) -> re.Pattern[bytes]:
    return re.compile(rf'("(?:{names})"\s*:\s*){_VALUE}'.encode(), re.IGNORECASE | re.DOTALL)


_received = _fields(_ALWAYS)
_RECEIVED = (
    b'key"',
    b'secret"',
    b'passphrase"',
    b'password"',
    b'listentoken"',
    b'listen_token"',
    b'listen-token"',
)
_sent = _fields(_WHEN_SENT)
# Bybit logs in with {"op":"auth","args":[key, expires, signature]}: by position, without names.
_positional = re.compile(rb'"op"\s*:\s*"auth"')
_arguments = re.compile(rb'("args"\s*:\s*)\[[^\[\]]*\]')

_PARAMETER = (
    r"((?:^|[?&;\s])(?:api[-_]?key|api[-_]?sign|access[-_]?key(?:[-_]?id)?|secret(?:[-_]?key)?|passphrase"
    r"|sign|signature|listen[-_]?(?:key|token)|token)=)[^&#\s'\"]*"
)
_parameters = re.compile(_PARAMETER, re.IGNORECASE)
_form = re.compile(_PARAMETER.encode(), re.IGNORECASE)
_user_info = re.compile(r"(://)[^/@\s]+@")
# Binance puts the listen key where nothing but its length tells it: into the path, among the streams that
# are wanted, and into every frame of a connection that was opened so. No client order id is as long.
_long_segment = re.compile(r"(?<=[/=])[A-Za-z0-9]{40,}(?=[/?&#\s]|$)")
_long_text = re.compile(rb'"[A-Za-z0-9]{60,}"')
_long_stream = re.compile(rb'(\s*\{\s*"stream"\s*:\s*)"[A-Za-z0-9]{40,}"')


def redact_frame(data: bytes, *, sent: bool) -> bytes:
    """Replace the values of secret JSON fields by ``"***"`` and leave every other byte as it is.

    Of what we ``sent``, JSON or a form, signatures and keys go as well; in what we received such names
    belong to market data, and only names that can mean nothing else are replaced.
    """
    if not sent:
        if named := _long_stream.match(data):
            data = named[1] + b'"***"' + data[named.end() :]
        # Searches for plain bytes cost a twentieth of the expression, and nearly always suffice.
        lower = data.lower()
        if not any(name in lower for name in _RECEIVED):
            return data
        return _received.sub(rb'\1"***"', data)
    data = _long_text.sub(b'"***"', _form.sub(rb"\1***", _sent.sub(rb'\1"***"', data)))
    if _positional.search(data):
        data = _arguments.sub(rb'\1["***"]', data)
    return data


def redact_text(text: str) -> str:
    """Replace secret query parameters wherever they stand in a message."""
    return _user_info.sub(r"\1***@", _parameters.sub(r"\1***", text))


@lru_cache(maxsize=1_000)
def redact_url(url: str) -> str:
    """Replace secret query parameters, user and password, and path segments that look like keys."""
    return _long_segment.sub("***", redact_text(url))
