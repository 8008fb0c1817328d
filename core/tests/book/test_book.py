"""Every implementation of the order book against a plain dictionary of decimals."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import isclose
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft.book import OrderBook, new_book
from hft.errors import DataError, DecodeError, GridError
from hft.instrument import Instrument, InstrumentId
from hft.types import BookState, InstrumentKind, Price, Side, Size

TICK, LOT = Decimal("0.05"), Decimal("0.002")

Pairs = list[tuple[str, str]]
BookType = Callable[[Instrument], OrderBook]


def make_instrument() -> Instrument:
    return Instrument(
        id=InstrumentId("BTC/USDT", "acme"),
        native_symbol="BTCUSDT",
        kind=InstrumentKind.SPOT,
        base="BTC",
        quote="USDT",
        settle="USDT",
        tick_size=TICK,
        lot_size=LOT,
    )


def make_book(book_type: BookType, bids: Pairs, asks: Pairs) -> OrderBook:
    book = book_type(make_instrument())
    book.apply_snapshot(raw(bids), raw(asks))
    return book


def raw(levels: Any) -> bytes:
    return json.dumps(levels).encode()


class Reference:
    """What a book is, written as plainly as possible."""

    def __init__(self) -> None:
        self.sides: dict[Side, dict[Decimal, Decimal]] = {Side.BUY: {}, Side.SELL: {}}

    def apply(self, side: Side, levels: Pairs) -> None:
        for price, size in levels:
            if Decimal(size):
                self.sides[side][Decimal(price)] = Decimal(size)
            else:
                self.sides[side].pop(Decimal(price), None)

    def exact(self, side: Side) -> list[tuple[Decimal, Decimal]]:
        return sorted(self.sides[side].items(), reverse=side is Side.BUY)

    def shown(self, side: Side) -> list[tuple[int, int]]:
        rounding = ROUND_FLOOR if side is Side.BUY else ROUND_CEILING
        sums: dict[int, int] = {}
        for price, size in self.sides[side].items():
            ticks = int((price / TICK).to_integral_value(rounding))
            sums[ticks] = sums.get(ticks, 0) + int(size / LOT)
        levels = [(ticks, lots) for ticks, lots in sums.items() if ticks and lots]
        return sorted(levels, reverse=side is Side.BUY)


def assert_equal(book: OrderBook, reference: Reference) -> None:
    for side in Side:
        shown = reference.shown(side)
        assert book.levels(side) == shown
        assert book.levels(side, 3) == shown[:3]
        assert book.exact_levels(side) == reference.exact(side)
        assert book.exact_levels(side, 2) == reference.exact(side)[:2]
        best = (
            (book.best_bid, book.best_bid_size) if side is Side.BUY else (book.best_ask, book.best_ask_size)
        )
        assert best == (shown[0] if shown else (None, 0))
        for price, size in shown:
            assert book.size_at(side, Price(price)) == size
        assert book.size_at(side, Price(10**9)) == 0


def decimals(step: Decimal, lowest: int, highest: int) -> st.SearchStrategy[str]:
    """Multiples of a step, written with and without trailing zeros."""
    exact = st.integers(lowest, highest).map(lambda n: n * step)
    return st.builds(lambda value, zeros: f"{value:f}{'0' * zeros}", exact, st.integers(0, 5))


def slices(price: st.SearchStrategy[str], size: st.SearchStrategy[str]) -> st.SearchStrategy[Pairs]:
    return st.lists(st.tuples(price, size), max_size=8)


on_grid = slices(decimals(TICK, 1, 30), decimals(LOT, 0, 4))
# Twenty prices to a tick and sizes of half a lot: many levels that must be kept beside each other.
off_grid = slices(decimals(Decimal("0.0025"), 1, 100), decimals(Decimal("0.0005"), 0, 9))
frames = st.lists(st.tuples(st.booleans(), on_grid | off_grid, on_grid | off_grid), max_size=12)


@given(frames)
def test_equals_the_reference(book_type: BookType, frames: list[tuple[bool, Pairs, Pairs]]) -> None:
    book, reference = book_type(make_instrument()), Reference()
    for is_snapshot, bids, asks in frames:
        if is_snapshot:
            book.apply_snapshot(raw(bids), raw(asks))
            reference = Reference()
        else:
            book.apply_delta(raw(bids), raw(asks))
        reference.apply(Side.BUY, bids)
        reference.apply(Side.SELL, asks)
        assert_equal(book, reference)


@given(frames, st.integers(1, 40), st.integers(0, 5))
def test_set_level_is_a_delta_of_one_level(
    book_type: BookType, frames: list[tuple[bool, Pairs, Pairs]], price: int, size: int
) -> None:
    book, reference = book_type(make_instrument()), Reference()
    for _, bids, asks in frames:
        book.apply_delta(raw(bids), raw(asks))
        reference.apply(Side.BUY, bids)
        reference.apply(Side.SELL, asks)
    book.set_level(Side.SELL, Price(price), Size(size))
    reference.apply(Side.SELL, [(str(price * TICK), str(size * LOT))])
    assert_equal(book, reference)
    book.clear()
    assert_equal(book, Reference())


BAD_LEVELS = [
    ["-1", "1"],
    ["1", "-0.002"],
    ["0", "1"],
    ["0.000", "0"],
    ["1" * 41, "1"],
    ["1", "9" * 30],
    ["9" * 30, "1"],
    ["9" * 30 + ".01", "1"],
    ["1e5", "1"],
    ["+1", "1"],
    [" 1", "1"],
    ["1_0", "1"],
    ["٣", "1"],
    ["NaN", "1"],
    ["", "1"],
    [".", "1"],
    ["1.0.0", "1"],
    ["1"],
    [],
    [None, "1"],
    [True, "1"],
    ["1", {}],
    [["1", "1"]],
    {"px": "1"},
    {"price": "1", "sz": "1"},
    "11",
    5,
    None,
]
BAD_SLICES = [
    b"",
    b"[",
    b"{}",
    b"null",
    b'"x"',
    b"[[]",
    b'[["1","1"],',
    b"\xff",
    b'[["\xff","1"]]',
    b"[" * 100_000,
]


@pytest.mark.parametrize("bad", [*(raw([["1", "1"], level]) for level in BAD_LEVELS), *BAD_SLICES])
@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("call", ["apply_snapshot", "apply_delta"])
def test_a_bad_slice_changes_nothing(book_type: BookType, bad: bytes, side: Side, call: str) -> None:
    book = make_book(book_type, [("1.00", "0.002"), ("0.97", "0.003")], [("1.05", "0.004")])
    before = (book.bids(), book.asks(), book.exact_levels(Side.BUY), book.best_bid, book.best_ask_size)
    good = raw([["1.10", "0.002"]])
    slices = (bad, good) if side is Side.BUY else (good, bad)
    with pytest.raises(DataError):
        getattr(book, call)(*slices)
    assert before == (
        book.bids(),
        book.asks(),
        book.exact_levels(Side.BUY),
        book.best_bid,
        book.best_ask_size,
    )


@given(st.binary(max_size=60) | st.text(alphabet='[]{}",.:0123456789e-npxsz', max_size=40).map(str.encode))
def test_any_bytes_are_applied_or_refused_whole(book_type: BookType, data: bytes) -> None:
    book = make_book(book_type, [("1.00", "0.002")], [("1.05", "0.004")])
    try:
        book.apply_delta(b'[["0.50","1"]]', data)
    except (DecodeError, GridError):
        assert book.bids() == [(20, 1)]
        assert book.asks() == [(21, 2)]
    else:
        assert book.bids() == [(20, 1), (10, 500)]


@pytest.mark.parametrize(
    "levels",
    [
        b'[["1.00","0.002","0","4"]]',
        b"[[1.00,0.002]]",
        b"[[1,0.002]]",
        b'[{"px":"1.0","sz":"0.002","n":3}]',
        b'[{"price":"1.0","size":"0.002"}]',
    ],
)
def test_other_exchanges_levels(book_type: BookType, levels: bytes) -> None:
    book = book_type(make_instrument())
    book.apply_snapshot(levels, b"[]")
    assert book.bids() == [(20, 1)]


def test_numbers_keep_their_digits(book_type: BookType) -> None:
    """0.1 + 0.2 as a float would be off the grid."""
    book = book_type(make_instrument())
    book.apply_snapshot(b"[[12345678901234567.05,0.002]]", b"[]")
    assert book.bids() == [(246913578024691341, 1)]


def test_a_level_off_the_grid_never_narrows_the_spread(book_type: BookType) -> None:
    book = make_book(book_type, [("1.03", "0.002"), ("0.01", "0.002")], [("1.11", "0.0045")])
    assert (book.best_bid, book.best_ask) == (20, 23)
    assert (book.best_bid_size, book.best_ask_size) == (1, 2)
    assert book.bids() == [(20, 1)]  # less than one tick cannot be shown, but is kept
    assert len(book.exact_levels(Side.BUY)) == 2
    assert book.exact_levels(Side.SELL) == [(Decimal("1.11"), Decimal("0.0045"))]


@pytest.mark.parametrize(("price", "size"), [(0, 1), (-1, 1), (1, -1), (2**62, 1), (1, 2**62)])
def test_set_level_refuses_what_no_exchange_shows(book_type: BookType, price: int, size: int) -> None:
    book = make_book(book_type, [], [])
    with pytest.raises(GridError, match="out of range"):
        book.set_level(Side.BUY, Price(price), Size(size))
    assert book.bids() == []


class TestViews:
    @pytest.fixture
    def book(self, book_type: BookType) -> OrderBook:
        return make_book(
            book_type, [("1.00", "0.006"), ("0.95", "0.002")], [("1.10", "0.002"), ("1.15", "0.004")]
        )

    def test_top(self, book: OrderBook) -> None:
        assert (book.spread, book.mid, book.is_crossed) == (2, 21.0, False)
        assert book.microprice == (20 * 1 + 22 * 3) / 4

    def test_depth(self, book: OrderBook) -> None:
        assert book.depth(Side.SELL, 1) == 1
        assert book.depth(Side.SELL, 9) == 3
        assert book.imbalance() == (3 - 1) / 4
        assert book.imbalance(2) == (4 - 3) / 7
        mean = book.weighted_price(Side.BUY, 2)
        assert mean is not None
        assert isclose(mean, (20 * 3 + 19 * 1) / 4)

    def test_sweep(self, book: OrderBook) -> None:
        assert book.sweep_price(Side.SELL, Size(1)) == 22
        assert book.sweep_price(Side.SELL, Size(3)) == (22 + 2 * 23) / 3
        assert book.sweep_price(Side.SELL, Size(4)) is None
        assert book.sweep_price(Side.SELL, Size(0)) is None

    def test_empty_sides_have_no_views(self, book_type: BookType) -> None:
        book = make_book(book_type, [], [("1.10", "0.002")])
        assert book.spread is book.mid is book.microprice is book.weighted_price(Side.BUY, 5) is None
        assert not book.is_crossed
        assert book.imbalance() == -1
        assert make_book(book_type, [], []).imbalance() is None

    @pytest.mark.parametrize("bid", ["1.10", "1.15"])
    def test_touching_is_crossed(self, book_type: BookType, bid: str) -> None:
        assert make_book(book_type, [(bid, "0.002")], [("1.10", "0.002")]).is_crossed


def test_a_new_book_is_empty_and_syncing() -> None:
    book = new_book(make_instrument())
    assert book.state is BookState.SYNCING
    assert (book.update_id, book.exchange_ns, book.recv_ns) == (0, 0, 0)
    assert book.bids() == book.asks() == []
