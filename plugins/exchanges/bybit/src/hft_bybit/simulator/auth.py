"""API keys of the simulated Bybit, and whether a request was signed with one; pure.

Written from the exchange's pages and apart from the client's `hft_bybit.signing`, so that each checks the
other.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

import attrs

from hft_bybit.simulator.params import ApiError

__all__ = ["ApiKey", "Permissions", "check_login", "check_request", "check_time"]

_DEFAULT_WINDOW_MS = 5_000
_AHEAD_MS = 1_000
_NUMBER_DIGITS = 15


@attrs.frozen(kw_only=True)
class Permissions:
    """What an API key may do."""

    trading: bool = True
    withdrawals: bool = False


@attrs.frozen(kw_only=True)
class ApiKey:
    """A key of an account."""

    key: str
    secret: str = attrs.field(repr=False)
    account: str
    permissions: Permissions

    def verify(self, payload: str, signature: str) -> bool:
        """Say whether a signature is this key's."""
        expected = hmac.new(self.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected.encode(), signature.lower().encode())


def check_time(timestamp: str, window: str, now_ms: int) -> None:
    """Raise `ApiError` for a request that is too old or from the future."""
    sent_ms, window_ms = _number(timestamp), _number(window or str(_DEFAULT_WINDOW_MS))
    if sent_ms is None or window_ms is None:
        raise ApiError(10001, "Request parameter error: timestamp or recv_window.")
    if not now_ms - window_ms <= sent_ms < now_ms + _AHEAD_MS:
        raise ApiError(
            10002,
            "invalid request, please check your server timestamp or recv_window param. "
            f"req_timestamp[{sent_ms}],server_timestamp[{now_ms}],recv_window[{window_ms}]",
        )


def check_request(
    keys: Mapping[str, ApiKey], headers: Mapping[str, str], payload: str, now_ms: int
) -> ApiKey:
    """Return whose request it is; raise `ApiError` where it is nobody's, too old, or signed wrongly."""
    key = keys.get(headers.get("X-BAPI-API-KEY", ""))
    if key is None:
        raise ApiError(10003, "API key is invalid.")
    timestamp, window = headers.get("X-BAPI-TIMESTAMP", ""), headers.get("X-BAPI-RECV-WINDOW", "")
    check_time(timestamp, window, now_ms)
    origin = f"{timestamp}{key.key}{window}{payload}"
    if not key.verify(origin, headers.get("X-BAPI-SIGN", "")):
        raise ApiError(10004, f"error sign! origin_string[{origin}]")
    return key


def check_login(keys: Mapping[str, ApiKey], args: object, now_ms: int) -> ApiKey:
    """Return who logs in to a websocket; raise `ApiError` where it is nobody, or too late."""
    if not (isinstance(args, list) and len(args) == 3):
        raise ApiError(10001, "Params Error")
    name, expires, signature = (str(each) for each in args)
    expires_ms = _number(expires)
    if expires_ms is None:
        raise ApiError(10001, "Params Error")
    key = keys.get(name)
    if key is None:
        raise ApiError(10003, "API key is invalid.")
    if expires_ms <= now_ms:
        raise ApiError(10002, "Request expired")
    if not key.verify(f"GET/realtime{expires}", signature):
        raise ApiError(10004, "Invalid sign")
    return key


def _number(text: str) -> int | None:
    plain = text.isascii() and text.isdecimal() and len(text) <= _NUMBER_DIGITS
    return int(text) if plain else None
