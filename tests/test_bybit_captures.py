"""A real session of Bybit through the plugin, against a rebuild that shares no code with it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import pytest

from hft.book import OrderBook
from hft.capture import read_capture
from hft.market import Channel, Market
from hft.run.replay import ReplayReport, replay
from hft.types import BookState, Side
from hft_bybit.config import Config
from hft_bybit.stream import BybitStream

CAPTURE = (
    Path(__file__).resolve().parents[1].parent
    / "shared"
    / "captures"
    / "bybit"
    / "linear_spot_2026-08-09_first20s.jsonl.gz"
)

pytestmark = pytest.mark.skipif(not CAPTURE.is_file(), reason="no captures beside the repository")

Key = tuple[str, str]
"""Product and symbol: both products list BTCUSDT."""

Levels = list[tuple[Decimal, Decimal]]

FRAMES, UNDECODED = 772, 0
UPDATES = {("linear", "BTCUSDT"): 189, ("linear", "SOLUSDT"): 170, ("spot", "BTCUSDT"): 159}
TRADES = {("linear", "BTCUSDT"): 6, ("linear", "SOLUSDT"): 14, ("spot", "BTCUSDT"): 3}


@attrs.define
class Rebuilt:
    """One symbol by json, dict and Decimal alone."""

    books: dict[int, tuple[Levels, Levels]] = attrs.Factory(dict)
    marks: list[tuple[Decimal, Decimal]] = attrs.Factory(list)
    trades: list[tuple[str, Decimal, Decimal]] = attrs.Factory(list)


@cache
def rebuilt() -> dict[Key, Rebuilt]:
    found: dict[Key, Rebuilt] = {}
    sides: dict[Key, tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]] = {}
    ids: dict[Key, int] = {}
    tickers: dict[Key, dict[str, str]] = {}
    for product, message in messages():
        kind, _, symbol = message["topic"].rpartition(".")
        key = product, symbol
        one = found.setdefault(key, Rebuilt())
        data = message["data"]
        if kind.startswith("orderbook"):
            if message["type"] == "snapshot":
                sides[key] = {}, {}
            else:
                assert data["u"] == ids[key] + 1
            ids[key] = data["u"]
            for side, changes in zip(sides[key], (data["b"], data["a"]), strict=True):
                for price, size in changes:
                    side[Decimal(price)] = Decimal(size)
            bids, asks = sides[key]
            one.books[data["u"]] = (
                sorted(((price, size) for price, size in bids.items() if size), reverse=True),
                sorted((price, size) for price, size in asks.items() if size),
            )
        elif kind == "tickers" and product == "linear":
            known = tickers.setdefault(key, {})
            known.update(data)
            if message["type"] == "snapshot" or data.keys() & MARKED:
                one.marks.append((Decimal(known["markPrice"]), Decimal(known["fundingRate"])))
        elif kind == "publicTrade":
            one.trades += [(each["i"], Decimal(each["p"]), Decimal(each["v"])) for each in data]
    return found


MARKED = {"markPrice", "indexPrice", "fundingRate", "nextFundingTime"}


def messages() -> Iterator[tuple[str, Any]]:
    with gzip.open(CAPTURE) as lines:
        for record in map(json.loads, lines):
            if record["dir"] == "recv" and "topic" in (message := json.loads(record["data"])):
                yield record["conn"].rpartition("/")[2], message


@attrs.define
class Seen:
    """What listeners of one market were told."""

    market: Market
    books: dict[int, tuple[Levels, Levels]] = attrs.Factory(dict)
    marks: list[tuple[Decimal, Decimal]] = attrs.Factory(list)
    trades: list[tuple[str, Decimal, Decimal]] = attrs.Factory(list)

    def on_book(self, book: OrderBook) -> None:
        assert book.state is BookState.LIVE
        self.books[book.update_id] = book.exact_levels(Side.BUY), book.exact_levels(Side.SELL)

    def on_mark(self, mark: Any) -> None:
        self.marks.append((mark.mark, mark.funding_rate))

    def on_trade(self, trade: Any) -> None:
        instrument = self.market.instrument
        price, size = instrument.price_to_decimal(trade.price), instrument.size_to_decimal(trade.size)
        self.trades.append((trade.trade_id, price, size))


@cache
def replayed() -> tuple[ReplayReport, dict[Key, Seen], list[str]]:
    seen: dict[Key, Seen] = {}
    warnings: list[str] = []

    class Watched(BybitStream):
        def subscribe(self, markets: Sequence[Market]) -> Any:
            for market in markets:
                product = "linear" if ":" in market.instrument.symbol else "spot"
                key = product, market.instrument.native_symbol
                if key not in seen:
                    one = seen[key] = Seen(market)
                    market.listen(Channel.BOOK, one.on_book)
                    market.listen(Channel.MARK, one.on_mark)
                    market.listen(Channel.TRADE, one.on_trade)
            return super().subscribe(markets)

    report = replay(
        read_capture(CAPTURE, warn=warnings.append),
        Watched,
        Config(),
        exchange="bybit",
        warn=lambda _key, line: warnings.append(line),
    )
    return report, seen, warnings


def test_everything_is_understood() -> None:
    report, seen, warnings = replayed()
    assert (report.frames, report.undecoded, warnings) == (FRAMES, UNDECODED, [])
    counters = {key: seen[key].market.counters for key in UPDATES}
    assert {key: each.book_updates for key, each in counters.items()} == UPDATES
    assert {key: each.trades for key, each in counters.items()} == TRADES
    assert sum(each.gaps + each.resyncs for each in counters.values()) == 0
    assert {market.book.state for market in report.markets.values()} == {BookState.LIVE}
    assert len(report.markets) == len(UPDATES)


@pytest.mark.parametrize("key", UPDATES)
def test_every_book_equals_the_rebuild_level_for_level(key: Key) -> None:
    _, seen, _ = replayed()
    assert seen[key].books == rebuilt()[key].books
    assert len(seen[key].books) == UPDATES[key]
    assert {len(side) for book in seen[key].books.values() for side in book} == {200}


@pytest.mark.parametrize("key", UPDATES)
def test_trades_and_mark_prices_equal_the_rebuild(key: Key) -> None:
    _, seen, _ = replayed()
    assert seen[key].trades == rebuilt()[key].trades
    assert seen[key].marks == rebuilt()[key].marks
