"""How updates chain: the documented rules at their edges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft import Step
from hft_binance.symbol import FuturesContinuity, SpotContinuity

spot, futures = SpotContinuity(), FuturesContinuity()


@pytest.mark.parametrize(
    ("first_id", "last_id", "step"),
    [
        (90, 99, Step.OLD),
        (90, 100, Step.OLD),  # all of it is in the book
        (90, 101, Step.NEXT),
        (100, 101, Step.NEXT),
        (101, 101, Step.NEXT),
        (101, 110, Step.NEXT),
        (102, 102, Step.GAP),
        (102, 110, Step.GAP),
    ],
)
def test_spot_at_id_100(first_id: int, last_id: int, step: Step) -> None:
    assert spot.follows(100, first_id, last_id, 0) is step
    assert spot.bridges(100, first_id, last_id, 0) is step


@pytest.mark.parametrize(
    ("first_id", "last_id", "prev_id", "step"),
    [
        (90, 99, 89, Step.OLD),
        (90, 100, 89, Step.NEXT),  # the next one names 100, and would else find a gap
        (90, 105, 89, Step.NEXT),
        (100, 105, 97, Step.NEXT),
        (103, 105, 98, Step.NEXT),  # the snapshot lies between two updates
        (103, 105, 100, Step.NEXT),
        (103, 105, 101, Step.GAP),
        (103, 105, 0, Step.GAP),
    ],
)
def test_futures_after_a_snapshot_of_100(first_id: int, last_id: int, prev_id: int, step: Step) -> None:
    assert futures.bridges(100, first_id, last_id, prev_id) is step


@pytest.mark.parametrize(
    ("first_id", "last_id", "prev_id", "step"),
    [
        (90, 99, 89, Step.OLD),
        (90, 100, 89, Step.OLD),
        (101, 105, 100, Step.NEXT),
        (150, 155, 100, Step.NEXT),  # ids are shared by all symbols
        (101, 105, 99, Step.GAP),
        (101, 105, 101, Step.GAP),
        (90, 105, 89, Step.GAP),
    ],
)
def test_futures_at_id_100(first_id: int, last_id: int, prev_id: int, step: Step) -> None:
    assert futures.follows(100, first_id, last_id, prev_id) is step


ids = st.integers(1, 40)


@given(ids, ids, ids, ids)
def test_what_the_documentation_accepts_is_accepted(
    book_id: int, first_id: int, last_id: int, prev_id: int
) -> None:
    if first_id <= book_id + 1 <= last_id:
        assert spot.bridges(book_id, first_id, last_id, 0) is Step.NEXT
    if first_id <= book_id <= last_id:
        assert futures.bridges(book_id, first_id, last_id, prev_id) is Step.NEXT
    if last_id < book_id:
        assert spot.follows(book_id, first_id, last_id, 0) is Step.OLD
        assert futures.bridges(book_id, first_id, last_id, prev_id) is Step.OLD
    if prev_id != book_id and last_id > book_id:
        assert futures.follows(book_id, first_id, last_id, prev_id) is Step.GAP


@given(st.lists(st.integers(1, 4), min_size=2, max_size=20), st.data())
def test_exactly_one_update_of_a_true_sequence_bridges(lengths: list[int], data: st.DataObject) -> None:
    """Whatever the snapshot's id: the first update that is not old continues it, and the rest follow."""
    updates = []
    last_id = prev_id = 10
    for length in lengths:
        first_id = last_id + data.draw(st.integers(1, 3))
        updates.append((first_id, first_id + length - 1, prev_id))
        prev_id = last_id = first_id + length - 1
    book_id = snapshot_id = data.draw(st.integers(10, last_id - 1))
    bridged = False
    for first_id, last_id, prev_id in updates:
        step = (futures.follows if bridged else futures.bridges)(book_id, first_id, last_id, prev_id)
        assert step is (Step.OLD if last_id < snapshot_id else Step.NEXT)
        if step is Step.NEXT:
            bridged, book_id = True, last_id
