"""What was taken by the exchange and is not heard of yet: its answers announce, the private stream tells."""

from __future__ import annotations

import enum
from collections.abc import Callable

import attrs

from hft import Clock, Order, PendingRequests, Recent

__all__ = ["Awaited", "Confirmations"]

_KEPT = 10_000


class Awaited(enum.Enum):
    """What the private stream has to tell of an order."""

    PLACED = "placed"
    AMENDED = "amended"
    CANCELED = "canceled"


@attrs.frozen
class _Wait:
    order: Order
    what: Awaited


class Confirmations:
    """Waits for the private stream to tell what an answer has only announced.

    A success is no more than that a request was taken. What it led to may be told before the answer comes,
    after it, or not at all: then, ``timeout_ns`` after the answer, ``overdue(order, what)`` is called.
    """

    def __init__(self, clock: Clock, timeout_ns: int, overdue: Callable[[Order, Awaited], None]) -> None:
        self._clock = clock
        self._overdue = overdue
        self._expected: Recent[str, None] = Recent(_KEPT)
        self._waiting: PendingRequests[_Wait] = PendingRequests(
            clock, timeout_ns, lambda wait, _: self._overdue(wait.order, wait.what)
        )

    def expect(self, order: Order, what: Awaited) -> None:
        """Learn that something is about to be asked."""
        self._expected[_key(order.client_order_id, what)] = None

    def taken(self, order: Order, what: Awaited) -> None:
        """Learn that the exchange has taken it: from now on it is waited for, unless it was told already."""
        key = _key(order.client_order_id, what)
        if key in self._expected:
            del self._expected[key]
            self._waiting.add(key, _Wait(order, what), self._clock.now_ns())

    def heard(self, client_order_id: str, what: Awaited) -> None:
        """Learn that it was told, or will not be: it was refused."""
        key = _key(client_order_id, what)
        self._expected.pop(key, None)
        self._waiting.take(key)

    def settled(self, client_order_id: str) -> None:
        """Learn that the order has ended: nothing more is told of it."""
        for what in Awaited:
            self.heard(client_order_id, what)


def _key(client_order_id: str, what: Awaited) -> str:
    return f"{what.value} {client_order_id}"
