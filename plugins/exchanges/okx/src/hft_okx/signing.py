"""Keys and signatures: what is signed, and with what; pure.

Source: the exchange's "REST authentication" and "WebSocket login" pages (2026).
"""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime

from hft import HmacKey, Secret

__all__ = ["Signer", "timestamp_text"]

_NS_PER_S = 1_000_000_000
_VERIFY = "GET/users/self/verify"


def timestamp_text(now_ns: int) -> str:
    """Return a time as REST wants it: ``2026-09-21T14:13:20.000Z``."""
    seconds, rest_ns = divmod(now_ns, _NS_PER_S)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{rest_ns // 1_000_000:03}Z"


class Signer:
    """One API key, and what signs with its secret; neither shows when it is printed."""

    __slots__ = ("_hmac", "_passphrase", "key")

    def __init__(self, key: Secret, secret: Secret, passphrase: Secret) -> None:
        self.key = key
        self._hmac = HmacKey(secret)
        self._passphrase = passphrase

    def sign(self, payload: str) -> str:
        """Return a signature: HMAC-SHA256 in base64."""
        return b64encode(self._hmac.digest(payload.encode())).decode()

    def headers(self, timestamp: str, method: str, target: str, body: str = "") -> dict[str, str]:
        """Return what signs a request; ``target`` is path and query as they are sent."""
        return {
            "OK-ACCESS-KEY": self.key.reveal(),
            "OK-ACCESS-SIGN": self.sign(f"{timestamp}{method}{target}{body}"),
            "OK-ACCESS-TIMESTAMP": timestamp,
            "OK-ACCESS-PASSPHRASE": self._passphrase.reveal(),
            "Content-Type": "application/json",
        }

    def login(self, now_ns: int) -> dict[str, str]:
        """Return the argument of a websocket's ``login``."""
        seconds = str(now_ns // _NS_PER_S)
        return {
            "apiKey": self.key.reveal(),
            "passphrase": self._passphrase.reveal(),
            "timestamp": seconds,
            "sign": self.sign(f"{seconds}{_VERIFY}"),
        }
