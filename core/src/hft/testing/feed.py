"""A feed that does nothing and remembers everything, for tests of market-data streams."""

from __future__ import annotations

import random
from collections.abc import Iterable

from hft.clock import SimulatedClock
from hft.depth_path import DepthPaths
from hft.instrument import Instrument
from hft.net.spec import Request
from hft.plugin.market_data import Feed

__all__ = ["FakeFeed"]


class FakeFeed(Feed):
    """Records what a stream asks for; the test answers by calling the stream.

    ``clock`` is simulated: ``feed.clock.advance(ns)`` makes the calls that are due.
    """

    clock: SimulatedClock

    def __init__(
        self,
        exchange: str = "acme",
        *,
        environment: str = "mainnet",
        url: str | None = None,
        start_ns: int = 0,
    ) -> None:
        self.exchange = exchange
        self.environment = environment
        self.url = url
        self.clock = SimulatedClock(start_ns)
        self.random = random.Random(0)
        self.instruments: dict[str, Instrument] = {}
        """What was published, by unified symbol."""
        self.requests: list[Request] = []
        self.sent: list[tuple[str, bytes]] = []
        """Connection and frame."""
        self.rotated: list[str] = []
        self.faults: list[tuple[str, bytes, str]] = []
        """Connection, frame and reason of what was not understood."""
        self.warnings: list[str] = []
        self.paths: dict[str, DepthPaths] = {}
        """By connection; the test gives all frames to the stream."""

    def publish(self, instruments: Iterable[Instrument]) -> None:
        for instrument in instruments:
            self.instruments[instrument.symbol] = instrument

    def request(self, request: Request) -> None:
        self.requests.append(request)

    def send(self, conn: str, data: bytes) -> None:
        self.sent.append((conn, data))

    def rotate(self, conn: str) -> None:
        self.rotated.append(conn)

    def use_paths(self, conn: str, paths: DepthPaths) -> None:
        self.paths[conn] = paths

    def undecoded(self, conn: str, data: bytes, reason: str) -> None:
        self.faults.append((conn, data, reason))

    def warn(self, message: str) -> None:
        self.warnings.append(message)
