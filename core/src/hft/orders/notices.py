"""Tell owners what became of their orders, never from inside a call of their own."""

from __future__ import annotations

from hft.clock import Clock
from hft.order import Order
from hft.orders.interfaces import Owner

__all__ = ["Notices"]

_NOTICE_NS = 1_000
"""A refusal is told this much later: never from inside the call, and never at the same instant, or a
strategy that answers it with the same order would hold a simulated clock for ever."""


class Notices:
    """What owners are to be told shortly, in its order."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: list[tuple[Owner, Order]] = []

    def tell_later(self, owner: Owner, order: Order) -> None:
        """Let an owner see an order soon."""
        if not self._waiting:
            self._clock.call_later(_NOTICE_NS, self._tell)
        self._waiting.append((owner, order))

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for owner, order in waiting:
            owner.on_order(order)
