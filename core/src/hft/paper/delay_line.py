# cython: overflowcheck=True, wraparound=False
"""A wire with a delay: what is sent first arrives first."""

from __future__ import annotations

from typing import Any

from hft.clock import Clock, Timer
from hft.paper.latency import Delay

__all__ = ["DelayLine"]

_SPENT = 500
"""Places that messages have left, of which as many are kept at least: to move what waits costs more."""


class DelayLine:
    """Lets messages `arrive` some time after they were sent, in the order in which they were sent.

    Derive from it to say what then happens. ``delay`` is how long what is sent is under way; nothing
    overtakes what was sent before. One timer serves all: an event loop may run two timers of nearly the same
    time in either order. Nothing ever arrives from inside `send`, also with a delay of 0. It holds no more
    than what is sent within one delay and drops nothing, since an order or a fill that is dropped would be a
    lie.
    """

    __slots__ = (
        "_call_at",
        "_closed",
        "_delay_ns",
        "_delay_of",
        "_due",
        "_end",
        "_last",
        "_last_ns",
        "_messages",
        "_next",
        "_now_ns",
        "_on_due",
        "_timer",
    )

    def __init__(self, clock: Clock, delay: Delay) -> None:
        self._now_ns, self._call_at = clock.now_ns, clock.call_at
        self._delay_of = None if isinstance(delay, int) else delay
        self._delay_ns = delay if isinstance(delay, int) else 0
        self._last = self._last_ns = 0
        """When what was sent last is due."""
        self._messages: list[Any] = []
        self._due: list[int] = []
        """When each of them is due."""
        self._next = self._end = 0
        """Where the next message waits, and where those that do end: all other places are free."""
        self._on_due = self._deliver  # bound once, not for each timer
        self._timer: Timer | None = None
        self._closed = False

    def arrive(self, message: Any, now_ns: int) -> None:
        """Take a message that is due."""
        raise NotImplementedError

    def send(self, message: Any, now_ns: int) -> None:
        """Let a message arrive later; nothing happens on a closed line."""
        if self._closed:
            return
        delay_ns = self._delay_ns
        if self._delay_of is not None:
            delay_ns = self._delay_of(now_ns)
        due_ns = now_ns + delay_ns
        if due_ns > self._last_ns:
            self._last = self._last_ns = due_ns
        end = self._end
        if end < len(self._messages):
            self._messages[end], self._due[end] = message, self._last
        else:
            self._messages.append(message)
            self._due.append(self._last)
        self._end = end + 1
        if self._timer is None:
            self._arm()

    def close(self) -> None:
        """Forget what is under way, and leave nothing on the clock."""
        self._closed = True
        self._messages.clear()
        self._due.clear()
        self._next = self._end = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self._timer = self._call_at(self._due[self._next], self._on_due)

    def _deliver(self) -> None:
        self._timer = None
        messages, due, now_ns = self._messages, self._due, self._now_ns()
        left = self._end - self._next  # what is sent from inside an arrival waits for another round
        try:
            while left and self._next < self._end and due[self._next] <= now_ns:
                message = messages[self._next]
                messages[self._next] = None
                left -= 1
                self._next += 1
                self.arrive(message, now_ns)
        finally:
            # Not for each message, so that it costs the same however much is under way.
            spent = self._next
            if spent >= _SPENT and 2 * spent >= self._end:
                del messages[:spent], due[:spent]
                self._next, self._end = 0, self._end - spent
            elif spent == self._end:
                self._next = self._end = 0
            if self._next < self._end and self._timer is None:
                self._arm()
