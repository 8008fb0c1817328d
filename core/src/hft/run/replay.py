"""Feed recorded frames through a plugin's real codec and synchroniser, and report what came of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import attrs

from hft.capture import CaptureRecord
from hft.clock import SimulatedClock
from hft.errors import DecodeError
from hft.instrument import Instrument
from hft.market import Channel, Market
from hft.net.spec import Request
from hft.plugin.market_data import Feed, MarketDataStream
from hft.types import BookState, Side

__all__ = ["InstrumentReport", "ReplayFeed", "ReplayReport", "replay"]

_SHOWN_BYTES = 100

TextLevel = tuple[str, str]


@attrs.frozen(kw_only=True)
class InstrumentReport:
    """What a replay brought of one instrument; levels are as the exchange states them, best first."""

    frames: int
    trades: int
    book_updates: int
    gaps: int
    resyncs: int
    checksums_ok: int
    checksums_failed: int
    state: BookState
    bids: list[TextLevel]
    asks: list[TextLevel]


@attrs.frozen(kw_only=True)
class ReplayReport:
    """What a replay brought: ``frames`` and ``undecoded`` are those of all instruments and of none.

    ``markets`` are by qualified symbol, only those with a frame or a book. ``skipped`` are the
    exchanges whose records were left out.
    """

    markets: dict[str, Market]
    frames: int
    undecoded: int
    skipped: tuple[str, ...]

    def instruments(self, depth: int) -> dict[str, InstrumentReport]:
        """Return the report of each instrument, with the best ``depth`` levels."""
        return {name: _report(market, depth) for name, market in self.markets.items()}

    def to_json(self, depth: int) -> dict[str, Any]:
        """Return the report as ``hft replay --json`` prints it."""

        def plain(_: type, __: object, value: Any) -> Any:
            return value.value if isinstance(value, BookState) else value

        return {
            "instruments": {
                name: attrs.asdict(report, value_serializer=plain)
                for name, report in self.instruments(depth).items()
            },
            "frames": self.frames,
            "undecoded": self.undecoded,
        }


class ReplayFeed(Feed):
    """The feed of a stream whose frames and answers come from a capture.

    It makes a `Market` of every instrument that is published, listening to every channel.
    """

    clock: SimulatedClock

    def __init__(self, exchange: str, environment: str, warn: Callable[[str], None]) -> None:
        self.exchange = exchange
        self.environment = environment
        self.url = None
        self.clock = SimulatedClock()
        self.random = random.Random(0)
        self.markets: dict[str, Market] = {}
        self.new_markets = False
        self.undecoded_frames = 0
        self._warn = warn

    def publish(self, instruments: Iterable[Instrument]) -> None:
        for instrument in instruments:
            known = self.markets.get(instrument.symbol)
            if known is None or not _same_grid(known.instrument, instrument):
                self.markets[instrument.symbol] = self._market(instrument, known)
                self.new_markets = True

    def request(self, request: Request) -> None:
        """Drop it: the answers are in the capture."""

    def send(self, conn: str, data: bytes) -> None:
        """Drop it: what was sent is in the capture."""

    def rotate(self, conn: str) -> None:
        """Drop it: what the connections did is in the capture."""

    def undecoded(self, conn: str, data: bytes, reason: str) -> None:
        self.undecoded_frames += 1
        rest = f"... ({len(data)} bytes)" if len(data) > _SHOWN_BYTES else ""
        self.warn(f"frame not understood: {reason}: {data[:_SHOWN_BYTES]!r}{rest}")

    def warn(self, message: str) -> None:
        self._warn(f"{self.exchange}: {message}")

    def _market(self, instrument: Instrument, known: Market | None) -> Market:
        market = Market(instrument)
        for channel in Channel:
            market.listen(channel, _ignore)
        if known is not None:
            market.counters = known.counters
        return market


def replay(
    records: Iterable[CaptureRecord],
    stream_class: type[MarketDataStream[Any]],
    config: Any,
    *,
    exchange: str,
    warn: Callable[[str], None],
) -> ReplayReport:
    """Play records in their order, at their own times, and report the books they leave.

    Records that say they are another exchange's are left out. Instruments are those that the capture
    itself lists; with every new listing the stream is subscribed again, to all of them.
    """
    feed = ReplayFeed(exchange, stream_class.environments[0], warn)
    stream = stream_class(config, feed)
    frames = 0
    skipped: dict[str, None] = {}
    for record in records:
        if record.exchange not in (None, exchange):
            skipped[record.exchange or ""] = None
            continue
        feed.clock.advance_to(record.t)
        match record.dir:
            case "recv":
                frames += 1
                data = record.payload
                try:
                    stream.on_frame(record.conn, data, record.t)
                except DecodeError as error:
                    feed.undecoded(record.conn, data, str(error))
            case "http":
                _answer(stream, feed, record)
            case "open":
                stream.on_open(record.conn, record.t)
            case "close":
                stream.on_close(record.conn, record.t)
    if frames and not feed.markets:
        feed.warn("the capture lists no instruments, record it with 'hft record'")
    return ReplayReport(
        markets={
            str(market.instrument.id): market
            for market in feed.markets.values()
            if market.counters.frames or market.book.bids(1) or market.book.asks(1)
        },
        frames=frames,
        undecoded=feed.undecoded_frames,
        skipped=tuple(skipped),
    )


def _answer(stream: MarketDataStream[Any], feed: ReplayFeed, record: CaptureRecord) -> None:
    request = Request(url=record.conn)
    data = record.payload
    try:
        stream.on_response(request, data, record.t)
    except DecodeError as error:
        feed.undecoded(record.conn, data, str(error))
        stream.on_request_failed(request, str(error), record.t)
    if feed.new_markets:
        feed.new_markets = False
        stream.subscribe(list(feed.markets.values()))


def _same_grid(known: Instrument, new: Instrument) -> bool:
    return (known.native_symbol, known.tick_size, known.lot_size, known.contract_multiplier) == (
        new.native_symbol,
        new.tick_size,
        new.lot_size,
        new.contract_multiplier,
    )


def _report(market: Market, depth: int) -> InstrumentReport:
    counters = market.counters
    return InstrumentReport(
        frames=counters.frames,
        trades=counters.trades,
        book_updates=counters.book_updates,
        gaps=counters.gaps,
        resyncs=counters.resyncs,
        checksums_ok=counters.checksums_ok,
        checksums_failed=counters.checksums_failed,
        state=market.book.state,
        bids=_text(market.book.exact_levels(Side.BUY, depth)),
        asks=_text(market.book.exact_levels(Side.SELL, depth)),
    )


def _text(levels: Iterable[tuple[Decimal, Decimal]]) -> list[TextLevel]:
    return [(f"{price:f}", f"{size:f}") for price, size in levels]


def _ignore(_event: Any) -> None:
    """Listen to a channel only so that it is subscribed to."""
