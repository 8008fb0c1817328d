"""The exchange's published limits, as data (its documentation, July 2026)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hft import Costs, RateLimit
from hft_bybit.endpoints import Product

__all__ = [
    "BATCH",
    "CONNECTIONS",
    "LOGIN_WINDOW_NS",
    "MAX_TOPIC_CHARS",
    "MESSAGES_PER_S",
    "ORDER_LIMITS",
    "ORDER_MESSAGES_PER_S",
    "PING_NS",
    "QUERIES",
    "RATE_LIMITS",
    "REST",
    "SILENCE_NS",
    "SOCKET_ORDERS",
    "TOO_FREQUENT_NS",
    "TOPICS_PER_REQUEST",
    "order_costs",
    "query_costs",
    "stated_limit",
    "usage",
    "used",
    "wait_ns",
]

_SECOND_NS = 1_000_000_000

REST = "rest"
"""Requests by REST, counted by address over all endpoints."""

CONNECTIONS = "connections"
"""New websockets, counted by address."""

SOCKET_ORDERS = "websocket orders"
"""Requests about orders by websocket, counted by address."""

_ORDERS = {
    # Orders of a batch count one by one, in a bucket of their own.
    "create": {Product.LINEAR: 10, Product.SPOT: 20},
    "amend": {Product.LINEAR: 10, Product.SPOT: 10},
    "cancel": {Product.LINEAR: 10, Product.SPOT: 20},
    "cancel-all": {Product.LINEAR: 10, Product.SPOT: 20},
    "create-batch": {Product.LINEAR: 10, Product.SPOT: 20},
    "amend-batch": {Product.LINEAR: 10, Product.SPOT: 20},
    "cancel-batch": {Product.LINEAR: 10, Product.SPOT: 20},
}
"""A second, of an account without a tier; the answers state what really holds."""

QUERIES = {
    "/v5/order/realtime": "open orders",
    "/v5/order/history": "order history",
    "/v5/execution/list": "executions",
    "/v5/position/list": "positions",
    "/v5/account/wallet-balance": "balances",
}
_QUERIES_PER_S = 50

RATE_LIMITS = (
    RateLimit(name=REST, weight=600, per_ns=5 * _SECOND_NS),
    RateLimit(name=CONNECTIONS, weight=500, per_ns=300 * _SECOND_NS),
)


def _order_limit(operation: str, product: Product, weight: int) -> RateLimit:
    # One kind of request fills each of these: there is nothing in it to keep for cancels, or to slow down.
    return RateLimit(
        name=f"{product.value} {operation}",
        weight=weight,
        per_ns=_SECOND_NS,
        scope="account",
        reserve=0,
        pace_above=1,
    )


ORDER_LIMITS = (
    *(
        _order_limit(operation, product, weight)
        for operation, weights in _ORDERS.items()
        for product, weight in weights.items()
    ),
    *(
        RateLimit(name=name, weight=_QUERIES_PER_S, per_ns=_SECOND_NS, scope="account")
        for name in QUERIES.values()
    ),
    RateLimit(name=SOCKET_ORDERS, weight=3000, per_ns=_SECOND_NS),
)
"""Whether orders by REST and by websocket share a bucket is not documented; the careful guess: they do."""

_ACCOUNT_LIMITS = frozenset(limit.name for limit in ORDER_LIMITS if limit.scope == "account")

BATCH = {
    product: min(most, _ORDERS["create-batch"][product])
    for product, most in {Product.LINEAR: 20, Product.SPOT: 10}.items()
}
"""Orders of one message: what is documented, and no more than a second allows."""


def order_costs(product: Product, operation: str, *, rest: bool, orders: int = 1) -> Costs:
    """Return what a request about orders costs, by the way it travels; a batch costs ``orders``."""
    way = REST if rest else SOCKET_ORDERS
    return ((f"{product.value} {operation}", orders), (way, 1))


def query_costs(path: str) -> Costs:
    """Return what a request costs that asks, by its path."""
    limit = QUERIES.get(path)
    return ((REST, 1),) if limit is None else ((limit, 1), (REST, 1))


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "")
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 20 else None


def stated_limit(headers: Mapping[str, str]) -> int:
    """Return what the bucket of a request really holds, 0 where the answer does not say."""
    return _number(headers, "X-Bapi-Limit") or 0


def used(headers: Mapping[str, str]) -> int | None:
    """Return how much of the bucket of a request is used, None where the answer does not say."""
    limit, left = _number(headers, "X-Bapi-Limit"), _number(headers, "X-Bapi-Limit-Status")
    return None if limit is None or left is None else max(0, limit - left)


def wait_ns(headers: Mapping[str, str], server_ns: int) -> int:
    """Return for how long the bucket of a request stays empty, 0 where the answer does not say."""
    reset_ms = _number(headers, "X-Bapi-Limit-Reset-Timestamp") or 0
    return max(0, reset_ms * 1_000_000 - server_ns)


def usage(costs: Costs, headers: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """Yield what the exchange counts of the account's bucket that a request has cost."""
    count = used(headers)
    if count is not None:
        yield from ((name, count) for name, _ in costs if name in _ACCOUNT_LIMITS)


TOO_FREQUENT_NS = 600 * _SECOND_NS
"""How long an address that asked too often is turned away, and should not ask at all."""

TOPICS_PER_REQUEST = 10
"""Topics of one subscription: spot takes no more, and one that is refused may take the others with it."""

MAX_TOPIC_CHARS = 20_000
"""Of all topics of a connection together; 21,000 are allowed."""

MESSAGES_PER_S = 10.0
"""What we send a second on a connection for data; no limit is documented."""

ORDER_MESSAGES_PER_S = 3_000.0
"""What a connection for orders lets through: there the limits decide, which let cancels go first."""

PING_NS = 20 * _SECOND_NS
"""How often the exchange wants to be asked."""

SILENCE_NS = 45 * _SECOND_NS
"""A line that leaves two of our questions unanswered is dead."""

LOGIN_WINDOW_NS = 10 * _SECOND_NS
"""For how long the signature of a login is good."""
