"""How far the exchange's clock is from ours."""

from __future__ import annotations

from collections import deque
from operator import itemgetter

__all__ = ["ClockOffset"]

_SAMPLES = 16
"""Measurements that are compared; at one a minute, drift within them is far below a millisecond."""


class ClockOffset:
    """The difference of the exchange's clock to ours, from answers that state its time.

    Of the last measurements the one with the shortest round trip is believed, the newest of equals: it is
    wrong by half of that at most. ``offset_ns`` is what has to be added to our time; 0 until it is measured.
    """

    __slots__ = ("_samples", "offset_ns", "round_trip_ns")

    def __init__(self) -> None:
        self.offset_ns = 0
        self.round_trip_ns: int | None = None
        """Of the measurement that is believed, None before the first."""
        self._samples: deque[tuple[int, int]] = deque(maxlen=_SAMPLES)

    def measure(self, sent_ns: int, recv_ns: int, server_ns: int) -> None:
        """Take one measurement: the exchange's time in the answer to a request."""
        offset_ns = server_ns - (sent_ns + recv_ns) // 2
        self._samples.append((recv_ns - sent_ns, offset_ns))
        self.round_trip_ns, self.offset_ns = min(reversed(self._samples), key=itemgetter(0))

    def distrust(self) -> None:
        """Believe the next measurement, whatever came before: the exchange says that our time is wrong."""
        self._samples.clear()
