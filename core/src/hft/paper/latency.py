"""How long requests and answers are under way."""

from __future__ import annotations

import math
import random
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path

from hft.errors import UsageError
from hft.paper.config import PaperConfig

__all__ = ["ConstantLatency", "Delay", "DrawnLatency", "LatencyModel", "RecordedLatency", "new_latency_model"]

Delay = int | Callable[[int], int]
"""Nanoseconds that something takes: always the same, or told by the time at which it begins."""


class LatencyModel(ABC):
    """Says how long what is sent at a time, in nanoseconds UTC, is under way.

    What is sent later never arrives before what was sent earlier, whatever this says.
    """

    @abstractmethod
    def request_ns(self, now_ns: int) -> int:
        """Return the time from sending a request to its arrival at the exchange."""

    @abstractmethod
    def response_ns(self, now_ns: int) -> int:
        """Return the time from what happens at the exchange to our hearing of it."""

    def delays(self) -> tuple[Delay, Delay]:
        """Return both, for whoever asks very often: a number for what is the same always."""
        return self.request_ns, self.response_ns


class ConstantLatency(LatencyModel):
    """The same always."""

    def __init__(self, request_ns: int, response_ns: int) -> None:
        self._request_ns, self._response_ns = request_ns, response_ns

    def request_ns(self, now_ns: int) -> int:
        return self._request_ns

    def response_ns(self, now_ns: int) -> int:
        return self._response_ns

    def delays(self) -> tuple[Delay, Delay]:
        return self._request_ns, self._response_ns


class DrawnLatency(LatencyModel):
    """Drawn from a log-normal distribution with a given median: never negative, with a long tail."""

    def __init__(self, request_ns: int, response_ns: int, sigma: float, random: random.Random) -> None:
        self._request_ns, self._response_ns = request_ns, response_ns
        self._sigma = sigma
        self._random = random

    def request_ns(self, now_ns: int) -> int:
        return self._draw(self._request_ns)

    def response_ns(self, now_ns: int) -> int:
        return self._draw(self._response_ns)

    def _draw(self, median_ns: int) -> int:
        return round(median_ns * math.exp(self._sigma * self._random.gauss(0.0, 1.0)))


class RecordedLatency(LatencyModel):
    """Interpolated between recorded ones, linearly in the time at which they were sent.

    ``samples`` are when a request was sent, arrived and was answered, by times sent. Before the first and
    after the last it is theirs. The ``IntpOrderLatency`` of hftbacktest.
    """

    def __init__(self, samples: list[tuple[int, int, int]]) -> None:
        self._sent = [sent for sent, _, _ in samples]
        self._requests = [arrived - sent for sent, arrived, _ in samples]
        self._arrived = [arrived for _, arrived, _ in samples]
        self._responses = [answered - arrived for _, arrived, answered in samples]

    @classmethod
    def read(cls, path: Path) -> RecordedLatency:
        """Read a CSV file of ``sent_ns,arrived_ns,answered_ns`` under such a first line."""
        try:
            lines = path.read_text().splitlines()
            if not lines or lines[0].split(",") != ["sent_ns", "arrived_ns", "answered_ns"]:
                raise ValueError("the first line must be sent_ns,arrived_ns,answered_ns")
            samples = []
            for line in lines[1:]:
                sent, arrived, answered = map(int, line.split(","))
                if not sent <= arrived <= answered:
                    raise ValueError(f"{line} is not in the order of time")
                samples.append((sent, arrived, answered))
            if not samples:
                raise ValueError("there is no line")
        except (OSError, ValueError) as error:
            raise UsageError(f"{path}: no recorded latencies: {error}") from None
        return cls(sorted(samples))

    def request_ns(self, now_ns: int) -> int:
        return _interpolate(self._sent, self._requests, now_ns)

    def response_ns(self, now_ns: int) -> int:
        return _interpolate(self._arrived, self._responses, now_ns)


def _interpolate(times: list[int], values: list[int], now_ns: int) -> int:
    after = bisect_right(times, now_ns)
    if after == 0 or after == len(times):
        return values[after - (after > 0)]
    before_ns, after_ns = times[after - 1], times[after]
    before, rise = values[after - 1], values[after] - values[after - 1]
    return before + rise * (now_ns - before_ns) // (after_ns - before_ns)


def new_latency_model(config: PaperConfig, *, base: Path, random: random.Random) -> LatencyModel:
    """Make the latency model of a profile that stands in the folder ``base``."""
    if config.latencies is not None:
        return RecordedLatency.read(base / config.latencies)
    if config.latency_sigma:
        return DrawnLatency(
            config.order_latency, config.response_latency, float(config.latency_sigma), random
        )
    return ConstantLatency(config.order_latency, config.response_latency)
