"""Rows of a market give its book again: by a law for any stream, and through the codec of one in a file."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

np = pytest.importorskip("numpy", reason="numpy comes with hft-core[data]")
pytest.importorskip("pyarrow", reason="pyarrow comes with hft-core[data]")

from hft.book import SortedBook  # noqa: E402
from hft.capture import CaptureRecord  # noqa: E402
from hft.clock import SimulatedClock  # noqa: E402
from hft.data.columns import LAST, Kind  # noqa: E402
from hft.data.rows import ROUNDED, Rows  # noqa: E402
from hft.data.store import FORMS, Store  # noqa: E402
from hft.events import MarkPrice, Quote, Trade  # noqa: E402
from hft.funding import FundingRate  # noqa: E402
from hft.instrument import Instrument, InstrumentId  # noqa: E402
from hft.net.spec import Request  # noqa: E402
from hft.plugin.market_data import MarketDataStream  # noqa: E402
from hft.run.convert import convert  # noqa: E402
from hft.run.market_recorder import MarketRecorder  # noqa: E402
from hft.synchroniser import Step, Synchroniser  # noqa: E402
from hft.types import BookState, InstrumentKind, Price, Side, Size  # noqa: E402

INSTRUMENT = Instrument(
    id=InstrumentId("BTC/USDT", "acme"),
    native_symbol="BTC",
    kind=InstrumentKind.SPOT,
    base="BTC",
    quote="USDT",
    settle="USDT",
    tick_size=Decimal("0.5"),
    lot_size=Decimal("0.1"),
)

State = tuple[list[tuple[Price, Size]], list[tuple[Price, Size]]]


class Rule:
    """Each update follows the one whose number is one less."""

    def follows(self, book_id: int, first_id: int, last_id: int, prev_id: int) -> Step:
        return Step.OLD if last_id <= book_id else Step.NEXT if first_id == book_id + 1 else Step.GAP

    bridges = follows


class Recorded:
    """A market, what its listeners saw after each event, and the rows that were written."""

    def __init__(self, *, snapshots_in_stream: bool = False) -> None:
        self.clock = SimulatedClock(1_000)
        self.rows: list[Rows] = []
        self.fundings: list[Any] = []
        self.recorder = MarketRecorder(
            INSTRUMENT,
            self.clock,
            lambda r: self.rows.append(r.rows.take()),
            lambda *told: self.fundings.append(told),
            3,
        )
        self.market = self.recorder.market
        self.seen: list[State] = []
        self.sync = Synchroniser(
            self.market,
            Rule(),
            lambda: None,
            clock=self.clock,
            random=random.Random(1),
            warn=lambda line: None,
            snapshots_in_stream=snapshots_in_stream,
        )
        show = self.market.on_book

        def on_book(book: Any) -> None:
            show(book)
            self.seen.append((book.bids(), book.asks()))

        self.market.on_book = on_book
        self.market.listen_lost(lambda book: self.seen.append(([], [])))

    def written(self) -> Rows:
        """Return the rows since the last call."""
        rows, self.rows[:] = Rows.concat([*self.rows, self.recorder.rows.take()]), []
        return rows


def books(rows: Rows) -> Iterator[State]:
    """Yield the book after each message that is about it."""
    book = SortedBook(INSTRUMENT)
    touched = False
    for kind, side, price, size, flags in zip(
        *(getattr(rows, name).tolist() for name in ("kind", "side", "price", "size", "flags")), strict=True
    ):
        if kind == Kind.CLEAR:
            book.clear()
        elif kind == Kind.LEVEL:
            book.set_level(Side.BUY if side > 0 else Side.SELL, Price(price), Size(size))
        touched |= kind in (Kind.CLEAR, Kind.LEVEL)
        if touched and flags & LAST:
            yield book.bids(), book.asks()
            touched = False


def without_repeats(states: list[State]) -> list[State]:
    """Leave out states equal to the one before: an update that changes nothing need not be written."""
    return [state for before, state in zip([([], []), *states], states, strict=False) if state != before]


PRICE = {
    "bid": st.sampled_from(["9.5", "10", "10.5", "10.2"]),
    "ask": st.sampled_from(["11", "11.5", "12", "11.7"]),
}
SIZE = st.sampled_from(["0", "0.1", "0.2", "5", "0.15"])


def side(name: str) -> Any:
    return st.lists(st.tuples(PRICE[name], SIZE).map(list), max_size=4)


EVENT = st.one_of(
    st.tuples(st.just("delta"), side("bid"), side("ask")),
    st.tuples(st.just("delta"), side("bid"), side("ask")),
    st.tuples(st.just("snapshot"), side("bid"), side("ask")),
    st.tuples(st.just("gap"), side("bid"), side("ask")),
    st.tuples(st.just("lost"), st.just([]), st.just([])),
    st.tuples(st.just("trade"), st.just([]), st.just([])),
    st.tuples(st.just("crossed"), st.just([["13", "1"]]), st.just([["12.5", "1"]])),
)


@settings(max_examples=150)
@given(events=st.lists(EVENT, max_size=30), in_stream=st.booleans())
def test_rows_give_every_book_that_a_listener_saw(events: list[Any], in_stream: bool) -> None:
    recorded = Recorded(snapshots_in_stream=in_stream)
    sync = recorded.sync
    sync.on_subscribed()
    update_id = 1
    for number, (kind, bids, asks) in enumerate(events):
        recorded.clock.advance(10**10 if kind == "lost" else 5)
        slices = json.dumps(bids).encode(), json.dumps(asks).encode()
        now = recorded.clock.now_ns()
        if kind in ("delta", "gap", "crossed"):
            update_id += 1 + (kind == "gap")
            sync.on_delta(update_id, update_id, 0, *slices, 7 + number, now)
        elif kind == "snapshot":
            sync.on_snapshot(update_id, *slices, 0, now)
        elif kind == "trade":
            recorded.market.on_trade(Trade(INSTRUMENT, "1", Side.SELL, Price(20), Size(3), 5, now))
        else:
            sync.on_disconnect()
            sync.on_subscribed()
    rows = recorded.written()
    assert without_repeats(list(books(rows))) == without_repeats(recorded.seen)
    assert (np.diff(rows.recv_ns) >= 0).all()
    assert np.count_nonzero(rows.kind == Kind.TRADE) == sum(kind == "trade" for kind, *_ in events)
    if recorded.market.book.state is not BookState.LIVE:
        assert [([], []), *books(rows)][-1] == ([], [])


def table(rows: Rows) -> list[tuple[Any, ...]]:
    names = ("kind", "side", "price", "size", "flags", "exchange_ns", "recv_ns")
    return list(zip(*(getattr(rows, name).tolist() for name in names), strict=True))


def test_what_is_written_word_for_word() -> None:
    recorded = Recorded()
    recorded.sync.on_subscribed()
    recorded.sync.on_snapshot(1, b'[["10","1"],["9","2"]]', b'[["11","3"]]', 0, 1_000)
    recorded.clock.advance(5)
    recorded.sync.on_delta(2, 2, 0, b'[["10","0"],["9.75","0.15"]]', b"[]", 900, 1_005)
    recorded.clock.advance(5)
    market = recorded.market
    market.on_trade(Trade(INSTRUMENT, "1", Side.SELL, Price(18), Size(2), 901, 1_010))
    market.on_quote(Quote(INSTRUMENT, Price(18), Size(1), None, Size(0), 0, 0, 1_010))
    market.on_quote(Quote(INSTRUMENT, None, Size(0), None, Size(0), 0, 0, 1_010))
    recorded.sync.on_disconnect()
    assert table(recorded.written()) == [
        (Kind.CLEAR, 0, 0, 0, 0, 0, 1_000),
        (Kind.LEVEL, 1, 20, 10, 0, 0, 1_000),
        (Kind.LEVEL, 1, 18, 20, 0, 0, 1_000),
        (Kind.LEVEL, -1, 22, 30, LAST, 0, 1_000),
        (Kind.LEVEL, 1, 20, 0, 0, 900, 1_005),
        (Kind.LEVEL, 1, 19, 1, ROUNDED | LAST, 900, 1_005),
        (Kind.TRADE, -1, 18, 2, LAST, 901, 1_010),
        (Kind.QUOTE, 1, 18, 1, LAST, 0, 1_010),
        (Kind.CLEAR, 0, 0, 0, LAST, 0, 1_010),
    ]


def test_what_is_said_of_funding_is_passed_on() -> None:
    recorded = Recorded()
    for rate, due_ns in (("0.0001", 8_000), (None, 8_000), ("-0.0002", 8_000), ("0.5", 0)):
        recorded.clock.advance(5)
        funding = None if rate is None else Decimal(rate)
        recorded.market.on_mark(MarkPrice(INSTRUMENT, Decimal("10.01"), None, funding, due_ns, 0, 0))
    assert recorded.fundings == [
        (INSTRUMENT, 1_005, FundingRate(8_000, "BTC/USDT", Decimal("0.0001"), Decimal("10.01"))),
        (INSTRUMENT, 1_015, FundingRate(8_000, "BTC/USDT", Decimal("-0.0002"), Decimal("10.01"))),
    ]
    assert not len(recorded.written())


def test_a_snapshot_of_a_book_that_is_live_is_written_as_what_it_changes() -> None:
    recorded = Recorded(snapshots_in_stream=True)
    recorded.sync.on_snapshot(1, b'[["10","1"],["9","2"]]', b'[["11","3"]]', 5, 1_000)
    recorded.written()
    recorded.sync.on_snapshot(2, b'[["10","1"],["9.5","2"]]', b'[["11","4"]]', 6, 1_000)
    assert table(recorded.written()) == [
        (Kind.LEVEL, 1, 18, 0, 0, 6, 1_000),
        (Kind.LEVEL, 1, 19, 20, 0, 6, 1_000),
        (Kind.LEVEL, -1, 22, 40, LAST, 6, 1_000),
    ]


@attrs.frozen(kw_only=True)
class Nothing:
    """Nothing to configure."""


class Busy(MarketDataStream[Nothing]):
    """Streams one instrument, whose snapshot and updates are whole frames."""

    def instrument_requests(self, symbols: Any = ()) -> list[Request]:
        return []

    def on_response(self, request: Request, body: bytes, recv_ns: int) -> None:
        self.feed.publish([INSTRUMENT])

    def subscribe(self, markets: Any) -> list[Any]:
        feed = self.feed
        self.sync = Synchroniser(
            markets[0], Rule(), lambda: None, clock=feed.clock, random=feed.random, warn=feed.warn
        )
        self.sync.on_subscribed()
        self.sync.on_snapshot(0, b"[]", b"[]", 0, 0)
        self.number = 0
        return []

    def on_frame(self, conn: str, data: bytes, recv_ns: int) -> None:
        self.number += 1
        self.sync.on_delta(self.number, self.number, 0, data, b"[]", recv_ns, recv_ns)


def test_a_long_session_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    levels = json.dumps([[f"{price}", "1"] for price in range(100, 140)])

    def records(frames: int) -> Iterator[CaptureRecord]:
        yield CaptureRecord(t=1, conn="https://acme/instruments", dir="http", data="{}")
        for number in range(frames):
            yield CaptureRecord(t=2 + number, conn="wss://acme", dir="recv", data=levels)

    def peak(frames: int) -> int:
        tracemalloc.start()
        try:
            with Store(tmp_path / str(frames), FORMS["columns"], block_rows=1_000) as store:
                convert(
                    records(frames),
                    Busy,
                    Nothing(),
                    exchange="acme",
                    store=store,
                    warn=lambda key, line: None,
                )
                (written,) = store.finish()
            assert written.rows > frames * 40
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)
    short = peak(500)
    assert peak(4_000) < short * 1.2
