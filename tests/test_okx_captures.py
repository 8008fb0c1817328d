"""A real session of OKX through the plugin, against a rebuild that shares no code with it."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Sequence
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
from hft_okx.config import Config
from hft_okx.stream import OkxStream

CAPTURE = (
    Path(__file__).resolve().parents[1].parent / "shared" / "captures" / "okx" / "books_2022-05-13.jsonl.gz"
)

pytestmark = pytest.mark.skipif(not CAPTURE.is_file(), reason="no captures beside the repository")

SYMBOLS = {"BTC/USDT": "BTC-USDT", "UNI/USD:UNI": "UNI-USD-SWAP", "BTC/USD:BTC-220527": "BTC-USD-220527"}

Levels = list[tuple[Decimal, Decimal]]
Books = list[tuple[Levels, Levels]]


# -- the rebuild: json, dict and Decimal ------------------------------------------------------------


@cache
def rebuilt() -> dict[str, Books]:
    """Return both sides after every frame of each book; every checksum is right."""
    books: dict[str, Books] = {}
    sides: dict[str, dict[str, dict[Decimal, tuple[str, str]]]] = {}
    for frame in frames("books"):
        name = frame["arg"]["instId"]
        (data,) = frame["data"]
        if frame["action"] == "snapshot":
            sides[name] = {"bids": {}, "asks": {}}
        for key, side in sides[name].items():
            for price, size, *_ in data[key]:
                side[Decimal(price)] = (price, size)
                if not Decimal(size):
                    del side[Decimal(price)]
        bids = [words for _, words in sorted(sides[name]["bids"].items(), reverse=True)]
        asks = [words for _, words in sorted(sides[name]["asks"].items())]
        words = [":".join(level) for pair in zip(bids[:25], asks[:25], strict=True) for level in pair]
        assert zlib.crc32(":".join(words).encode()) == data["checksum"] % 2**32
        books.setdefault(name, []).append((numbers(bids), numbers(asks)))
    return books


def frames(channel: str) -> list[dict[str, Any]]:
    with gzip.open(CAPTURE) as lines:
        received = [json.loads(line) for line in lines]
    found = [json.loads(record["data"]) for record in received if record["dir"] == "recv"]
    return [frame for frame in found if frame["arg"]["channel"] == channel and "data" in frame]


def numbers(side: Sequence[tuple[str, str]]) -> Levels:
    return [(Decimal(price), Decimal(size)) for price, size in side]


# -- the replay --------------------------------------------------------------------------------------


@attrs.define
class Seen:
    """What listeners of one market were told."""

    books: Books = attrs.Factory(list)
    trades: list[tuple[str, str, Decimal, Decimal]] = attrs.Factory(list)


@cache
def replayed() -> tuple[ReplayReport, dict[str, Seen], list[str]]:
    seen: dict[str, Seen] = {}
    warnings: list[str] = []

    class Watched(OkxStream):
        def subscribe(self, markets: Sequence[Market]) -> Any:
            for market in markets:
                name = market.instrument.native_symbol
                if name in SYMBOLS.values() and name not in seen:
                    watch(market, seen.setdefault(name, Seen()))
            return super().subscribe(markets)

    report = replay(
        read_capture(CAPTURE, warn=warnings.append),
        Watched,
        Config(),
        exchange="okx",
        warn=lambda _key, line: warnings.append(line),
    )
    return report, seen, warnings


def watch(market: Market, seen: Seen) -> None:
    def on_book(book: OrderBook) -> None:
        assert book.state is BookState.LIVE
        seen.books.append((book.exact_levels(Side.BUY), book.exact_levels(Side.SELL)))

    def on_trade(trade: Any) -> None:
        price = market.instrument.price_to_decimal(trade.price)
        size = market.instrument.size_to_decimal(trade.size)
        seen.trades.append((trade.trade_id, trade.side.value, price, size))

    market.listen(Channel.BOOK, on_book)
    market.listen(Channel.TRADE, on_trade)


def test_everything_is_understood() -> None:
    report, _, warnings = replayed()
    markets = {market.instrument.symbol: market for market in report.markets.values()}
    assert (report.undecoded, warnings) == (0, [])
    assert markets.keys() == SYMBOLS.keys()
    counters = [market.counters for market in markets.values()]
    assert sum(each.checksums_ok for each in counters) == 290
    assert sum(each.checksums_failed + each.gaps + each.resyncs for each in counters) == 0
    assert {market.book.state for market in markets.values()} == {BookState.LIVE}


def test_books_equal_the_rebuild_level_for_level_after_every_frame() -> None:
    _, seen, _ = replayed()
    expected = rebuilt()
    assert {name: len(books) for name, books in expected.items()} == {
        "BTC-USDT": 98, "UNI-USD-SWAP": 93, "BTC-USD-220527": 99,
    }  # fmt: skip
    for name, books in expected.items():
        assert seen[name].books == books


def test_trades_are_those_of_the_capture() -> None:
    _, seen, _ = replayed()
    expected = [
        (row["instId"], (row["tradeId"], row["side"], Decimal(row["px"]), Decimal(row["sz"])))
        for frame in frames("trades")
        for row in frame["data"]
    ]
    assert Counter(name for name, _ in expected) == Counter(
        {name: len(one.trades) for name, one in seen.items()}
    )
    for name, one in seen.items():
        assert one.trades == [trade for of, trade in expected if of == name]
