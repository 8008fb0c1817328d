"""A wire with a delay: what is sent first arrives first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVarTuple

from hft.clock import Clock, Timer

__all__ = ["DelayLine"]

Arguments = TypeVarTuple("Arguments")


class DelayLine:
    """Makes calls some time after they were sent, in the order in which they were sent.

    ``delay_ns`` says how long what is sent at a time is under way; nothing overtakes what was sent before.
    One timer serves all: an event loop may run two timers of nearly the same time in either order. A
    call is never made from inside `send`, also with a delay of 0. It holds no more than what is sent
    within one delay and drops nothing, since an order or a fill that is dropped would be a lie.
    """

    __slots__ = ("_call_at", "_closed", "_delay_ns", "_last_ns", "_next", "_now_ns", "_timer", "_waiting")

    def __init__(self, clock: Clock, delay_ns: Callable[[int], int]) -> None:
        self._now_ns, self._call_at = clock.now_ns, clock.call_at
        self._delay_ns = delay_ns
        self._last_ns = 0
        self._waiting: list[tuple[int, Callable[..., None], tuple[Any, ...]]] = []
        self._next = 0
        """Where the next call waits: those before it are made."""
        self._timer: Timer | None = None
        self._closed = False

    def send(self, call: Callable[[*Arguments], None], arguments: tuple[*Arguments]) -> None:
        """Make a call with these arguments later; nothing happens on a closed line."""
        if self._closed:
            return
        now_ns = self._now_ns()
        due_ns = now_ns + self._delay_ns(now_ns)
        if due_ns < self._last_ns:
            due_ns = self._last_ns
        self._last_ns = due_ns
        self._waiting.append((due_ns, call, arguments))
        if self._timer is None:
            self._arm()

    def close(self) -> None:
        """Forget what is under way, and leave nothing on the clock."""
        self._closed = True
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self._timer = self._call_at(self._waiting[self._next][0], self._deliver)

    def _deliver(self) -> None:
        self._timer = None
        waiting, now_ns = self._waiting, self._now_ns()
        due = len(waiting) - self._next  # what is sent by the calls themselves waits for another round
        try:
            while due and self._next < len(waiting):
                due_ns, call, arguments = waiting[self._next]
                if due_ns > now_ns:
                    break
                due -= 1
                self._next += 1
                call(*arguments)
        finally:
            # Not for each call, so that it costs the same however much is under way.
            if 2 * self._next >= len(waiting):
                del waiting[: self._next]
                self._next = 0
            if waiting and self._timer is None:
                self._arm()
