"""Feed recorded frames through a plugin's real codec and synchroniser, and report what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import attrs

from hft.capture import CaptureRecord
from hft.clock import SimulatedClock
from hft.instrument import Instrument
from hft.market import Channel, Market
from hft.plugin.feed import RecordedFeed
from hft.plugin.market_data import MarketDataStream
from hft.types import BookState, Side

__all__ = ["InstrumentReport", "ReplayReport", "replay"]

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


def replay(
    records: Iterable[CaptureRecord],
    stream_class: type[MarketDataStream[Any]],
    config: Any,
    *,
    exchange: str,
    warn: Callable[[str, str], None],
) -> ReplayReport:
    """Play records in their order, at their own times, and report the books they leave.

    Records that say they are another exchange's are left out. Instruments are those that the capture
    itself lists; with every new listing the stream is subscribed again, to all of them. ``warn``
    takes a key, by which it limits the rate, and a line.
    """
    clock = SimulatedClock()
    feed = RecordedFeed(exchange, stream_class.environments[0], clock=clock, warn=warn)
    feed.stream = stream_class(config, feed)
    markets: dict[str, Market] = {}
    listings = 0
    skipped: dict[str, None] = {}
    for record in records:
        if record.exchange is not None and record.exchange != exchange:
            skipped[record.exchange] = None
            continue
        clock.advance_to(record.t)
        feed.play(record)
        if feed.listings != listings:
            listings = feed.listings
            if _list(feed.instruments.values(), markets):
                feed.stream.subscribe(list(markets.values()))
    if feed.frames and not markets:
        feed.warn("the capture lists no instruments, record it with 'hft record'")
    return ReplayReport(
        markets={
            str(market.instrument.id): market
            for market in markets.values()
            if market.counters.frames or market.book.bids(1) or market.book.asks(1)
        },
        frames=feed.frames,
        undecoded=feed.undecoded_frames,
        skipped=tuple(skipped),
    )


def _list(instruments: Iterable[Instrument], markets: dict[str, Market]) -> bool:
    """Make a market, heard on every channel, of each instrument that is new; return whether any is."""
    changed = False
    for instrument in instruments:
        known = markets.get(instrument.symbol)
        # Listed again is the same instrument, unless its grid has changed: then its book begins anew.
        if known is not None and _same_grid(known.instrument, instrument):
            continue
        market = markets[instrument.symbol] = Market(instrument)
        for channel in Channel:
            market.listen(channel, _ignore)
        if known is not None:
            market.counters = known.counters
        changed = True
    return changed


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
