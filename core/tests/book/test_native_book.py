"""`NativeBook` does what `SortedBook` does, to the last digit and the last word of an error.

Run as a script, it compares them for as many seconds as it is told, with a seed that it prints.
"""

from __future__ import annotations

import ctypes
import sys
import time
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft.book import OrderBook, SortedBook
from hft.errors import DataError
from hft.instrument import MAX_COUNT, Instrument, InstrumentId
from hft.types import BookState, InstrumentKind, Price, Side, Size

GRIDS = [
    ("0.01", "0.00001"),
    ("0.05", "0.002"),  # steps that are no power of ten
    ("10", "1000"),
    ("1E-18", "1E-18"),
    ("1E-30", "1E+30"),  # of no use to a 64 bit reader
    ("0.25", "1"),
]
CENTRE = 1000
ALPHABET = '0123456789..,,::""[]{}-+eE \t\n\\\x00u_pxszpricesizenulltruefalse\x7fé٣'.encode()
ITEMS = [
    '"0"',
    "4",
    "-1",
    "1.5e3",
    "null",
    "true",
    "false",
    '"\\u0031"',
    "[1]",
    '{"a":{}}',
    '"é"',
    "01",
    "nul",
    '"\x01"',
    '"\\""',
    '"\\x"',
    "",
]
KEYS = ["n", "id", "", "pxs", "pric", "px", "size", "\\u0070x"]
SPACES = ["", "", "", " ", "\t", "\n\r", "\x0b", " \n "]


def make_instrument(tick: str, lot: str) -> Instrument:
    return Instrument(
        id=InstrumentId("BTC/USDT", "acme"),
        native_symbol="BTCUSDT",
        kind=InstrumentKind.SPOT,
        base="BTC",
        quote="USDT",
        settle="USDT",
        tick_size=Decimal(tick),
        lot_size=Decimal(lot),
    )


class Writer:
    """Writes slices: mostly sensible, often odd, sometimes broken."""

    def __init__(self, random: Random, instrument: Instrument) -> None:
        self.random = random
        self.instrument = instrument
        self.oddness = random.choice([0, 0, 0.02, 0.2])

    def odd(self) -> bool:
        return self.random.random() < self.oddness

    def slice(self) -> bytes:
        random = self.random
        count = random.choice([0, 0, 1, 1, 1, 2, 3, 5, 40])
        levels = [self.level() for _ in range(count)]
        text = self.join("[", levels, "]").encode()
        if self.odd():
            cut = random.randrange(len(text) + 1)
            text = random.choice(
                [
                    text[:cut],
                    text[:cut] + bytes(random.choices(ALPHABET, k=random.randint(1, 4))) + text[cut:],
                    text[:cut] + bytes([random.randrange(256)]) + text[cut + 1 :],
                    text[:cut] + text[cut + random.randint(1, 3) :],
                    bytes(random.choices(ALPHABET, k=random.randint(0, 60))),
                ]
            )
        return text

    def level(self) -> str:
        random = self.random
        ticks = 0 if random.random() < self.oddness / 4 else random.randint(CENTRE - 30, CENTRE + 30)
        price = self.number(self.instrument.tick_size, ticks)
        size = self.number(self.instrument.lot_size, random.choice([0, 0, 1, 5, random.randint(1, 10**6)]))
        form = random.random()
        if form < 0.7:
            more = (
                random.choices(ITEMS[:2], k=random.choice([0, 0, 2]))
                if not self.odd()
                else [random.choice(ITEMS)]
            )
            return self.join("[", [price, size, *more], "]")
        names = random.choice([("px", "sz"), ("price", "size")])
        pairs = [
            f'"{name}"{self.space()}:{self.space()}{value}'
            for name, value in zip(names, (price, size), strict=True)
        ]
        if random.random() < 0.5:
            pairs.append(f'"{random.choice(KEYS[:4])}":{random.choice(ITEMS[:7])}')
        if self.odd():
            pairs.append(f'"{random.choice(KEYS)}":{random.choice([price, *ITEMS])}')
        random.shuffle(pairs)
        return self.join("{", pairs, "}")

    def number(self, step: Decimal, count: int) -> str:
        random = self.random
        kind = random.random() if self.odd() else 0
        if kind > 0.9:
            text = "".join(random.choices("0123456789.", k=random.randint(0, 42)))
        elif kind > 0.8:
            text = "".join(random.choices("0123456789.eE+-_ ", k=random.randint(0, 6)))
        elif kind > 0.5:
            text = f"{(MAX_COUNT + random.randint(-2, 1)) * step:f}"
        elif kind:
            text = f"{count * step + step * random.randint(1, 99) / random.choice([2, 100]):f}"
        else:
            text = f"{count * step:f}"
        if "." in text and random.random() < 0.5:
            text = text.rstrip("0") + "0" * random.choice([0, 1, 8])
        if self.odd():
            text = "0" * random.randint(1, 20) + text
        return text if random.random() < 0.15 else f'"{text}"'

    def join(self, opening: str, items: list[str], closing: str) -> str:
        space = self.space
        return opening + space() + f"{space()},{space()}".join(items) + space() + closing

    def space(self) -> str:
        return self.random.choice(SPACES) if self.odd() else ""

    def wrap(self, text: bytes) -> Any:
        form = self.random.random()
        if form < 0.4:
            return text
        if form < 0.7:  # as it comes: in the middle of a frame
            return msgspec.Raw(memoryview(b"9" + text + b"9")[1:-1])
        # No byte behind the last: a memory checker sees one that is read.
        return (ctypes.c_char * len(text)).from_buffer_copy(text)


def observe(book: OrderBook) -> str:
    """Write down all that a book tells; as text, in which 1, 1.0 and True differ."""
    seen: list[Any] = [
        (book.best_bid, book.best_bid_size, book.best_ask, book.best_ask_size),
        (book.state, book.update_id, book.exchange_ns, book.recv_ns, book.instrument.id),
        (book.is_crossed, book.spread, book.mid, book.microprice),
        (book.bids(), book.asks(), book.bids(3), book.asks(0), book.imbalance(), book.imbalance(50)),
    ]
    for side in Side:
        levels = book.levels(side)
        seen += [levels, book.levels(side, 2), book.exact_levels(side), book.exact_levels(side, 2)]
        seen += [
            book.size_at(side, Price(CENTRE + each)) for each in (-MAX_COUNT, -1000, -9, -1, 0, 1, 2**70)
        ]
        seen += [book.size_at(side, price) for price, _ in levels]
        for n in (0, 1, 3, 1000):
            seen += [book.depth(side, n), book.weighted_price(side, n)]
            seen.append(book.sweep_price(side, Size(sum(size for _, size in levels[:n]))))
        seen += [book.sweep_price(side, Size(size)) for size in (-1, 1, 10**6, MAX_COUNT, 2**70)]
    return repr(seen)


def outcome(book: OrderBook, call: str, arguments: tuple[Any, ...]) -> tuple[type, str] | None:
    try:
        getattr(book, call)(*arguments)
    except DataError as error:
        return type(error), str(error)
    return None


def compare(random: Random, steps: int, native_book: type[OrderBook]) -> int:
    """Do the same to a book of each kind; return how many slices were refused."""
    instrument = make_instrument(*random.choice(GRIDS))
    native, pure = native_book(instrument), SortedBook(instrument)
    writer = Writer(random, instrument)
    before = observe(pure)
    refused = 0
    for step in range(steps):
        call = random.choices(["apply_delta", "apply_snapshot", "set_level", "clear"], [20, 3, 5, 0.3])[0]
        arguments: tuple[Any, ...] = ()
        if call == "set_level":
            price = random.choice([CENTRE + random.randint(-30, 30), 0, -1, MAX_COUNT - 1, MAX_COUNT, 2**80])
            arguments = (
                random.choice(list(Side)),
                price,
                random.choice([0, 0, 1, 9, -1, MAX_COUNT - 1, 2**80]),
            )
        elif call != "clear":
            arguments = (writer.wrap(writer.slice()), writer.wrap(writer.slice()))
        what = f"step {step}: {call}{arguments}"
        expected = outcome(pure, call, arguments)
        assert outcome(native, call, arguments) == expected, what
        if expected is None:
            for book in (native, pure):
                book.update_id, book.exchange_ns, book.recv_ns = step, step + 1, step + 2
                book.state = random.choice(list(BookState)) if book is native else native.state
            before = observe(pure)
        assert observe(native) == observe(pure) == before, what
        refused += expected is not None
    return refused


@given(st.integers(0, 2**32), st.integers(1, 30))
def test_both_do_the_same(native_book: type[OrderBook], seed: int, steps: int) -> None:
    compare(Random(seed), steps, native_book)


def apply(native_book: type[OrderBook], levels: bytes) -> OrderBook:
    book = native_book(make_instrument("0.01", "0.001"))
    book.apply_snapshot(levels, b"[]")
    return book


@pytest.mark.parametrize(
    "levels",
    [
        b'[["1.00","0.002"],["0.5","1"]]',
        b' [ [ "1.00" , "0.002" , "0" , null ] , { "n" : -3.5 , "sz" : 1, "px":"0.50000" } ] ',
        b'[{"size":0.002,"price":1},{"px":"00.5","sz":"1.","n":true}]',
    ],
)
def test_usual_slices_stay_in_native_code(
    native_book: type[OrderBook], monkeypatch: pytest.MonkeyPatch, levels: bytes
) -> None:
    monkeypatch.delattr(native_book, "apply_exactly")
    assert apply(native_book, levels).bids() == [(100, 2), (50, 1000)]
    assert apply(native_book, levels[:0] + b"[" + levels.strip()[1:]).best_bid == 100


def test_only_the_levels_beside_one_off_the_grid_leave_native_code(
    native_book: type[OrderBook], monkeypatch: pytest.MonkeyPatch
) -> None:
    book = apply(native_book, b'[["1.005","1"],["0.99","1"]]')
    calls = []
    monkeypatch.setattr(native_book, "apply_exactly", lambda *arguments: calls.append(arguments))
    book.apply_delta(b'[["0.99","2"],["1.01","1"]]', b"[]")
    assert (book.bids(), calls) == ([(101, 1000), (100, 1000), (99, 2000)], [])
    book.apply_delta(b'[["1.00","2"]]', b"[]")
    assert len(calls) == 1


def test_a_snapshot_in_any_order_is_sorted(native_book: type[OrderBook]) -> None:
    book = apply(native_book, b'[["1","1"],["3","1"],["2","1"],["3","2"],["2","0"]]')
    assert book.bids() == [(300, 2000), (100, 1000)]


def test_pairs_of_levels_that_did_not_change_are_kept(native_book: type[OrderBook]) -> None:
    book = apply(native_book, b"[" + b",".join(b'["%d","1"]' % price for price in range(50, 0, -1)) + b"]")
    before = book.bids(20)
    again = book.bids(20)
    assert again == before
    assert again is not before
    assert all(old is new for old, new in zip(before, again, strict=True))
    book.apply_delta(b'[["49","2"],["45","0"],["44.5","1"],["47","1"]]', b"[]")
    after = book.bids(20)
    assert [level for level in after if not any(level is old for old in before)] == [
        (4900, 2000),
        (4450, 1000),
    ]


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 2)), max_size=60), st.data())
def test_kept_pairs_are_the_levels(
    native_book: type[OrderBook], changes: list[tuple[int, int]], data: st.DataObject
) -> None:
    native, pure = (kind(make_instrument("1", "1")) for kind in (native_book, SortedBook))
    for price, size in changes:
        side = data.draw(st.sampled_from(Side))
        for book in (native, pure):
            book.set_level(side, Price(price), Size(size))
        n = data.draw(st.sampled_from([1, 5, 31, 32, 33, 60]))
        assert native.levels(side, n) == pure.levels(side, n)


@pytest.mark.parametrize("name", ["best_bid", "best_ask", "best_bid_size", "best_ask_size", "instrument"])
def test_what_the_book_tells_cannot_be_written(native_book: type[OrderBook], name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(apply(native_book, b"[]"), name, 1)


def test_the_best_level_is_read_like_a_slot(native_book: type[OrderBook]) -> None:
    """CPython reads what this kind of descriptor describes without a call."""
    assert type(native_book.best_bid) is type(SortedBook.best_bid)  # type: ignore[comparison-overlap]


def test_a_negative_number_of_levels_is_refused(book_type: type[OrderBook]) -> None:
    book = book_type(make_instrument("1", "1"))
    for view in (book.bids, book.asks):
        with pytest.raises(ValueError):
            view(-1)


def test_books_give_their_memory_back(native_book: type[OrderBook]) -> None:
    instrument = make_instrument("1", "1")
    levels = b"[" + b",".join(b'["%d","1"]' % price for price in range(5000, 0, -1)) + b"]"
    books = [native_book(instrument) for _ in range(3)]

    def resident_bytes() -> int:
        with open("/proc/self/statm") as statm:  # noqa: PTH123
            return int(statm.read().split()[1]) * 4096

    peak = 0
    for turn in range(300):
        book = books[turn % 3] = native_book(instrument)
        book.apply_snapshot(levels, levels)
        if turn == 20:
            peak = resident_bytes()
    assert resident_bytes() - peak < 10_000_000  # 300 books of 160 kB, if they were kept: 48 MB


def main(seconds: float, seed: int) -> None:
    from hft.book.native_book import NativeBook

    random, start, steps, refused = Random(seed), time.monotonic(), 0, 0
    while time.monotonic() - start < seconds:
        steps += 30
        refused += compare(random, 30, NativeBook)
    print(f"seed {seed}: {steps} steps, {refused} slices refused, no difference")


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns())
