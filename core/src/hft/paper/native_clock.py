"""Simulated time in native code."""

from __future__ import annotations

from collections.abc import Callable

from hft.book._native import NativeLine, NativeTime
from hft.clock import SimulatedClock
from hft.paper.delay_line import DelayLine

__all__ = ["NativeClock", "NativeDelayLine"]


class NativeClock(NativeTime, SimulatedClock):
    """See `SimulatedClock`."""

    def __init__(self, start_ns: int = 0) -> None:
        NativeTime.__init__(self, start_ns)


class NativeDelayLine(NativeLine, DelayLine):
    """See `DelayLine`."""

    def __init__(self, clock: NativeClock, delay_ns: Callable[[int], int]) -> None:
        NativeLine.__init__(self, clock, delay_ns)
