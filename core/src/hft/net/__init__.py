"""The network: websocket connections that come back, paced requests, and back-off."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hft.net.backoff import Backoff
from hft.net.pacing import TokenBucket
from hft.net.rate_limited import RateLimitedLog
from hft.net.spec import ConnectionSpec, RateLimit, Request
from hft.net.status import StatusError

if TYPE_CHECKING:
    from hft.net.connection import Connection, ConnectionHandler
    from hft.net.rest import RestClient

__all__ = [
    "Backoff",
    "Connection",
    "ConnectionHandler",
    "ConnectionSpec",
    "RateLimit",
    "RateLimitedLog",
    "Request",
    "RestClient",
    "StatusError",
    "TokenBucket",
]

# Importing aiohttp takes longer than all of hft, and a replay needs neither it nor a socket.
_LAZY = {
    "Connection": "hft.net.connection",
    "ConnectionHandler": "hft.net.connection",
    "RestClient": "hft.net.rest",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
