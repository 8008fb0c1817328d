"""Ask the exchange about orders of which nobody knows what became, until it says."""

from __future__ import annotations

import random
from collections.abc import Callable

from hft.clock import NS_PER_S, Clock, Timer
from hft.net.backoff import Backoff
from hft.orders.record import Record
from hft.types import OrderState

__all__ = ["Doubts"]

_INITIAL_NS = NS_PER_S // 4
_MAXIMUM_NS = 10 * NS_PER_S

PATIENCE_NS = 20 * NS_PER_S
"""A request that its client has neither answered nor given up for this long is asked about as well."""


class Doubts:
    """Keeps asking about the orders in doubt, each with its own back-off, for ever.

    In doubt is an order that is UNKNOWN, that ended ahead of fills which have not come, of which the
    exchange refused to cancel or amend what we think is open, or whose request found no answer.
    ``ask(record)`` puts the question; the answers come as reports and fills, and end the doubt.
    """

    def __init__(self, clock: Clock, rng: random.Random, ask: Callable[[Record], None]) -> None:
        self._clock = clock
        self._random = rng
        self._ask = ask
        self._doubts: dict[str, tuple[Record, Backoff, int]] = {}
        self._timer: Timer | None = None
        self._is_over = False

    def __len__(self) -> int:
        return len(self._doubts)

    def add(self, record: Record, *, delay_ns: int = 0) -> None:
        """Ask about an order from now on, after a delay; one that is in doubt already stays as it is."""
        key = record.order.client_order_id
        if key in self._doubts or self._is_over:
            return
        backoff = Backoff(self._random, initial_ns=_INITIAL_NS, maximum_ns=_MAXIMUM_NS)
        backoff.next_ns()  # the first delay is none, and is ours
        self._doubts[key] = (record, backoff, self._clock.now_ns() + delay_ns)
        self._schedule()

    def ask_now(self) -> None:
        """Ask about all of them at once: the connection is back."""
        now_ns = self._clock.now_ns()
        self._doubts = {key: (record, backoff, now_ns) for key, (record, backoff, _) in self._doubts.items()}
        self._schedule()

    def stop(self) -> None:
        """Ask no more, for good."""
        self._is_over = True
        self._doubts.clear()
        self._schedule()

    def _look(self) -> None:
        self._timer = None
        now_ns = self._clock.now_ns()
        for key, (record, backoff, due_ns) in list(self._doubts.items()):
            if not _is_in_doubt(record, now_ns):
                del self._doubts[key]
            elif due_ns <= now_ns:
                self._doubts[key] = (record, backoff, now_ns + backoff.next_ns())
                self._ask(record)
        self._schedule()

    def _schedule(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._doubts:
            due_ns = min(due_ns for _, _, due_ns in self._doubts.values())
            self._timer = self._clock.call_at(due_ns, self._look)


def _is_in_doubt(record: Record, now_ns: int) -> bool:
    order = record.order
    if order.state.is_final:
        return False
    if order.state is OrderState.UNKNOWN or record.held is not None or record.is_suspect:
        return True
    waits = order.state in (OrderState.PENDING_NEW, OrderState.PENDING_CANCEL, OrderState.PENDING_REPLACE)
    return waits and now_ns - record.requested_ns >= PATIENCE_NS
