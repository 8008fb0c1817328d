"""Rows in memory: buffered, and what is left of a book at the end of a day."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft.data.carry import Carry
from hft.data.columns import COLUMNS, LAST, Kind
from hft.data.rows import CARRIED, ROUNDED, RowBuffer, Rows

Table = Callable[[Rows], list[tuple[Any, ...]]]


def test_a_buffer_gives_its_rows_once(table: Table) -> None:
    buffer = RowBuffer()
    buffer.add(1, 2, Kind.TRADE, -1, 2**61, 5)
    buffer.end_message()
    buffer.add(3, 4, Kind.LEVEL, 1, 7, 0, ROUNDED)
    rows = buffer.take()
    assert {name: column.dtype.str for name, column in rows.columns().items()} == dict(COLUMNS)
    assert table(rows) == [(2, -1, 2**61, 5, LAST, 1, 2), (1, 1, 7, 0, ROUNDED, 3, 4)]
    assert not len(buffer)
    assert not len(buffer.take())
    with pytest.raises(OverflowError):
        buffer.add(1, 2, Kind.TRADE, -1, 2**63, 5)


MESSAGE = st.tuples(
    st.sampled_from([Kind.LEVEL] * 8 + [Kind.CLEAR, Kind.TRADE]),
    st.sampled_from([1, -1]),
    st.integers(1, 9),
    st.integers(0, 3),
)


@given(messages=st.lists(MESSAGE, max_size=60), block=st.integers(1, 20))
def test_a_carried_book_is_the_book(messages: list[tuple[Any, ...]], block: int) -> None:
    book: dict[tuple[int, int], int] = {}
    for kind, side, price, size in messages:
        if kind is Kind.CLEAR:
            book.clear()
        elif kind is Kind.LEVEL and size:
            book[side, price] = size
        elif kind is Kind.LEVEL:
            book.pop((side, price), None)
    carry = Carry()
    for start in range(0, len(messages), block):
        kinds, sides, prices, sizes = zip(*messages[start : start + block], strict=True)
        carry.update(
            Rows.of(exchange_ns=0, recv_ns=0, kind=kinds, side=sides, price=prices, size=sizes, flags=LAST)
        )
    levels = carry.levels
    keys = zip(levels.side.tolist(), levels.price.tolist(), strict=True)
    assert dict(zip(keys, levels.size.tolist(), strict=True)) == book
    rows = carry.message(77)
    if not any(kind is Kind.CLEAR for kind, *_ in messages):
        assert not len(rows), "nobody said what was there before"
        return
    assert rows.kind.tolist() == [Kind.CLEAR] + [Kind.LEVEL] * len(book)
    assert rows.price.tolist()[1:] == levels.price.tolist()
    assert set(rows.recv_ns.tolist()) == set(rows.exchange_ns.tolist()) == {77}
    assert rows.flags.tolist() == [CARRIED] * len(book) + [CARRIED | LAST]
