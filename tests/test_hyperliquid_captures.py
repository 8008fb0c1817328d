"""A real session of Hyperliquid through the plugin, against a rebuild that shares no code with it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import pytest

from hft import BookState, Channel, Market, OrderBook, Side, Trade
from hft.capture import read_capture
from hft.run.replay import ReplayReport, replay
from hft_hyperliquid import Config, HyperliquidStream

FILE = (
    Path(__file__).resolve().parents[1].parent
    / "shared/captures/hyperliquid/btc_2025-01-26_first12s.jsonl.gz"
)

pytestmark = pytest.mark.skipif(not FILE.is_file(), reason="no captures beside the repository")

Levels = list[tuple[Decimal, Decimal]]


@attrs.define
class Recording:
    books: list[tuple[int, Levels, Levels]] = attrs.Factory(list)
    trades: dict[tuple[int, int], tuple[str, Decimal, Decimal]] = attrs.Factory(dict)
    told: int = 0
    frames: int = 0


@cache
def recording() -> Recording:
    found = Recording()
    with gzip.open(FILE) as lines:
        for record in map(json.loads, lines):
            if record["dir"] != "recv":
                continue
            found.frames += 1
            frame = json.loads(record["data"])
            if frame["channel"] == "l2Book":
                bids, asks = (
                    [(Decimal(each["px"]), Decimal(each["sz"])) for each in side]
                    for side in frame["data"]["levels"]
                )
                found.books.append((frame["data"]["time"], bids, asks))
            elif frame["channel"] == "trades":
                for trade in frame["data"]:
                    found.told += 1
                    found.trades[trade["time"], trade["tid"]] = (
                        trade["side"],
                        Decimal(trade["px"]),
                        Decimal(trade["sz"]),
                    )
    return found


@cache
def replayed() -> tuple[ReplayReport, list[tuple[int, Levels, Levels]], list[Trade], list[str]]:
    books: list[tuple[int, Levels, Levels]] = []
    trades: list[Trade] = []
    warnings: list[str] = []

    def on_book(book: OrderBook) -> None:
        assert book.state is BookState.LIVE
        books.append((book.update_id, book.exact_levels(Side.BUY), book.exact_levels(Side.SELL)))

    class Watched(HyperliquidStream):
        def subscribe(self, markets: Sequence[Market]) -> Any:
            for market in markets:
                market.listen(Channel.BOOK, on_book)
                market.listen(Channel.TRADE, trades.append)
            return super().subscribe(markets)

    report = replay(
        read_capture(FILE, warn=warnings.append),
        Watched,
        Config(),
        exchange="hyperliquid",
        warn=lambda _key, line: warnings.append(line),
    )
    return report, books, trades, warnings


def test_everything_is_understood() -> None:
    report, _, _, warnings = replayed()
    assert (report.frames, report.undecoded, warnings) == (recording().frames, 0, [])
    (market,) = report.markets.values()
    assert market.instrument.symbol == "BTC/USDC:USDC"
    assert market.book.state is BookState.LIVE
    assert (market.counters.gaps, market.counters.resyncs) == (0, 0)
    assert market.counters.book_updates == len(recording().books)


def test_every_book_equals_the_rebuild_level_for_level() -> None:
    _, books, _, _ = replayed()
    # The exchange repeated a book: both times it replaces what was there.
    assert books == recording().books
    assert len(books) > 15
    assert all(len(bids) == len(asks) == 20 for _, bids, asks in books)


def test_every_trade_is_told_once_with_its_aggressor() -> None:
    _, _, trades, _ = replayed()
    expected = recording()
    assert len(trades) == len(expected.trades) > 10
    for trade in trades:
        side, price, size = expected.trades[trade.exchange_ns // 1_000_000, int(trade.trade_id)]
        instrument = trade.instrument
        assert (trade.side is Side.BUY) is (side == "B")
        assert (instrument.price_to_decimal(trade.price), instrument.size_to_decimal(trade.size)) == (
            price,
            size,
        )
