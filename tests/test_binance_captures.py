"""Real sessions of Binance through the plugin, against a rebuild that shares no code with it."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs
import pytest

from hft.book import OrderBook
from hft.capture import read_capture
from hft.events import Quote
from hft.market import Channel, Market
from hft.run.replay import ReplayReport, replay
from hft.types import BookState, Side
from hft_binance.config import Config
from hft_binance.stream import BinanceStream

FOLDER = Path(__file__).resolve().parents[1].parent / "shared" / "captures" / "binance"
SAMPLED = 250
"""Every so many updates the whole book is compared, and at the end."""

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="no captures beside the repository")

BookSide = dict[Decimal, Decimal]
Levels = list[tuple[Decimal, Decimal]]
Top = tuple[Decimal, Decimal, Decimal, Decimal]


@attrs.frozen
class Expected:
    """What is known of a capture by other means."""

    frames: int
    updates: int
    trades: int
    equal_tickers: int


CAPTURES = {
    "spot_btcusdt_2024-08-08": Expected(99_573, 6_493, 19_904, 1_072),
    "usdm_btcusdt_2024-08-08": Expected(93_953, 6_547, 21_313, 629),
    "spot_4symbols_2021-10-12": Expected(265, 172, 2, 26),
    "usdm_4symbols_2021-07-22": Expected(1_535, 752, 91, 50),
}


# -- the rebuild: json, dict and Decimal ------------------------------------------------------------


@attrs.define
class Recording:
    snapshots: dict[str, dict[str, Any]] = attrs.Factory(dict)
    updates: dict[str, list[dict[str, Any]]] = attrs.Factory(lambda: defaultdict(list))
    tickers: dict[str, dict[int, Top]] = attrs.Factory(lambda: defaultdict(dict))


@cache
def read(name: str) -> Recording:
    recording = Recording()
    with gzip.open(FOLDER / f"{name}.jsonl.gz") as lines:
        for record in map(json.loads, lines):
            if record["dir"] == "http":
                url = urlsplit(record["conn"])
                if url.path.endswith("/depth"):
                    recording.snapshots[parse_qs(url.query)["symbol"][0]] = json.loads(record["data"])
            elif record["dir"] == "recv":
                data = json.loads(record["data"])["data"]
                if data.get("e") == "depthUpdate":
                    recording.updates[data["s"]].append(data)
                elif "B" in data and "A" in data:
                    top = tuple(Decimal(data[key]) for key in "bBaA")
                    recording.tickers[data["s"]][data["u"]] = top  # type: ignore[assignment]
    return recording


def rebuild(
    snapshot: dict[str, Any], updates: Sequence[dict[str, Any]]
) -> Iterator[tuple[int, BookSide, BookSide]]:
    """Yield the id and both sides after every update, by the exchange's documented rules."""
    book_id = snapshot["lastUpdateId"]
    bids, asks = as_side(snapshot["bids"]), as_side(snapshot["asks"])
    futures = "pu" in updates[0]
    updates = [update for update in updates if update["u"] >= book_id + (not futures)]
    assert updates[0]["U"] <= book_id + (not futures) <= updates[0]["u"]
    for number, update in enumerate(updates):
        if number:
            assert update["pu" if futures else "U"] == book_id + (not futures)
        for side, changes in ((bids, update["b"]), (asks, update["a"])):
            for price, size in as_side(changes, keep_zeros=True).items():
                if size:
                    side[price] = size
                else:
                    side.pop(price, None)
        book_id = update["u"]
        yield book_id, bids, asks


def as_side(levels: Sequence[Sequence[str]], *, keep_zeros: bool = False) -> BookSide:
    return {Decimal(level[0]): Decimal(level[1]) for level in levels if keep_zeros or Decimal(level[1])}


# -- the replay --------------------------------------------------------------------------------------


@attrs.define
class Seen:
    """What listeners of one market were told."""

    market: Market
    tops: dict[int, Top] = attrs.Factory(dict)
    books: dict[int, tuple[Levels, Levels]] = attrs.Factory(dict)
    quotes: dict[int, Top] = attrs.Factory(dict)

    def on_book(self, book: OrderBook) -> None:
        assert book.state is BookState.LIVE
        instrument = self.market.instrument
        assert book.best_bid is not None
        assert book.best_ask is not None
        self.tops[book.update_id] = (
            instrument.price_to_decimal(book.best_bid),
            instrument.size_to_decimal(book.best_bid_size),
            instrument.price_to_decimal(book.best_ask),
            instrument.size_to_decimal(book.best_ask_size),
        )
        if len(self.tops) % SAMPLED == 1:
            self.books[book.update_id] = exact(book)

    def on_quote(self, quote: Quote) -> None:
        instrument = self.market.instrument
        assert quote.bid is not None
        assert quote.ask is not None
        self.quotes[quote.update_id] = (
            instrument.price_to_decimal(quote.bid),
            instrument.size_to_decimal(quote.bid_size),
            instrument.price_to_decimal(quote.ask),
            instrument.size_to_decimal(quote.ask_size),
        )


def exact(book: OrderBook) -> tuple[Levels, Levels]:
    return book.exact_levels(Side.BUY), book.exact_levels(Side.SELL)


@cache
def replayed(name: str) -> tuple[ReplayReport, dict[str, Seen], list[str]]:
    seen: dict[str, Seen] = {}
    warnings: list[str] = []

    class Watched(BinanceStream):
        def subscribe(self, markets: Sequence[Market]) -> Any:
            for market in markets:
                one = seen[market.instrument.native_symbol] = Seen(market)
                market.listen(Channel.BOOK, one.on_book)
                market.listen(Channel.QUOTE, one.on_quote)
            return super().subscribe(markets)

    report = replay(
        read_capture(FOLDER / f"{name}.jsonl.gz", warn=warnings.append),
        Watched,
        Config(),
        exchange="binance",
        warn=lambda _key, line: warnings.append(line),
    )
    return report, seen, warnings


@pytest.mark.parametrize("name", CAPTURES)
def test_everything_is_understood(name: str) -> None:
    report, _, warnings = replayed(name)
    expected = CAPTURES[name]
    counters = [market.counters for market in report.markets.values()]
    assert (report.frames, report.undecoded, warnings) == (expected.frames, 0, [])
    assert sum(each.frames for each in counters) == expected.frames
    assert sum(each.trades for each in counters) == expected.trades
    assert sum(each.gaps + each.resyncs for each in counters) == 0
    assert {market.book.state for market in report.markets.values()} == {BookState.LIVE}


@pytest.mark.parametrize("name", CAPTURES)
def test_books_equal_the_rebuild_level_for_level(name: str) -> None:
    report, seen, _ = replayed(name)
    recording = read(name)
    updates = 0
    for native, snapshot in recording.snapshots.items():
        one, compared = seen[native], set[int]()
        for update_id, bids, asks in rebuild(snapshot, recording.updates[native]):
            updates += 1
            if update_id in one.books:
                compared.add(update_id)
                assert one.books[update_id] == (sorted(bids.items(), reverse=True), sorted(asks.items()))
        assert exact(one.market.book) == (sorted(bids.items(), reverse=True), sorted(asks.items()))
        assert one.market.book.update_id == update_id
        # Nothing was sampled that was not compared, but for the snapshot before its first update.
        assert one.books.keys() - {snapshot["lastUpdateId"]} <= compared
    assert updates == CAPTURES[name].updates
    assert sum(market.counters.book_updates for market in report.markets.values()) == updates
    assert len(report.markets) == len(recording.snapshots)


@pytest.mark.parametrize("name", CAPTURES)
def test_the_top_equals_the_exchanges_own_ticker(name: str) -> None:
    _, seen, _ = replayed(name)
    recording = read(name)
    equal = 0
    for native, tickers in recording.tickers.items():
        one = seen[native]
        assert one.quotes == tickers
        for update_id in tickers.keys() & one.tops.keys():
            assert one.tops[update_id] == tickers[update_id]
            equal += 1
    assert equal == CAPTURES[name].equal_tickers
