"""Time as an input: it stands still while one input is handled, and timers are told apart by number.

That is what makes a run repeatable. By the system's clock two readings in the handling of one frame differ by
what the machine was doing, and which of two timers goes first depends on the event loop.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from hft.clock import Clock, Timer

__all__ = ["RecordingClock", "ReplayedClock"]


class _RecordedTimer(Timer):
    """A call of the run, and the timer of the system that brings it about."""

    __slots__ = ("due",)

    due: Timer

    def cancel(self) -> None:
        super().cancel()
        self.due.cancel()


class RecordingClock(Clock):
    """Tells the time of the newest input; a timer that is due is an input itself.

    ``on_timer(now_ns, number, when_ns)`` is called before the timer's own call. Timers are numbered from 1
    in the order in which they were asked for, ``timers`` is the number of the last one.
    """

    def __init__(self, system: Clock, on_timer: Callable[[int, int, int], None]) -> None:
        self._system = system
        self._now_ns = system.now_ns()
        self._on_timer = on_timer
        self.timers = 0

    def now_ns(self) -> int:
        return self._now_ns

    def begin(self, now_ns: int | None = None) -> int:
        """Begin an input that came now, or then, and return its time, which never goes backwards."""
        now_ns = self._system.now_ns() if now_ns is None else now_ns
        self._now_ns = now_ns = max(now_ns, self._now_ns)
        return now_ns

    def call_at(self, when_ns: int, callback: Callable[[], None]) -> Timer:
        self.timers = number = self.timers + 1
        timer = _RecordedTimer(when_ns, callback)
        timer.due = self._system.call_at(when_ns, partial(self._fire, timer, number))
        return timer

    def _fire(self, timer: Timer, number: int) -> None:
        if not timer.cancelled:
            self._on_timer(self.begin(), number, timer.when_ns)
            timer.fire()


class _ReplayedTimer(Timer):
    __slots__ = ("forget",)

    forget: Callable[[], object]

    def cancel(self) -> None:
        super().cancel()
        self.forget()


class ReplayedClock(Clock):
    """The clock of a session that is run again: nothing passes but what was recorded."""

    def __init__(self, start_ns: int) -> None:
        self._now_ns = start_ns
        self._pending: dict[int, Timer] = {}
        self.timers = 0

    def now_ns(self) -> int:
        return self._now_ns

    def begin(self, now_ns: int) -> None:
        """Begin the next input."""
        self._now_ns = max(now_ns, self._now_ns)

    def call_at(self, when_ns: int, callback: Callable[[], None]) -> Timer:
        self.timers = number = self.timers + 1
        timer = self._pending[number] = _ReplayedTimer(when_ns, callback)
        timer.forget = partial(self._pending.pop, number, None)
        return timer

    def take(self, number: int) -> Timer | None:
        """Return the timer of this number, which is to be fired now; None if none such waits."""
        return self._pending.pop(number, None)
