"""Latency measured always: a histogram of logarithmic buckets that costs a list increment."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Histogram", "TickToOrder"]

_SUB_BITS = 5
"""Each power of two is cut into 32 buckets: a reported value is at most 1/32 above the true one."""

_SUB = 1 << _SUB_BITS
_BUCKETS = (64 - _SUB_BITS) * _SUB


class Histogram:
    """Counts of nanosecond values in buckets of about 3 % width, as HdrHistogram keeps them.

    Recording is one bit_length, one shift and one increment; memory is fixed. Values below 0 count as 0.
    """

    __slots__ = ("_counts", "count", "maximum_ns")

    def __init__(self) -> None:
        self._counts = [0] * _BUCKETS
        self.count = 0
        self.maximum_ns = 0

    def record(self, value_ns: int) -> None:
        """Count one value."""
        value_ns = max(value_ns, 0)
        if value_ns > self.maximum_ns:
            self.maximum_ns = value_ns
        shift = max(value_ns.bit_length() - _SUB_BITS - 1, 0)
        self._counts[(shift << _SUB_BITS) + (value_ns >> shift)] += 1
        self.count += 1

    def percentile_ns(self, percent: float) -> int | None:
        """Return a value that ``percent`` of the values do not exceed, None before the first."""
        if not self.count:
            return None
        wanted = self.count * percent / 100
        seen = 0
        for index, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                return min(_upper_bound(index), self.maximum_ns)
        return self.maximum_ns


def _upper_bound(index: int) -> int:
    if index < 2 * _SUB:
        return index
    shift = (index >> _SUB_BITS) - 1
    return ((index - (shift << _SUB_BITS) + 1) << shift) - 1


class TickToOrder:
    """Time from the arrival of the frame that caused an order to the return of the call that sent it.

    Orders that a timer caused are not counted: they answer to no frame. Frames of a recording were
    received long ago: with ``recorded`` the time counts from when they are handled.
    """

    __slots__ = ("_begin_ns", "_now_ns", "_recorded", "histogram")

    def __init__(self, now_ns: Callable[[], int], *, recorded: bool = False) -> None:
        self._now_ns = now_ns
        self._recorded = recorded
        self._begin_ns = 0
        self.histogram = Histogram()

    def begin(self, recv_ns: int) -> None:
        """A frame that was received at ``recv_ns`` is about to be handled."""
        self._begin_ns = self._now_ns() if self._recorded else recv_ns

    def end(self) -> None:
        """The frame has been handled."""
        self._begin_ns = 0

    def sent(self, _order: object = None) -> None:
        """An order, amendment or cancellation was handed to the exchange."""
        if self._begin_ns:
            self.histogram.record(self._now_ns() - self._begin_ns)
