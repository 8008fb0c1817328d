"""Time as integer nanoseconds UTC, from one place: the system's, or a simulated one."""

from __future__ import annotations

import asyncio
import heapq
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

__all__ = ["Clock", "SimulatedClock", "SystemClock", "Timer"]

NS_PER_S = 1_000_000_000

_monotonic_ns = time.monotonic_ns


class Timer:
    """A call to be made at ``when_ns``; `cancel` undoes it, harmlessly also after it was made."""

    __slots__ = ("_cancelled", "callback", "when_ns")

    def __init__(self, when_ns: int, callback: Callable[[], None]) -> None:
        self.when_ns = when_ns
        self.callback = callback
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        """Whether the call was taken back."""
        return self._cancelled

    def cancel(self) -> None:
        """Take the call back."""
        self._cancelled = True

    def fire(self) -> None:
        """Make the call unless it was taken back."""
        if not self._cancelled:
            self.callback()


class Clock(ABC):
    """Where all code asks for the time and for calls at a later time.

    Never asks for anything from the operating system elsewhere, so that a run can be repeated.
    """

    @abstractmethod
    def now_ns(self) -> int:
        """Return nanoseconds UTC; never goes backwards within a run."""

    @abstractmethod
    def call_at(self, when_ns: int, callback: Callable[[], None]) -> Timer:
        """Call back once at ``when_ns``; at the next opportunity if that is past.

        Calls due at the same time are made in the order in which they were asked for.
        """

    def call_later(self, delay_ns: int, callback: Callable[[], None]) -> Timer:
        """Call back once ``delay_ns`` from now."""
        return self.call_at(self.now_ns() + delay_ns, callback)

    async def sleep(self, delay_ns: int) -> None:
        """Wait ``delay_ns`` of this clock's time."""
        due = asyncio.Event()
        timer = self.call_later(delay_ns, due.set)
        try:
            await due.wait()
        finally:
            timer.cancel()


class _LoopTimer(Timer):
    __slots__ = ("handle",)

    handle: asyncio.TimerHandle

    def cancel(self) -> None:
        Timer.cancel(self)
        self.handle.cancel()


class SystemClock(Clock):
    """The system's clock, anchored once and from then on monotonic.

    A step of the system's time during a run (NTP, a person) does not reorder events; the slewing
    that NTP normally does is followed, since Linux slews ``CLOCK_MONOTONIC`` as well.
    """

    def __init__(self) -> None:
        self._offset_ns = time.time_ns() - time.monotonic_ns()

    def now_ns(self) -> int:
        return _monotonic_ns() + self._offset_ns

    def call_at(self, when_ns: int, callback: Callable[[], None]) -> Timer:
        timer = _LoopTimer(when_ns, callback)
        delay = max(0, when_ns - self.now_ns()) / NS_PER_S
        timer.handle = asyncio.get_running_loop().call_later(delay, timer.fire)
        return timer


class SimulatedClock(Clock):
    """A clock that stands still until `advance_to` moves it, making the calls due on the way."""

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = start_ns
        self._count = 0
        self._timers: list[tuple[int, int, Timer]] = []

    def now_ns(self) -> int:
        return self._now_ns

    def call_at(self, when_ns: int, callback: Callable[[], None]) -> Timer:
        # Comparisons, not max(): backtests are made of such calls.
        if when_ns < self._now_ns:
            when_ns = self._now_ns
        timer = Timer(when_ns, callback)
        self._count = count = self._count + 1
        heapq.heappush(self._timers, (when_ns, count, timer))
        return timer

    def call_later(self, delay_ns: int, callback: Callable[[], None]) -> Timer:
        return self.call_at(self._now_ns + delay_ns, callback)

    def next_timer_ns(self) -> int | None:
        """Return when the next call is due, or None when none is."""
        while self._timers and self._timers[0][2].cancelled:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def advance_to(self, when_ns: int) -> None:
        """Move to ``when_ns`` and make every call due until then, each at its own time.

        A time in the past is ignored: recorded frames of several connections may be out of order by
        a little, and time never goes backwards.
        """
        timers = self._timers
        while timers and timers[0][0] <= when_ns:
            due_ns, _, timer = heapq.heappop(timers)
            if due_ns > self._now_ns:
                self._now_ns = due_ns
            timer.fire()
        if when_ns > self._now_ns:
            self._now_ns = when_ns

    def advance(self, delay_ns: int) -> None:
        """Move ``delay_ns`` forward."""
        self.advance_to(self._now_ns + delay_ns)
