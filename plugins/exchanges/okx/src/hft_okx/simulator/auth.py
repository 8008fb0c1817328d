"""API keys of the simulated OKX, and whether a request was signed with one; pure.

Written from the exchange's "REST authentication" pages and apart from the client's `hft_okx.signing`, so that
each checks the other.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import attrs

from hft_okx.simulator.errors import ApiError

__all__ = ["ApiKey", "Keys"]

_WINDOW_MS = 30_000
_MISSING = {"KEY": "50103", "PASSPHRASE": "50104", "SIGN": "50106", "TIMESTAMP": "50107"}


@attrs.frozen(kw_only=True)
class ApiKey:
    """A key of an account, and what it may do."""

    key: str
    secret: str = attrs.field(repr=False)
    passphrase: str = attrs.field(repr=False)
    account: str
    permissions: str

    def is_signed(self, payload: str, signature: str) -> bool:
        """Whether a signature is of this key."""
        digest = hmac.new(self.secret.encode(), payload.encode(), hashlib.sha256).digest()
        return hmac.compare_digest(base64.b64encode(digest).decode().encode(), signature.encode())


class Keys:
    """The keys of an exchange; ``demo`` says that it is the one for demo trading."""

    def __init__(self, keys: Mapping[str, ApiKey], *, demo: bool) -> None:
        self._keys = keys
        self._demo = demo

    def of_request(
        self, headers: Mapping[str, str], method: str, target: str, body: str, now_ms: int
    ) -> ApiKey:
        """Return whose request it is; raise `ApiError` with what is wrong with it."""
        named = {name: headers.get(f"OK-ACCESS-{name}", "") for name in _MISSING}
        for name, code in _MISSING.items():
            if not named[name]:
                raise ApiError(code, f'Request header "OK-ACCESS-{name}" cannot be empty.')
        sent_ms = _sent_ms(named["TIMESTAMP"])
        if abs(now_ms - sent_ms) > _WINDOW_MS:
            raise ApiError("50102", "Timestamp request expired.")
        key = self._keys.get(named["KEY"])
        if key is None:
            raise ApiError("50119", "API key doesn't exist.")
        if self._demo is not (headers.get("x-simulated-trading", "0") == "1"):
            raise ApiError("50101", "APIKey does not match current environment.")
        if not hmac.compare_digest(key.passphrase.encode(), named["PASSPHRASE"].encode()):
            raise ApiError("50105", 'Request header "OK-ACCESS-PASSPHRASE" incorrect.')
        if not key.is_signed(f"{named['TIMESTAMP']}{method}{target}{body}", named["SIGN"]):
            raise ApiError("50113", "Invalid Sign.")
        return key

    def of_login(self, args: Any, now_ms: int) -> ApiKey:
        """Return who logs in on a websocket; raise `ApiError` with what is wrong."""
        arg = args[0] if isinstance(args, list) and args and isinstance(args[0], dict) else {}
        timestamp = str(arg.get("timestamp", ""))
        if not timestamp.replace(".", "", 1).isdigit():
            raise ApiError("60004", "Invalid timestamp.")
        if abs(now_ms / 1000 - float(timestamp)) * 1000 > _WINDOW_MS:
            raise ApiError("60006", "Timestamp request expired.")
        name = arg.get("apiKey")
        if not isinstance(name, str) or not name:
            raise ApiError("60005", "Invalid apiKey.")
        key = self._keys.get(name)
        if key is None:
            raise ApiError("60032", "API key doesn't exist.")
        if arg.get("passphrase") != key.passphrase:
            raise ApiError("60024", "Wrong passphrase.")
        if not key.is_signed(f"{timestamp}GET/users/self/verify", str(arg.get("sign", ""))):
            raise ApiError("60007", "Invalid sign.")
        return key


def _sent_ms(text: str) -> int:
    try:
        return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        raise ApiError("50112", "Invalid OK-ACCESS-TIMESTAMP.") from None
