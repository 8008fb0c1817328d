"""Measure how much the mid moves."""

from __future__ import annotations

import math

__all__ = ["Volatility"]


class Volatility:
    """Variance of a price per second, from its moves, with exponentially fading memory.

    The sum of squared moves over the sum of the time they took, both fading with age: updates may
    come at any intervals, and a pause counts as a time without moves.
    """

    __slots__ = ("_memory_s", "_price", "_squares", "_time_ns", "_time_s")

    def __init__(self, memory_s: float) -> None:
        self._memory_s = memory_s
        self._price = math.nan
        self._time_ns = 0
        self._squares = 0.0
        self._time_s = 0.0

    def update(self, price: float, now_ns: int) -> None:
        """Take the price as it is now."""
        if self._time_ns:
            elapsed_s = max(0, now_ns - self._time_ns) / 1e9
            fade = math.exp(-elapsed_s / self._memory_s)
            move = price - self._price
            self._squares = self._squares * fade + move * move
            self._time_s = self._time_s * fade + elapsed_s
        self._price, self._time_ns = price, now_ns

    @property
    def variance(self) -> float:
        """Squared price per second; 0 while there is nothing to go by."""
        return self._squares / self._time_s if self._time_s > 0 else 0.0
