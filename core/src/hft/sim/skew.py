"""An exchange's clock that is wrong."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from hft.clock import Clock, Timer

__all__ = ["SkewedClock"]


@attrs.frozen(eq=False)
class _Skew:
    since_ns: int
    by_ns: int
    over_ns: int

    def at(self, now_ns: int) -> int:
        elapsed_ns = now_ns - self.since_ns
        return self.by_ns if elapsed_ns >= self.over_ns else self.by_ns * elapsed_ns // self.over_ns


class SkewedClock(Clock):
    """Shows the time of ``true`` and whatever it is skewed by; calls are made when they really are due.

    Unlike others it goes backwards when it is set back: that is what it is for.
    """

    def __init__(self, true: Clock) -> None:
        self.true = true
        self._skews: list[_Skew] = []

    @property
    def skew_ns(self) -> int:
        """How far it is ahead now; negative where it is behind."""
        now_ns = self.true.now_ns()
        return sum(skew.at(now_ns) for skew in self._skews)

    def skew(self, by_ns: int, *, over_ns: int = 0) -> Callable[[], None]:
        """Set it ahead by ``by_ns``, or let it drift there within ``over_ns``; return what undoes it."""
        skew = _Skew(self.true.now_ns(), by_ns, over_ns)
        self._skews.append(skew)

        def undo() -> None:
            if skew in self._skews:
                self._skews.remove(skew)

        return undo

    def now_ns(self) -> int:
        return self.true.now_ns() + (self.skew_ns if self._skews else 0)

    def call_at(self, when_ns: int, callback: Callable[[], None]) -> Timer:
        return self.true.call_at(when_ns - self.skew_ns if self._skews else when_ns, callback)

    def call_later(self, delay_ns: int, callback: Callable[[], None]) -> Timer:
        return self.true.call_later(delay_ns, callback)
