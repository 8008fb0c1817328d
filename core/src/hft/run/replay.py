"""Feed recorded frames through a plugin's real codec and synchroniser, and report what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import attrs

from hft.capture import CaptureRecord
from hft.market import Market
from hft.plugin.market_data import MarketDataStream
from hft.plugin.recorded import RecordedMarkets
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

    See `RecordedMarkets` for what is played and what is left out. ``warn`` takes a key, by which it
    limits the rate, and a line.
    """
    playing = RecordedMarkets(exchange, stream_class, config, warn=warn)
    for record in records:
        playing.play(record)
    feed = playing.feed
    if feed.frames and not playing.markets:
        feed.warn("the capture lists no instruments, record it with 'hft record'")
    return ReplayReport(
        markets={
            str(market.instrument.id): market
            for market in playing.markets.values()
            if market.counters.frames or market.book.bids(1) or market.book.asks(1)
        },
        frames=feed.frames,
        undecoded=feed.undecoded_frames,
        skipped=playing.skipped,
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
