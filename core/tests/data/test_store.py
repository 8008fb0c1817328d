"""Days on disk: whole or not at all, sorted, beginning with what the day before left, in little memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pyarrow.parquet as pq
import pytest

from hft.data.catalog import find_partitions, read_partition
from hft.data.columns import LAST, Kind, day_folder
from hft.data.parquet import parquet_folder
from hft.data.reform import reform
from hft.data.rows import CARRIED, Rows
from hft.data.store import FORMS, Store
from hft.errors import DataError
from hft.funding import FUNDING, FundingRate, read_funding
from hft.instrument import Instrument

Table = Callable[[Rows], list[tuple[Any, ...]]]

DAY_NS = 86_400 * 10**9
FIRST = 20_000 * DAY_NS
DAYS = (date(2024, 10, 4), date(2024, 10, 5), date(2024, 10, 6))


def level(recv_ns: int, price: int, size: int, *, side: int = 1, kind: int = Kind.LEVEL) -> Rows:
    return Rows.of(
        exchange_ns=recv_ns - 5, recv_ns=recv_ns, kind=kind, side=side, price=price, size=size, flags=[LAST]
    )


def write(root: Path, instrument: Instrument, *parts: Rows, form: str = "columns", **options: Any) -> Any:
    with Store(root, FORMS[form], **options) as store:
        for part in parts:
            store.add(instrument, part)
        return store.finish()


def hidden(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.name.startswith(".")]


@pytest.mark.parametrize("form", FORMS)
def test_days_are_written_in_their_places_and_begin_with_the_book(
    form: str, tmp_path: Path, instrument: Instrument, table: Table
) -> None:
    parts = Rows.concat(
        [
            level(FIRST + 10, 100, 3, kind=Kind.CLEAR),
            level(FIRST + 11, 100, 3),
            level(FIRST + 12, 101, 4, side=-1),
            level(FIRST + DAY_NS + 1, 100, 0),
            level(FIRST + 3 * DAY_NS, 99, 1),
        ]
    )
    written = write(tmp_path, instrument, parts, form=form, maker_fee=Decimal("-0.0001"))
    folder = {"columns": day_folder, "parquet": parquet_folder}[form]
    days = (DAYS[0], DAYS[1], date(2024, 10, 7))
    assert [each.folder for each in written] == [folder(tmp_path, instrument.id, day) for day in days]
    assert find_partitions([tmp_path]) == [each.folder for each in written]
    first, second, fourth = (read_partition(each.folder) for each in written)
    assert [len(list(day.blocks(2))) for day in (first, second, fourth)] == [2, 2, 1]
    assert first.listing.maker_fee == Decimal("-0.0001")
    assert first.listing.instrument.id == instrument.id
    assert first.listing.instrument.tick_size == instrument.tick_size
    midnight = FIRST + DAY_NS
    assert table(Rows.concat(list(second.blocks(10)))) == [
        (3, 0, 0, 0, CARRIED, midnight, midnight),
        (1, 1, 100, 3, CARRIED, midnight, midnight),
        (1, -1, 101, 4, CARRIED | LAST, midnight, midnight),
        (1, 1, 100, 0, LAST, midnight - 4, midnight + 1),
    ]
    assert len(Rows.concat(list(fourth.blocks(10)))) == 1, "the day before it is not there to carry from"
    assert not hidden(tmp_path)


@pytest.mark.parametrize("form", FORMS)
def test_funding_stands_beside_the_day_on_which_it_was_said(
    form: str, tmp_path: Path, instrument: Instrument
) -> None:
    due_ns = FIRST + DAY_NS

    def rate(value: str, time_ns: int = due_ns) -> FundingRate:
        return FundingRate(time_ns, instrument.symbol, Decimal(value), Decimal("60000.5"))

    with Store(tmp_path, FORMS[form]) as store:
        store.add(instrument, level(FIRST + 10, 100, 3))
        store.add(instrument, level(FIRST + DAY_NS + 10, 100, 3))
        store.add_funding(instrument, FIRST + 1, rate("0.3"))
        store.add_funding(instrument, FIRST + 2, rate("0.1", due_ns - 5))
        store.add_funding(instrument, FIRST + 3, rate("0.2"))  # what is said last counts
        store.add_funding(instrument, FIRST + 2 * DAY_NS, rate("9"))  # of that day there is nothing else
        store.finish()
    first, second = (read_partition(folder) for folder in find_partitions([tmp_path]))
    assert read_funding(first.folder / FUNDING) == [rate("0.1", due_ns - 5), rate("0.2")]
    assert not (second.folder / FUNDING).exists()
    other = "parquet" if form == "columns" else "columns"
    reform([first, second], tmp_path / "other", FORMS[other], overwrite=False)
    copies = find_partitions([tmp_path / "other"])
    assert (copies[0] / FUNDING).read_bytes() == (first.folder / FUNDING).read_bytes()
    assert not (copies[1] / FUNDING).exists()


@pytest.mark.parametrize("spread", [1, 50, 10**9])
def test_rows_in_any_order_are_sorted_and_those_of_one_time_stay(
    spread: int, tmp_path: Path, instrument: Instrument, read_all: Callable[[Path], Rows]
) -> None:
    times = np.random.default_rng(1).integers(0, spread, 1000) + FIRST
    rows = Rows.of(
        exchange_ns=0, recv_ns=times, kind=Kind.TRADE, side=1, price=np.arange(1000) + 1, size=1, flags=LAST
    )
    write(tmp_path, instrument, rows[:300], rows[300:], block_rows=64)
    assert read_all(tmp_path).price.tolist() == (np.argsort(times, kind="stable") + 1).tolist()


def test_a_day_that_is_there_is_refused_and_stays(tmp_path: Path, instrument: Instrument) -> None:
    write(tmp_path, instrument, level(FIRST + DAY_NS, 5, 5))
    both = (level(FIRST, 1, 1), level(FIRST + DAY_NS, 2, 2))
    with pytest.raises(DataError, match="is there already"):
        write(tmp_path, instrument, *both)
    assert len(find_partitions([tmp_path])) == 1, "the day that could have been written was not either"
    assert not hidden(tmp_path)
    write(tmp_path, instrument, *both, overwrite=True)
    second = read_partition(find_partitions([tmp_path])[1])
    assert next(second.blocks(9)).price.tolist() == [2]


def test_what_fails_on_the_way_leaves_what_was_there(tmp_path: Path, instrument: Instrument) -> None:
    write(tmp_path, instrument, level(FIRST, 5, 5))

    def fail(more: int, total: int) -> None:
        raise KeyboardInterrupt

    with Store(tmp_path, FORMS["columns"], overwrite=True) as store:
        store.add(instrument, level(FIRST, 6, 6))
        with pytest.raises(KeyboardInterrupt):
            store.finish(fail)
    assert next(read_partition(find_partitions([tmp_path])[0]).blocks(9)).price.tolist() == [5]
    assert not hidden(tmp_path)


def test_what_a_killed_process_leaves_is_nobodys_data(tmp_path: Path, instrument: Instrument) -> None:
    write(tmp_path / ".partial-x", instrument, level(FIRST, 5, 5))
    write(tmp_path / ".partial-x", instrument, level(FIRST, 5, 5), form="parquet")
    with pytest.raises(DataError, match="no columns here"):
        find_partitions([tmp_path])


def test_two_grids_do_not_share_a_day(tmp_path: Path, instrument: Instrument) -> None:
    other = attrs.evolve(instrument, tick_size=Decimal("0.05"))
    with Store(tmp_path, FORMS["columns"]) as store:
        store.add(instrument, level(FIRST, 5, 5))
        store.add(other, level(FIRST + DAY_NS, 5, 5))
        with pytest.raises(DataError, match=r"from 0\.1 and 0\.001 to 0\.05 and 0\.001 on 2024-10-04"):
            store.add(other, level(FIRST + 1, 5, 5))


def test_a_book_on_another_grid_is_not_carried(
    tmp_path: Path, instrument: Instrument, read_all: Callable[[Path], Rows]
) -> None:
    with Store(tmp_path, FORMS["columns"]) as store:
        store.add(instrument, level(FIRST, 5, 5, kind=Kind.CLEAR))
        store.add(instrument, level(FIRST + 1, 5, 5))
        store.add(attrs.evolve(instrument, tick_size=Decimal("0.05")), level(FIRST + DAY_NS, 10, 5))
        store.finish()
    assert read_all(tmp_path).price.tolist() == [5, 5, 10]


def test_the_forms_hold_the_same_rows(
    tmp_path: Path, instrument: Instrument, table: Table, read_all: Callable[[Path], Rows]
) -> None:
    rows = [level(FIRST + n * DAY_NS // 3, 2**61 - n, n, side=-1) for n in range(7)]
    write(tmp_path / "columns", instrument, *rows, taker_fee=Decimal("0.0005"))
    days = [read_partition(folder) for folder in find_partitions([tmp_path / "columns"])]
    reform(days, tmp_path / "parquet", FORMS["parquet"], overwrite=False)
    days = [read_partition(folder) for folder in find_partitions([tmp_path / "parquet"])]
    reform(days, tmp_path / "back", FORMS["columns"], overwrite=False)
    files = list((tmp_path / "columns").rglob("*.*"))
    assert files
    for path in files:
        back = tmp_path / "back" / path.relative_to(tmp_path / "columns")
        assert back.read_bytes() == path.read_bytes()
    assert table(read_all(tmp_path / "parquet")) == table(read_all(tmp_path / "columns"))
    assert pq.read_table(tmp_path / "parquet").num_rows == len(read_all(tmp_path / "columns"))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-20]), "events.parquet"),
        (lambda path: path.write_bytes(b""), "events.parquet"),
        (lambda path: pq.write_table(pq.read_table(path).drop_columns("size"), path), "'size' is missing"),
        (
            lambda path: pq.write_table(pq.read_table(path).replace_schema_metadata({}), path),
            "events.parquet",
        ),
    ],
)
def test_damaged_parquet_is_named(
    tmp_path: Path, instrument: Instrument, damage: Callable[[Path], None], says: str
) -> None:
    (written,) = write(tmp_path, instrument, level(FIRST, 5, 5), form="parquet")
    damage(written.folder / "events.parquet")
    with pytest.raises(DataError, match=says):
        read_partition(written.folder)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("is_sorted", [True, False])
def test_a_day_takes_no_more_memory_than_a_few_blocks(
    form: str, is_sorted: bool, tmp_path: Path, instrument: Instrument
) -> None:
    block, count = 10_000, 100
    whole_bytes = block * count * 35
    rows = Rows.of(
        exchange_ns=0,
        recv_ns=np.arange(block),
        kind=Kind.LEVEL,
        side=1,
        price=np.arange(block) % 500 + 1,
        size=1,
        flags=LAST,
    )
    numbers = range(count) if is_sorted else [number * 37 % count for number in range(count)]

    def work(root: Path, numbers: Any) -> int:
        with Store(root, FORMS[form], block_rows=block) as store:
            for number in numbers:
                times = rows.recv_ns + FIRST + number * block
                store.add(instrument, Rows(**{**rows.columns(), "recv_ns": times}))
            return sum(each.rows for each in store.finish())

    work(tmp_path / "warm", [0, 1])
    tracemalloc.start()
    try:
        assert work(tmp_path / "whole", numbers) == block * count
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < whole_bytes / 8
