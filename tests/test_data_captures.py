"""Real sessions of every installed exchange: their columns give the books that ``hft replay`` builds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

np = pytest.importorskip("numpy", reason="numpy comes with hft-core[data]")
pytest.importorskip("pyarrow", reason="pyarrow comes with hft-core[data]")

from hft.book import OrderBook, new_book  # noqa: E402
from hft.capture import read_capture  # noqa: E402
from hft.data.catalog import find_partitions, read_partition  # noqa: E402
from hft.data.check import check_days  # noqa: E402
from hft.data.columns import LAST, ColumnsWriter, Kind  # noqa: E402
from hft.data.rows import CARRIED, Rows  # noqa: E402
from hft.data.store import FORMS, Store  # noqa: E402
from hft.funding import FUNDING, read_funding  # noqa: E402
from hft.market import Channel, Market  # noqa: E402
from hft.plugin.market_data import MarketDataStream  # noqa: E402
from hft.plugin.recorded import RecordedMarkets  # noqa: E402
from hft.profile import read_profile  # noqa: E402
from hft.registry.discovery import PluginKind, discover  # noqa: E402
from hft.registry.loader import Registry  # noqa: E402
from hft.run.backtest import run_backtest  # noqa: E402
from hft.run.convert import convert  # noqa: E402
from hft.types import BookState, Price, Side, Size  # noqa: E402

FOLDER = Path(__file__).resolve().parents[1].parent / "shared" / "captures"
NEAR = 20
"""Levels of a side that are compared after every message; at the end it is all of them."""

CAPTURES = [
    pytest.param(each.name, path, id=path.name.partition(".")[0])
    for each in discover(PluginKind.EXCHANGE)
    for path in sorted((FOLDER / each.name).glob("*.jsonl.gz"))
]

pytestmark = pytest.mark.skipif(not CAPTURES, reason="no captures beside the repository")

Levels = list[tuple[Price, Size]]


@attrs.define
class Seen:
    """The states of one book that differ from the one before, and how many trades and quotes came."""

    states: list[tuple[Levels, Levels]] = attrs.Factory(list)
    trades: int = 0
    quotes: int = 0

    def see(self, bids: list[Any], asks: list[Any]) -> None:
        if [bids, asks] != ([list(each) for each in self.states[-1]] if self.states else [[], []]):
            self.states.append((bids, asks))


def stream_of(exchange: str) -> type[MarketDataStream[Any]]:
    """Return what decodes the captures of an exchange."""
    found = Registry().load(PluginKind.EXCHANGE, exchange, base=None).market_data()
    assert found is not None
    return found


def converted(exchange: str, path: Path, root: Path) -> list[Path]:
    """Convert a capture to columns and return the folders of its days."""
    stream_class = stream_of(exchange)
    config = stream_class.Config()
    with Store(root, FORMS["columns"]) as store:
        convert(
            read_capture(path),
            stream_class,
            config,
            exchange=exchange,
            store=store,
            warn=lambda key, line: None,
        )
        return [each.folder for each in store.finish()]


def near(book: OrderBook) -> tuple[Levels, Levels]:
    return book.bids(NEAR), book.asks(NEAR)


def played(exchange: str, path: Path) -> tuple[dict[str, Seen], dict[str, Market]]:
    """Play a capture as ``hft replay`` does, looking on."""
    seen: defaultdict[str, Seen] = defaultdict(Seen)

    def make(instrument: Any) -> Market:
        market = Market(instrument)
        mine = instrument.symbol

        def trade(_: Any) -> None:
            seen[mine].trades += 1

        def quote(_: Any) -> None:
            seen[mine].quotes += 1

        market.listen(Channel.BOOK, lambda book: seen[mine].see(*near(book)))
        market.listen(Channel.TRADE, trade)
        market.listen(Channel.QUOTE, quote)
        market.listen_lost(lambda book: seen[mine].see([], []))
        return market

    stream_class = stream_of(exchange)
    playing = RecordedMarkets(
        exchange, stream_class, stream_class.Config(), warn=lambda key, line: None, make=make
    )
    for record in read_capture(path):
        playing.play(record)
    return dict(seen), playing.markets


def rebuilt(folders: list[Path]) -> tuple[dict[str, Seen], dict[str, OrderBook]]:
    """Build the books again from columns alone."""
    seen: dict[str, Seen] = {}
    books: dict[str, OrderBook] = {}
    for folder in folders:
        day = read_partition(folder)
        instrument = day.listing.instrument
        book = books.setdefault(instrument.symbol, new_book(instrument))
        mine = seen.setdefault(instrument.symbol, Seen())
        for rows in day.blocks(10_000):
            for _ in messages(rows, book, mine):
                mine.see(*near(book))
    return seen, books


def messages(rows: Rows, book: OrderBook, seen: Seen) -> Iterator[None]:
    columns = (rows.kind, rows.side, rows.price, rows.size, rows.flags)
    for kind, side, price, size, flags in zip(*(column.tolist() for column in columns), strict=True):
        if kind == Kind.CLEAR:
            book.clear()
        elif kind == Kind.LEVEL:
            book.set_level(Side.BUY if side > 0 else Side.SELL, Price(price), Size(size))
        seen.trades += kind == Kind.TRADE
        seen.quotes += bool(kind == Kind.QUOTE and flags & LAST)
        if flags & LAST and kind in (Kind.CLEAR, Kind.LEVEL):
            yield


@pytest.mark.parametrize(("exchange", "path"), CAPTURES)
def test_columns_give_the_books_that_a_replay_builds(exchange: str, path: Path, tmp_path: Path) -> None:
    expected, markets = played(exchange, path)
    seen, books = rebuilt(converted(exchange, path, tmp_path))
    assert seen == {name: each for name, each in expected.items() if each != Seen()}
    assert seen
    for symbol, book in books.items():
        market = markets[symbol]
        if market.book.state is BookState.LIVE:
            assert (book.bids(), book.asks()) == (market.book.bids(), market.book.asks())
        else:
            assert (book.bids(), book.asks()) == ([], [])
    for checked in check_days(find_partitions([tmp_path]), silent_ns=10**15):
        assert not checked.is_faulty, checked.findings


LINEAR = [each for each in CAPTURES if each.id and each.id.startswith("linear_spot_2026")]


@pytest.mark.parametrize(("exchange", "path"), LINEAR)
def test_what_a_stream_says_of_funding_is_kept(exchange: str, path: Path, tmp_path: Path) -> None:
    said = {}
    for folder in converted(exchange, path, tmp_path):
        for row in read_funding(folder / FUNDING) if (folder / FUNDING).exists() else ():
            said[row.symbol] = row
    due_ns = 1_786_320_000_000 * 10**6
    assert said.keys() == {"BTC/USDT:USDT", "SOL/USDT:USDT"}
    assert {row.time_ns for row in said.values()} == {due_ns}
    assert said["BTC/USDT:USDT"].rate == Decimal("0.0001")
    assert said["BTC/USDT:USDT"].mark is not None
    assert 60_000 < said["BTC/USDT:USDT"].mark < 70_000


OVER_MIDNIGHT = [each for each in CAPTURES if each.id == "spot_btcusdt_2024-08-08"]


@pytest.mark.parametrize(("exchange", "path"), OVER_MIDNIGHT)
def test_a_day_can_be_played_without_the_one_before(exchange: str, path: Path, tmp_path: Path) -> None:
    """The session runs over midnight."""
    folders = converted(exchange, path, tmp_path)
    both, books = rebuilt(folders)
    alone, books_alone = rebuilt(folders[1:])
    (symbol,) = books
    assert len(folders) == 2
    assert alone[symbol].states == both[symbol].states[-len(alone[symbol].states) :]
    assert len(alone[symbol].states) > 200
    assert books_alone[symbol].bids() == books[symbol].bids()
    assert books_alone[symbol].asks() == books[symbol].asks()
    first = next(read_partition(folders[1]).blocks(100))
    assert (first.flags & CARRIED).all()


PROFILE = """
name: midnight
mode: backtest
exchanges:
  binance: {use: binance, paper: {order_latency: 2ms, response_latency: 2ms, feed_latency: 3ms, queue: power}}
strategies:
  maker:
    use: market_making
    instruments: [BTC/USDT@binance]
    target_spread: "1.0"
    order_size: "0.002"
    max_position: "0.1"
"""


@pytest.mark.parametrize(("exchange", "path"), OVER_MIDNIGHT)
def test_a_backtest_does_not_feel_midnight(exchange: str, path: Path, tmp_path: Path) -> None:
    days = [read_partition(folder) for folder in converted(exchange, path, tmp_path / "days")]
    rows = Rows.concat([block for day in days for block in day.blocks(10**6)])
    with ColumnsWriter(tmp_path / "one", days[0].listing.instrument) as writer:
        writer.append(rows[(rows.flags & CARRIED) == 0].columns())
    (tmp_path / "p.yaml").write_text(PROFILE)
    profile = read_profile(tmp_path / "p.yaml", Registry())
    found = []
    for folder in ("days", "one"):
        result = run_backtest(
            profile, [tmp_path / folder], console=None, write=lambda line: None, warn=lambda key, line: None
        )
        counts = {"events", "frames", "book_updates"}
        found.append({name: value for name, value in result.to_json().items() if name not in counts})
    assert found[0] == found[1]
    assert found[0]["fills"] > 100
