"""The exchange's published limits, as data (its documentation, 2026)."""

from __future__ import annotations

from collections.abc import Mapping

from hft import Costs, RateLimit
from hft_binance.endpoints import Product

__all__ = [
    "CONNECTIONS",
    "CONNECTION_LIFETIME_NS",
    "DEPTH_LIMITS",
    "MAX_STREAMS",
    "MESSAGES_PER_S",
    "PING_NS",
    "RATE_LIMITS",
    "SILENCE_NS",
    "STREAMS_PER_REQUEST",
    "depth_weight",
    "usage",
]

_SECOND_NS = 1_000_000_000

_PRODUCTS = frozenset(product.value for product in Product)

CONNECTIONS = {product: f"{product.value} connections" for product in Product}
"""Names of the limits of new connections."""

RATE_LIMITS = (
    RateLimit(name=Product.SPOT.value, weight=6000, per_ns=60 * _SECOND_NS, aligned=True),
    RateLimit(name=Product.USDM.value, weight=2400, per_ns=60 * _SECOND_NS, aligned=True),
    *(RateLimit(name=name, weight=300, per_ns=300 * _SECOND_NS) for name in CONNECTIONS.values()),
)
"""REQUEST_WEIGHT of each product, and new connections, both counted per address. That futures count
connections as spot does is not documented; it is the careful guess."""

MAX_STREAMS = {Product.SPOT: 1024, Product.USDM: 200}
"""Streams on one connection. Futures document 1024 today and 200 in older pages; 200 suits both."""

MESSAGES_PER_S = {Product.SPOT: 4.0, Product.USDM: 8.0}
"""What we send a second on one connection: 5 and 10 are allowed, and pongs count."""

STREAMS_PER_REQUEST = 100
"""Streams of one SUBSCRIBE; keeps the frame below 4 KiB."""

CONNECTION_LIFETIME_NS = 23 * 3600 * _SECOND_NS
"""When a connection is replaced: it is cut after 24 hours."""

PING_NS = 10 * _SECOND_NS
"""How often we ask something on a connection, so that a quiet market is not taken for a dead line:
futures ping only every three minutes, and what is rarely traded sends nothing for as long."""

SILENCE_NS = 30 * _SECOND_NS
"""A line that leaves our questions unanswered for this long is dead."""

DEPTH_LIMITS = {
    Product.SPOT: ((100, 5), (500, 25), (1000, 50), (5000, 250)),
    Product.USDM: ((50, 2), (100, 5), (500, 10), (1000, 20)),
}
"""Levels a side that a depth snapshot may have, and the weight it costs up to there."""


def depth_weight(product: Product, limit: int) -> int:
    """Return what a depth snapshot of ``limit`` levels a side weighs."""
    return next(weight for levels, weight in DEPTH_LIMITS[product] if limit <= levels)


def usage(costs: Costs, headers: Mapping[str, str]) -> list[tuple[str, int]]:
    """Return what Binance counts in this minute of the product's weight that a request has cost."""
    used = headers.get("X-MBX-USED-WEIGHT-1M", "")
    return [(name, int(used)) for name, _ in costs if name in _PRODUCTS and used.isdecimal()]
