"""A wire with a delay: what is sent first arrives first."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from hft.clock import Clock, Timer

__all__ = ["DelayLine"]


class DelayLine:
    """Makes calls some time after they were sent, in the order in which they were sent.

    ``delay_ns`` says how long what is sent at a time is under way; nothing overtakes what was sent before.
    One timer serves all: an event loop may run two timers of nearly the same time in either order. A
    call is never made from inside `send`, also with a delay of 0. It holds no more than what is sent
    within one delay and drops nothing, since an order or a fill that is dropped would be a lie.
    """

    def __init__(self, clock: Clock, delay_ns: Callable[[int], int]) -> None:
        self._clock = clock
        self._delay_ns = delay_ns
        self._last_ns = 0
        self._waiting: deque[tuple[int, Callable[[], None]]] = deque()
        self._timer: Timer | None = None
        self._closed = False

    def send(self, call: Callable[[], None]) -> None:
        """Make a call later; nothing happens on a closed line."""
        if self._closed:
            return
        now_ns = self._clock.now_ns()
        self._last_ns = due_ns = max(self._last_ns, now_ns + self._delay_ns(now_ns))
        self._waiting.append((due_ns, call))
        self._arm()

    def close(self) -> None:
        """Forget what is under way, and leave nothing on the clock."""
        self._closed = True
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        if self._timer is None and self._waiting:
            self._timer = self._clock.call_at(self._waiting[0][0], self._deliver)

    def _deliver(self) -> None:
        self._timer = None
        waiting, now_ns = self._waiting, self._clock.now_ns()
        due = len(waiting)  # what is sent by the calls themselves waits for another round
        try:
            while due and waiting and waiting[0][0] <= now_ns:
                due -= 1
                waiting.popleft()[1]()
        finally:
            self._arm()
