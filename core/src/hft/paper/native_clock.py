"""Simulated time in native code."""

from __future__ import annotations

from hft.book._native import NativeTime
from hft.clock import SimulatedClock

__all__ = ["NativeClock"]


class NativeClock(NativeTime, SimulatedClock):
    """See `SimulatedClock`."""

    def __init__(self, start_ns: int = 0) -> None:
        NativeTime.__init__(self, start_ns)
