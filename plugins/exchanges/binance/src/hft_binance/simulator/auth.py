"""API keys of the simulated Binance, and whether a request was signed with one; pure.

Written from the exchange's "Request security" pages and apart from the client's `hft_binance.signing`,
so that each checks the other.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from urllib.parse import unquote

import attrs

from hft_binance.simulator.params import ApiError, missing

__all__ = ["ApiKey", "Permissions", "check_time", "rest_payload", "ws_payload"]

_DEFAULT_WINDOW_MS = 5_000
_MOST_WINDOW_MS = 60_000
_AHEAD_MS = 1_000
_MICROSECONDS = 10**15
"""Timestamps above this are microseconds, which spot accepts."""


@attrs.frozen(kw_only=True)
class Permissions:
    """What an API key may do."""

    reading: bool = True
    spot: bool = True
    futures: bool = True
    withdrawals: bool = False
    ip_restricted: bool = False


@attrs.frozen(kw_only=True)
class ApiKey:
    """A key of an account; ``may_log_in`` says that it is of the kind that websocket sessions need."""

    key: str
    account: str
    permissions: Permissions
    verify: Callable[[bytes, str], bool]
    may_log_in: bool
    created_ms: int = 0

    @classmethod
    def hmac(cls, key: str, secret: str, account: str, permissions: Permissions) -> ApiKey:
        """Make a key whose signatures are HMAC-SHA256, in hexadecimal."""

        def verify(payload: bytes, signature: str) -> bool:
            expected = hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest()
            return hmac.compare_digest(expected.encode(), signature.lower().encode())

        return cls(key=key, account=account, permissions=permissions, verify=verify, may_log_in=False)

    @classmethod
    def ed25519(cls, key: str, pem: str, account: str, permissions: Permissions) -> ApiKey:
        """Make a key whose signatures are Ed25519, in base64; ``pem`` is the private key."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        private = load_pem_private_key(pem.encode(), password=None)
        assert isinstance(private, Ed25519PrivateKey)
        public = private.public_key()

        def verify(payload: bytes, signature: str) -> bool:
            try:
                public.verify(base64.b64decode(signature, validate=True), payload)
            except (InvalidSignature, binascii.Error, ValueError):
                return False
            return True

        return cls(key=key, account=account, permissions=permissions, verify=verify, may_log_in=True)


def rest_payload(query: str, body: str) -> tuple[bytes, str | None]:
    """Return what a REST request signs, and the signature that it carries.

    It is the query with the body right behind it, both as they were transmitted, without the signature.
    """
    parts, signature = [], None
    for text in (query, body):
        kept = []
        for pair in text.split("&"):
            name, _, value = pair.partition("=")
            if name == "signature" and signature is None:
                signature = unquote(value)
            elif name != "signature":
                kept.append(pair)
        parts.append("&".join(kept))
    return "".join(parts).encode(), signature


def ws_payload(params: Mapping[str, str]) -> bytes:
    """Return what a request of the websocket API signs: all parameters but the signature, by name."""
    return "&".join(f"{name}={params[name]}" for name in sorted(params) if name != "signature").encode()


def check_time(timestamp: str | None, window: str | None, now_ms: int) -> None:
    """Raise `ApiError` for a request that is too old or from the future."""
    window_ms = float(_DEFAULT_WINDOW_MS)
    if window is not None:
        try:
            window_ms = float(window)
        except ValueError:
            raise ApiError(
                -1100,
                "Illegal characters found in parameter 'recvWindow'; legal range is "
                r"'^[0-9]{1,5}(\.\d{1,3})?$'.",
            ) from None
    if not 0 <= window_ms <= _MOST_WINDOW_MS:
        raise ApiError(-1131, "recvWindow must be less than 60000")
    if timestamp is None or not timestamp:
        raise missing("timestamp")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 20):
        raise ApiError(
            -1100, "Illegal characters found in parameter 'timestamp'; legal range is '^[0-9]{1,20}$'."
        )
    sent_ms = int(timestamp)
    if sent_ms >= _MICROSECONDS:
        sent_ms //= 1000
    if sent_ms >= now_ms + _AHEAD_MS:
        raise ApiError(-1021, f"Timestamp for this request was {_AHEAD_MS}ms ahead of the server's time.")
    if now_ms - sent_ms > window_ms:
        raise ApiError(-1021, "Timestamp for this request is outside of the recvWindow.")
