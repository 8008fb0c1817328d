"""A span of a recording: it begins with the book as it was, and with no event of before."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="numpy comes with hft-core[data]")

from hypothesis import given
from hypothesis import strategies as st

from hft.data import LAST, ColumnsWriter, Day, Kind, read_day
from hft.instrument import Instrument, InstrumentId
from hft.run.tape import Tape
from hft.types import InstrumentKind

INSTRUMENT = Instrument(
    id=InstrumentId("BTC/USDT", "x"),
    native_symbol="BTCUSDT",
    kind=InstrumentKind.SPOT,
    base="BTC",
    quote="USDT",
    settle="USDT",
    tick_size=Decimal("0.5"),
    lot_size=Decimal("0.001"),
)

Row = tuple[int, int, int, int, int]
"""Time, kind, price, size, flags."""

ROWS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from([Kind.LEVEL, Kind.LEVEL, Kind.LEVEL, Kind.TRADE, Kind.CLEAR]),
        st.integers(1, 4),
        st.integers(0, 2),
        st.sampled_from([0, LAST]),
    ),
    min_size=1,
    max_size=30,
)


def write(folder: Path, rows: list[Row]) -> None:
    names = ("exchange_ns", "recv_ns", "kind", "side", "price", "size", "flags")
    table = [(time, time, int(kind), 1, price, size, flags) for time, kind, price, size, flags in rows]
    with ColumnsWriter(folder, INSTRUMENT) as writer:
        writer.append({name: [row[i] for row in table] for i, name in enumerate(names)})


def play(days: list[Day]) -> tuple[dict[int, int], list[tuple[int, int, int, int]]]:
    """Return the book at the end, and the rows that are no level or clear of an opening."""
    book: dict[int, int] = {}
    seen = []
    for day in days:
        columns = [day.columns[name].tolist() for name in ("recv_ns", "kind", "price", "size")]
        for time, kind, price, size in zip(*columns, strict=True):
            seen.append((time, kind, price, size))
            if kind == Kind.CLEAR:
                book.clear()
            elif kind == Kind.LEVEL:
                book[price] = size
    return {price: size for price, size in book.items() if size}, seen


@given(gaps=ROWS, cut=st.integers(0, 30), parts=st.integers(0, 30))
def test_a_span_begins_with_the_book_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, gaps: list[Row], cut: int, parts: int
) -> None:
    root = tmp_path_factory.mktemp("tape")
    rows: list[Row] = []
    time = 100
    for gap, *rest in gaps:
        time += gap if not rows or rows[-1][4] & LAST else 0
        rows.append((time, *rest))
    rows[-1] = (*rows[-1][:4], LAST)
    split = min(parts, len(rows))
    folders = []
    for number, part in enumerate((rows[:split], rows[split:])):
        if part:
            folders.append(root / str(number))
            write(folders[-1], part)
    begin_ns = 101 + cut % (time - 100) if time > 100 else 101
    whole = Tape(instrument=INSTRUMENT, folders=tuple(folders), events=len(rows), first_ns=100, last_ns=time)
    begun = Tape(
        instrument=INSTRUMENT,
        folders=tuple(folders),
        events=len(rows),
        first_ns=begin_ns,
        last_ns=time,
        begin_ns=begin_ns,
    )
    days = list(begun.days())
    book, seen = play(days)
    assert book == play([read_day(folder) for folder in whole.folders])[0]
    # Behind the opening come the events of the span, all of them and no other.
    opening = len(days[0])
    assert [row[0] for row in seen] == sorted(row[0] for row in seen)
    assert seen[opening:] == [row[:4] for row in rows if row[0] >= begin_ns]
    for day in days:
        day.release(len(day))
