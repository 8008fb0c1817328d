"""The network: websocket connections that come back, paced requests, and back-off."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hft.net.backoff import Backoff
from hft.net.limiter import LimitUsage, RateLimiter, Turn
from hft.net.rate_limited import RateLimitedLog
from hft.net.spec import (
    ConnectionSpec,
    Costs,
    HttpRequest,
    Priority,
    RateLimit,
    Request,
    RestAnswer,
    RestCall,
)
from hft.net.status import StatusError

if TYPE_CHECKING:
    from hft.net.connection import Connection, ConnectionHandler
    from hft.net.rest import Refusals, RestClient, UsageReader

__all__ = [
    "Backoff",
    "Connection",
    "ConnectionHandler",
    "ConnectionSpec",
    "Costs",
    "HttpRequest",
    "LimitUsage",
    "Priority",
    "RateLimit",
    "RateLimitedLog",
    "RateLimiter",
    "Refusals",
    "Request",
    "RestAnswer",
    "RestCall",
    "RestClient",
    "StatusError",
    "Turn",
    "UsageReader",
]

# Importing aiohttp takes longer than all of hft, and a replay needs neither it nor a socket.
_LAZY = {
    "Connection": "hft.net.connection",
    "ConnectionHandler": "hft.net.connection",
    "Refusals": "hft.net.rest",
    "RestClient": "hft.net.rest",
    "UsageReader": "hft.net.rest",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
