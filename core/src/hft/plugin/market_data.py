"""The interface of market-data streams: one exchange's public wire turned into events and books."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from hft.clock import Clock
from hft.depth_path import DepthPaths
from hft.instrument import Instrument
from hft.market import Channel, Market
from hft.net.spec import ConnectionSpec, Costs, RateLimit, Request, RestAnswer, RestCall
from hft.plugin.config import ConfigT, Configured

__all__ = ["ConnectionSpec", "Feed", "MarketDataStream", "RateLimit", "Request"]


class Feed(ABC):
    """What the kernel gives a stream to work with. Every method returns at once."""

    exchange: str
    """The exchange's key in the profile."""
    environment: str
    """One of the stream's ``environments``."""
    url: str | None
    """Where every endpoint lives instead, ``http://127.0.0.1:9000``: keep the paths, replace the rest."""
    clock: Clock
    random: random.Random
    """Seeded, for jitter."""

    @abstractmethod
    def publish(self, instruments: Iterable[Instrument]) -> None:
        """Say which instruments the exchange lists; a repeated symbol replaces the earlier one."""

    @abstractmethod
    def request(self, request: Request) -> None:
        """Ask for an answer, which comes by `MarketDataStream.on_response`, or `on_request_failed`.

        Requests wait their turn under the published limits. A replay drops them: its answers come
        from the capture.
        """

    @abstractmethod
    def send(self, conn: str, data: bytes) -> None:
        """Send a frame on an open connection, within its message rate."""

    @abstractmethod
    def rotate(self, conn: str) -> None:
        """Replace a connection that the exchange is about to close, without a hole in between."""

    @abstractmethod
    def use_paths(self, conn: str, paths: DepthPaths) -> None:
        """Let the frames of a connection take these paths where they can, instead of `on_frame`."""

    @abstractmethod
    def undecoded(self, conn: str, data: bytes, reason: str) -> None:
        """Count a frame that could not be understood and log its bytes, at a limited rate."""

    @abstractmethod
    def warn(self, message: str) -> None:
        """Log a line, at a limited rate, off the hot path."""


class MarketDataStream(Configured[ConfigT], ABC):
    """Turns one exchange's public wire into events and books. It does no I/O itself.

    The kernel owns the sockets and calls, always from the same task:

    1. ``__init__(config, feed)``;
    2. `instrument_requests`, performs them, and hands each answer to `on_response`, which
       publishes the instruments by ``feed.publish``;
    3. `subscribe` with one `Market` for every instrument that somebody wants;
    4. for each `ConnectionSpec`: `on_open` when it is open and subscribed, `on_frame` for every
       frame, `on_close` when it broke. Reconnecting and subscribing again is the kernel's work.

    A replay makes the same calls from a capture, perhaps without `on_open`.

    `on_frame` is the hot path: it decodes, applies the update to ``market.book`` (by a
    `Synchroniser`) and calls ``market.on_book(book)`` and so on. It may not block, await, log or
    sleep. A frame it does not understand goes to ``feed.undecoded``; raising `DecodeError` does
    the same, anything else that is raised is logged as a bug with the frame, and the books of
    that connection leave LIVE.

    ::

        class AcmeStream(MarketDataStream[Config]):
            environments = ("mainnet", "testnet")

            def instrument_requests(self, symbols):
                return [Request(url=f"{self.rest}/instruments")]

            def on_response(self, request, body, recv_ns):
                self.feed.publish(instruments.decode(body, self.feed.exchange))

            def subscribe(self, markets):
                self.by_symbol = {m.instrument.native_symbol: m for m in markets}
                return [ConnectionSpec(name=self.ws, url=self.ws, on_open=codec.subscribe(markets))]

            def on_frame(self, conn, data, recv_ns):
                trade = codec.decode_trade(data)
                market = self.by_symbol[trade.symbol]
                market.counters.frames += 1
                market.on_trade(trade.event(market.instrument, recv_ns))
    """

    environments: ClassVar[tuple[str, ...]] = ("mainnet",)
    """The names that ``environment:`` may have in a profile, the default first."""

    channels: ClassVar[frozenset[Channel]] = frozenset(Channel)
    """What it can bring of ``market.channels``, `Channel.MARK` of derivatives only.

    Who listens to anything else is warned that it stays silent.
    """

    rate_limits: ClassVar[tuple[RateLimit, ...]] = ()
    """The published limits that `Request.limit` names."""

    @staticmethod
    def usage(costs: Costs, headers: Mapping[str, str]) -> Iterable[tuple[str, int]]:
        """Return how much of which limit the exchange counts as used, from the headers of an answer.

        ``costs`` are those of the request: a header says "weight", they say of which product. Called
        for every answer of REST, the account's as well; pure.
        """
        return ()

    @staticmethod
    def refusals(call: RestCall, answer: RestAnswer) -> Iterable[str]:
        """Return which limits an answer with status 429 is about; none: all that the request named.

        Until they open again not even cancels go out that need them: where it was the number of
        orders, say so, and cancels go on. Pure.
        """
        return ()

    def __init__(self, config: ConfigT, feed: Feed) -> None:
        self.config = config
        self.feed = feed

    @abstractmethod
    def instrument_requests(self, symbols: Sequence[str]) -> Sequence[Request]:
        """Return the requests whose answers describe at least these unified symbols.

        Ask for no more than they need: a product that nobody trades must not have to be reachable.
        """

    @abstractmethod
    def subscribe(self, markets: Sequence[Market]) -> Sequence[ConnectionSpec]:
        """Prepare for these markets' ``channels`` and return the connections that bring them.

        A replay learns of instruments on the way: it calls again with all markets, those it had before
        among them, whose books go on.
        """

    def on_open(self, conn: str, recv_ns: int) -> None:
        """Learn that a connection is open and its ``on_open`` frames are written."""

    @abstractmethod
    def on_frame(self, conn: str, data: bytes, recv_ns: int) -> None:
        """Take one frame."""

    def on_close(self, conn: str, recv_ns: int) -> None:
        """Learn that a connection broke: its books must leave LIVE (`Synchroniser.on_disconnect`)."""

    @abstractmethod
    def on_response(self, request: Request, body: bytes, recv_ns: int) -> None:
        """Take the answer to a request, live or from a capture. Unknown URLs are ignored."""

    def on_request_failed(self, request: Request, reason: str, recv_ns: int) -> None:
        """Learn that a request brought no answer; ask again if it is still needed."""
