"""The exchange's published limits, as data (its documentation, 2026)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hft import Costs, RateLimit, RestAnswer, RestCall
from hft_binance.endpoints import Product
from hft_binance.private_codec import decode_error

__all__ = [
    "AMEND_COSTS",
    "BATCH",
    "BATCH_COSTS",
    "CANCEL_BATCH",
    "CANCEL_COSTS",
    "CONNECTIONS",
    "CONNECTION_LIFETIME_NS",
    "DEPTH_LIMITS",
    "MAX_STREAMS",
    "MESSAGES_PER_S",
    "MESSAGE_COSTS",
    "ORDERS",
    "ORDER_LIMITS",
    "ORDER_MESSAGES_PER_S",
    "PING_NS",
    "PLACE_COSTS",
    "RATE_LIMITS",
    "SILENCE_NS",
    "STREAMS_PER_REQUEST",
    "counted",
    "depth_weight",
    "refusals",
    "usage",
    "used",
    "weight",
]

_SECOND_NS = 1_000_000_000

_MINUTE_NS, _DAY_NS = 60 * _SECOND_NS, 86_400 * _SECOND_NS

ORDERS = {
    Product.SPOT: {"10S": "spot orders 10s", "1D": "spot orders 1d"},
    Product.USDM: {"10S": "usdm orders 10s", "1M": "usdm orders 1m"},
}
"""Names of the limits of new orders, by how the exchange writes their time in headers."""

_PRODUCTS = frozenset(product.value for product in Product)

CONNECTIONS = {product: f"{product.value} connections" for product in Product}
"""Names of the limits of new connections."""

RATE_LIMITS = (
    RateLimit(name=Product.SPOT.value, weight=6000, per_ns=_MINUTE_NS, aligned=True),
    RateLimit(name=Product.USDM.value, weight=2400, per_ns=_MINUTE_NS, aligned=True),
    *(RateLimit(name=name, weight=300, per_ns=300 * _SECOND_NS) for name in CONNECTIONS.values()),
)
"""REQUEST_WEIGHT of each product, and new connections, both counted per address. That futures count
connections as spot does is not documented; it is the careful guess."""

ORDER_LIMITS = (
    RateLimit(name="spot orders 10s", weight=50, per_ns=10 * _SECOND_NS, scope="account", aligned=True),
    RateLimit(name="spot orders 1d", weight=160_000, per_ns=_DAY_NS, scope="account", aligned=True),
    RateLimit(name="usdm orders 10s", weight=300, per_ns=10 * _SECOND_NS, scope="account", aligned=True),
    RateLimit(name="usdm orders 1m", weight=1200, per_ns=_MINUTE_NS, scope="account", aligned=True),
    RateLimit(name="usdm messages", weight=9, per_ns=_SECOND_NS, scope="account", pace_above=1),
)
"""New orders; ``exchangeInfo`` announces what holds at the moment."""

PLACE_COSTS: dict[Product, Costs] = {
    Product.SPOT: (("spot", 1), ("spot orders 10s", 1), ("spot orders 1d", 1)),
    Product.USDM: (("usdm orders 10s", 1), ("usdm orders 1m", 1)),
}
AMEND_COSTS: dict[Product, Costs] = {
    Product.SPOT: (("spot", 4),),
    Product.USDM: (("usdm orders 10s", 1), ("usdm orders 1m", 1)),
}
CANCEL_COSTS: dict[Product, Costs] = {Product.SPOT: (("spot", 1),), Product.USDM: (("usdm", 1),)}

MESSAGE_COSTS: dict[Product, Costs] = {Product.SPOT: (), Product.USDM: (("usdm messages", 1),)}
"""What a message costs besides on the connection that orders travel on: spot counts only weights, futures
take ten messages a second, pings among them."""

BATCH_COSTS: Costs = (("usdm", 5), ("usdm orders 10s", 5), ("usdm orders 1m", 1))
"""Of up to five new orders in one message."""

BATCH, CANCEL_BATCH = 5, 10
"""Orders that one message of futures places or cancels."""


def weight(product: Product, amount: int) -> Costs:
    """Return what a request costs that counts by its weight only."""
    return ((product.value, amount),)


_COUNTED = {
    (Product.SPOT, "REQUEST_WEIGHT", "MINUTE", 1): "spot",
    (Product.SPOT, "ORDERS", "SECOND", 10): "spot orders 10s",
    (Product.SPOT, "ORDERS", "DAY", 1): "spot orders 1d",
    (Product.USDM, "REQUEST_WEIGHT", "MINUTE", 1): "usdm",
    (Product.USDM, "ORDERS", "SECOND", 10): "usdm orders 10s",
    (Product.USDM, "ORDERS", "MINUTE", 1): "usdm orders 1m",
}


def counted(product: Product, kind: str, interval: str, number: int) -> str:
    """Return the name of a limit by the exchange's description of it, empty for one that is not kept."""
    return _COUNTED.get((product, kind, interval, number), "")


def used(product: Product, headers: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """Read from an answer's headers what the exchange counts as used of which limit."""
    weighed = headers.get("X-MBX-USED-WEIGHT-1M", "")
    if weighed.isdecimal():
        yield product.value, int(weighed)
    for interval, name in ORDERS[product].items():
        counted = headers.get(f"X-MBX-ORDER-COUNT-{interval}", "")
        if counted.isdecimal():
            yield name, int(counted)


MAX_STREAMS = {Product.SPOT: 1024, Product.USDM: 200}
"""Streams on one connection. Futures document 1024 today and 200 in older pages; 200 suits both."""

MESSAGES_PER_S = {Product.SPOT: 4.0, Product.USDM: 8.0}
"""What we send a second on one connection: 5 and 10 are allowed, and pongs count."""

ORDER_MESSAGES_PER_S = 1_000.0
"""What one connection for orders lets through: there the limits decide, which let cancels go first."""

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


_TOO_MANY_ORDERS = -1015


def refusals(call: RestCall, answer: RestAnswer) -> list[str]:
    """Return the limits of orders where there were too many of these; cancels do not count as such."""
    if decode_error(answer.body).code != _TOO_MANY_ORDERS:
        return []
    return [name for name, _ in call.costs if name not in _PRODUCTS]
