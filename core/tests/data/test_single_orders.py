"""Orders one by one on disk: kept whole, carried over midnight as they wait, checked and imported."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft.data.carry import Carry
from hft.data.catalog import find_partitions, read_partition
from hft.data.check import Checked, Problem, check_days
from hft.data.columns import LAST, Kind
from hft.data.imports import ImportOptions, import_files
from hft.data.reform import reform
from hft.data.rows import CARRIED, Rows
from hft.data.store import FORMS, Store
from hft.errors import DataError
from hft.instrument import Instrument

from ..paper.single_orders import Event, RandomExchange

DAY_NS = 86_400 * 10**9
FIRST = 20_000 * DAY_NS
START: list[Event] = [(Kind.CLEAR, 0, 0, 0, 0), (Kind.ADD, 1, 100, 5, 1), (Kind.ADD, -1, 102, 5, 2)]


def rows_of(events: Sequence[Event], times: Any = FIRST) -> Rows:
    """Return each event as a message of its own, except that the first three are one."""
    kind, side, price, size, order_id = zip(*events, strict=True)
    flags = np.full(len(events), LAST)
    flags[:2] = 0
    return Rows.of(
        exchange_ns=times,
        recv_ns=times,
        kind=kind,
        side=side,
        price=price,
        size=size,
        flags=flags,
        order_id=np.array(order_id, np.uint64),
    )


def checked(root: Path, instrument: Instrument, rows: Rows, form: str = "columns") -> Checked:
    with Store(root, FORMS[form]) as store:
        store.add(instrument, rows)
        store.finish()
    (found,) = check_days(find_partitions([root]), silent_ns=10**9)
    return found


@given(seed=st.integers(0, 2**32), block=st.integers(1, 30))
def test_a_carried_queue_is_the_queue(seed: int, block: int) -> None:
    exchange = RandomExchange(random.Random(seed))
    events = [event for _ in range(60) for event in exchange.message()]
    carry = Carry()
    for start in range(0, len(events), block):
        carry.update(rows_of(events[start : start + block]))
    found: dict[tuple[int, int], list[list[int]]] = {}
    orders = carry.levels
    assert orders.order_id is not None
    columns = (orders.side, orders.price, orders.order_id, orders.size)
    for side, price, order_id, size in zip(*(each.tolist() for each in columns), strict=True):
        found.setdefault((side, price), []).append([order_id, size])
    assert found == {key: queue for key, queue in exchange.queues.items() if queue}
    assert set(orders.kind.tolist()) <= {Kind.ADD}


@pytest.mark.parametrize("form", FORMS)
def test_days_keep_the_ids_and_begin_with_the_orders(
    form: str, tmp_path: Path, instrument: Instrument
) -> None:
    exchange = RandomExchange(random.Random(1))
    events = [*START[:1], *(event for _ in range(300) for event in exchange.message())]
    waiting = {each for *_, each in exchange.orders()}
    first = rows_of(events, FIRST + np.arange(len(events)))
    next_day = rows_of([(Kind.ADD, 1, 1, 1, 2**64 - 1)] * 3, FIRST + DAY_NS + 5)
    with Store(tmp_path, FORMS[form], block_rows=64) as store:
        store.add(instrument, first)
        store.add(instrument, next_day)
        store.finish()
    one, two = (read_partition(folder) for folder in find_partitions([tmp_path]))
    whole = Rows.concat(list(one.blocks(50)))
    for name, column in first.columns().items():
        assert whole.columns()[name].tolist() == column.tolist(), name
    opening = Rows.concat(list(two.blocks(50)))[:-3]
    assert opening.order_id is not None
    assert (opening.kind[0], opening.flags[-1]) == (Kind.CLEAR, CARRIED | LAST)
    assert set(opening.order_id[1:].tolist()) == waiting
    # And from one form into the other and back.
    other = "parquet" if form == "columns" else "columns"
    reform([one, two], tmp_path / "other", FORMS[other], overwrite=False)
    there = [read_partition(folder) for folder in find_partitions([tmp_path / "other"])]
    reform(there, tmp_path / "again", FORMS[form], overwrite=False)
    for source in (one, two):
        again = read_partition(tmp_path / "again" / source.folder.relative_to(tmp_path))
        assert again.has_orders
        for before, after in zip(source.blocks(10**6), again.blocks(10**6), strict=True):
            for name, column in before.columns().items():
                assert column.tolist() == after.columns()[name].tolist(), name


def test_a_day_without_orders_has_no_such_column(tmp_path: Path, instrument: Instrument) -> None:
    for rows in (rows_of(START), Rows(**{**rows_of([(Kind.TRADE, 1, 1, 1, 0)]).columns(), "order_id": None})):
        with Store(tmp_path, FORMS["columns"], overwrite=True) as store:
            store.add(instrument, rows)
            store.finish()
    (folder,) = find_partitions([tmp_path])
    assert not read_partition(folder).has_orders
    assert not (folder / "order_id.npy").exists()


@pytest.mark.parametrize("form", FORMS)
def test_good_orders_are_good(form: str, tmp_path: Path, instrument: Instrument) -> None:
    exchange = RandomExchange(random.Random(2))
    events = [*START[:1], *exchange.arrive(1), *exchange.arrive(-1)]
    events += [event for _ in range(400) for event in exchange.message()]
    found = checked(tmp_path, instrument, rows_of(events), form)
    # Each event is a message here: a snapshot is an empty book first.
    assert {each.problem for each in found.findings} <= {Problem.LOST}
    assert found.trades > 20


@pytest.mark.parametrize(
    ("events", "problem"),
    [
        ([(Kind.REMOVE, 0, 0, 0, 9)], Problem.UNKNOWN_ORDER),
        ([(Kind.CHANGE, 0, 100, 1, 9)], Problem.UNKNOWN_ORDER),
        ([(Kind.FILL, 0, 100, 1, 9)], Problem.UNKNOWN_ORDER),
        ([(Kind.REMOVE, 0, 0, 0, 1), (Kind.REMOVE, 0, 0, 0, 1)], Problem.UNKNOWN_ORDER),
        ([(Kind.ADD, 1, 99, 5, 1)], Problem.DOUBLE_ORDER),
        ([(Kind.LEVEL, 1, 99, 5, 0)], Problem.MIXED),
        ([(Kind.TRADE, 1, 102, 5, 0)], Problem.NO_FILLS),
        ([(Kind.ADD, 1, 102, 5, 9)], Problem.CROSSED),
        ([(Kind.ADD, 0, 99, 5, 9)], Problem.INVALID),
        ([(Kind.ADD, 1, 99, 0, 9)], Problem.INVALID),
        ([(Kind.CHANGE, 1, 0, 1, 1)], Problem.INVALID),
        ([(Kind.FILL, 1, 100, 0, 1)], Problem.INVALID),
        ([(Kind.TRADE, 1, 102, 2, 0), (Kind.FILL, -1, 102, 2, 2), (Kind.CHANGE, -1, 102, 3, 2)], None),
    ],
)
def test_each_problem_is_found_and_no_other(
    events: list[Event], problem: Problem | None, tmp_path: Path, instrument: Instrument
) -> None:
    found = checked(tmp_path, instrument, rows_of([*START, *events]))
    assert [each.problem for each in found.findings] == ([] if problem is None else [problem])


def test_orders_without_ids_are_invalid(tmp_path: Path, instrument: Instrument) -> None:
    events: list[Event] = [(Kind.CLEAR, 0, 0, 0, 0), (Kind.LEVEL, 1, 1, 1, 0), (Kind.LEVEL, 1, 2, 1, 0)]
    rows = rows_of([*events, (Kind.ADD, 1, 2, 2, 0)])
    found = checked(tmp_path, instrument, Rows(**{**rows.columns(), "order_id": None}))
    assert [each.problem for each in found.findings] == [Problem.INVALID]


# -- hftbacktest -----------------------------------------------------------------------------------------

EVENT = np.dtype(
    [
        ("ev", "u8"),
        ("exch_ts", "i8"),
        ("local_ts", "i8"),
        ("px", "f8"),
        ("qty", "f8"),
        ("order_id", "u8"),
        ("ival", "i8"),
        ("fval", "f8"),
    ],
    align=True,
)
BOTH, BUY, SELL = 1 << 31 | 1 << 30, 1 << 29, 1 << 28
NS = FIRST


@pytest.mark.parametrize("block_rows", [1 << 16, 1, 3])
def test_hftbacktest_orders(
    block_rows: int, tmp_path: Path, instrument: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hft.data.imports.hftbacktest._BLOCK_ROWS", block_rows)
    events = [
        (3 | BOTH, NS, NS + 1, float("nan"), 0.0, 0),
        (10 | BOTH | BUY, NS, NS + 1, 100.1, 0.005, 2**63 + 1),
        (10 | BOTH | SELL, NS, NS + 1, 100.2, 0.004, 8),
        (12 | BOTH | BUY, NS + 2, NS + 3, 100.0, 0.006, 2**63 + 1),
        (2 | BOTH | BUY, NS + 4, NS + 5, 100.2, 0.003, 0),
        (13 | BOTH | SELL, NS + 4, NS + 5, 100.2, 0.003, 8),
        (12 | BOTH | SELL, NS + 4, NS + 5, 100.2, 0.001, 8),
        (11 | BOTH | SELL, NS + 6, NS + 7, float("nan"), 0.0, 8),
        (10 | BOTH | SELL, NS + 8, NS + 9, 100.4, 0.001, 10),
        (3 | BOTH | BUY, NS + 10, NS + 11, float("nan"), 0.0, 0),
    ]
    np.savez_compressed(tmp_path / "x.npz", data=np.array([(*each, 0, 0.0) for each in events], EVENT))
    with Store(tmp_path / "out", FORMS["columns"]) as store:
        import_files("hftbacktest", [tmp_path / "x.npz"], ImportOptions(instrument=instrument), store)
        store.finish()
    (folder,) = find_partitions([tmp_path / "out"])
    rows = Rows.concat(list(read_partition(folder).blocks(99)))
    columns = rows.columns()
    names = ("kind", "side", "price", "size", "flags", "order_id")
    big = 2**63 + 1
    assert list(zip(*(columns[name].tolist() for name in names), strict=True)) == [
        (Kind.CLEAR, 0, 0, 0, 0, 0),
        (Kind.ADD, 1, 1001, 5, 0, big),
        (Kind.ADD, -1, 1002, 4, LAST, 8),
        (Kind.CHANGE, 1, 1000, 6, LAST, big),
        (Kind.TRADE, 1, 1002, 3, LAST, 0),
        (Kind.FILL, -1, 1002, 3, 0, 8),
        (Kind.CHANGE, -1, 1002, 1, LAST, 8),
        (Kind.REMOVE, -1, 0, 0, LAST, 8),
        (Kind.ADD, -1, 1004, 1, LAST, 10),
        (Kind.REMOVE, 1, 1000, 0, LAST, big),
    ]
    (found,) = check_days([folder], silent_ns=10**9)
    assert list(found.findings) == []


def test_events_of_no_known_kind_are_named(tmp_path: Path, instrument: Instrument) -> None:
    np.savez_compressed(tmp_path / "x.npz", data=np.array([(14 | BOTH | BUY, NS, NS, 1, 1, 0, 0, 0)], EVENT))
    with Store(tmp_path / "out", FORMS["columns"]) as store, pytest.raises(DataError, match="event 14"):
        import_files("hftbacktest", [tmp_path / "x.npz"], ImportOptions(instrument=instrument), store)
