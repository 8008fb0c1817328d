"""How far the exchange's clock is from ours."""

from __future__ import annotations

from collections import deque

__all__ = ["ClockOffset"]

_SAMPLES = 16
"""Measurements that are compared; at one a minute, drift within them is far below a millisecond."""


class ClockOffset:
    """The difference of the exchange's clock to ours, from answers that state its time.

    Of the last measurements the one with the shortest round trip is believed: it is wrong by half of that
    at most. ``offset_ns`` is what has to be added to our time; 0 until it is measured.
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
        self.round_trip_ns, self.offset_ns = min(self._samples)

    def distrust(self) -> None:
        """Forget what was measured but for the newest: the exchange says that our time is wrong."""
        while len(self._samples) > 1:
            self._samples.popleft()
        if self._samples:
            self.round_trip_ns, self.offset_ns = self._samples[0]
