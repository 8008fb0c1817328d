"""What is wrong with a day is found, and nothing where nothing is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from hft.data.catalog import find_partitions
from hft.data.check import Checked, Problem, check_days
from hft.data.columns import COLUMNS, LAST, ColumnsWriter, Kind
from hft.data.rows import CARRIED, ROUNDED, Rows
from hft.data.store import FORMS, Store
from hft.instrument import Instrument

FIRST = 20_000 * 86_400 * 10**9
SILENT_NS = 10**9

Row = tuple[int, int, int, int, int, int, int]
"""Milliseconds received and at the exchange, kind, side, price, size, flags."""

SNAPSHOT: list[Row] = [
    (5, 1, Kind.CLEAR, 0, 0, 0, 0),
    (5, 1, Kind.LEVEL, 1, 100, 5, 0),
    (5, 1, Kind.LEVEL, -1, 101, 5, LAST),
]
GOOD: list[Row] = [
    *SNAPSHOT,
    (6, 2, Kind.LEVEL, 1, 99, 5, LAST),
    (7, 1, Kind.TRADE, 1, 101, 2, LAST),
    (7, 2, Kind.QUOTE, 1, 100, 5, 0),
    (7, 2, Kind.QUOTE, -1, 101, 5, LAST),
]


def rows_of(rows: Sequence[Row]) -> Rows:
    recv, exchange, kind, side, price, size, flags = (np.array(each) for each in zip(*rows, strict=True))
    return Rows.of(
        exchange_ns=np.where(exchange, FIRST + exchange * 10**6, 0),
        recv_ns=FIRST + recv * 10**6,
        kind=kind,
        side=side,
        price=price,
        size=size,
        flags=flags,
    )


def checked(root: Path, instrument: Instrument, rows: Sequence[Row], form: str = "columns") -> Checked:
    with Store(root, FORMS[form], block_rows=2) as store:
        store.add(instrument, rows_of(rows))
        store.finish()
    (found,) = check_days(find_partitions([root]), silent_ns=SILENT_NS)
    return found


@pytest.mark.parametrize("form", FORMS)
def test_a_good_day_is_good(form: str, tmp_path: Path, instrument: Instrument) -> None:
    found = checked(tmp_path, instrument, GOOD, form)
    assert list(found.findings) == []
    assert (found.updates, found.trades, found.quotes) == (2, 1, 1)
    assert (found.first_ns, found.last_ns) == (FIRST + 5 * 10**6, FIRST + 7 * 10**6)
    assert not found.is_faulty


@pytest.mark.parametrize(
    ("rows", "problem", "count", "first_ms", "worst_ms"),
    [
        ([*GOOD, (8, 3, Kind.LEVEL, 1, 101, 1, LAST)], Problem.CROSSED, 1, 8, 0),
        ([*GOOD, (8, 3, Kind.LEVEL, 1, 101, 1, 0), (8, 3, Kind.LEVEL, 1, 101, 0, LAST)], None, 0, 0, 0),
        ([*GOOD, (8, 3, Kind.LEVEL, 1, 98, 1, 0)], Problem.CUT_OFF, 1, 8, 0),
        (GOOD[1:], Problem.NO_SNAPSHOT, 1, 5, 0),
        ([(5, 5, Kind.CLEAR, 0, 0, 0, CARRIED), *GOOD[1:]], None, 0, 0, 0),
        (
            [*GOOD, (8, 0, Kind.CLEAR, 0, 0, 0, LAST), *((900, 3, *each[2:]) for each in SNAPSHOT)],
            Problem.LOST,
            1,
            8,
            892,
        ),
        ([*GOOD, (8, 0, Kind.CLEAR, 0, 0, 0, LAST)], Problem.LOST, 1, 8, 0),
        ([*GOOD, (2008, 3, Kind.TRADE, 1, 101, 1, LAST)], Problem.SILENT, 1, 7, 2001),
        ([*GOOD, (8, 1, Kind.LEVEL, 1, 98, 1, LAST)], Problem.EXCHANGE_TIME, 1, 8, 1),
        ([*GOOD, (8, 11, Kind.TRADE, 1, 98, 1, LAST)], Problem.EARLY, 1, 8, 3),
        ([*GOOD, (8, 3, Kind.LEVEL, 1, 98, 1, LAST | ROUNDED)], Problem.OFF_GRID, 1, 8, 0),
        ([*GOOD, (8, 3, Kind.TRADE, 1, 98, 0, LAST)], Problem.INVALID, 1, 8, 0),
        ([*GOOD, (8, 3, Kind.TRADE, 0, 98, 1, LAST)], Problem.INVALID, 1, 8, 0),
        ([*GOOD, (8, 3, Kind.LEVEL, 1, 0, 1, LAST)], Problem.INVALID, 1, 8, 0),
        ([*GOOD, (8, 3, Kind.LEVEL, 1, 2**62, 1, LAST)], Problem.INVALID, 1, 8, 0),
        ([*GOOD, (8, 3, Kind.LEVEL, 1, 7, -1, LAST)], Problem.INVALID, 1, 8, 0),
        ([*GOOD, (8, 3, Kind.QUOTE, 1, 0, 1, LAST)], Problem.INVALID, 1, 8, 0),
        ([*GOOD, (8, 3, 9, 1, 7, 1, LAST)], Problem.INVALID, 1, 8, 0),
    ],
)
def test_each_problem_is_found_and_no_other(
    rows: list[Row],
    problem: Problem | None,
    count: int,
    first_ms: int,
    worst_ms: int,
    tmp_path: Path,
    instrument: Instrument,
) -> None:
    found = checked(tmp_path, instrument, rows)
    if problem is None:
        assert list(found.findings) == []
        return
    (finding,) = found.findings
    assert finding.problem is problem
    assert finding.count == count
    assert finding.first_ns == FIRST + first_ms * 10**6
    assert finding.worst_ns == worst_ms * 10**6
    assert found.is_faulty is problem.is_fault


def test_rows_out_of_order_are_found(tmp_path: Path, instrument: Instrument) -> None:
    folder = tmp_path / "2024-10-04"
    columns = rows_of(GOOD).columns()
    with ColumnsWriter(folder, instrument) as writer:
        writer.append(columns)
    columns["recv_ns"] = columns["recv_ns"] + np.where(np.arange(len(GOOD)) == 3, 10**7 + 10**6, 0)
    np.save(folder / "recv_ns.npy", columns["recv_ns"])
    (found,) = check_days([folder], silent_ns=SILENT_NS)
    (finding,) = found.findings
    assert (finding.problem, finding.count, finding.worst_ns) == (Problem.UNSORTED, 1, 10**7)
    assert found.is_faulty


@pytest.mark.parametrize("form", FORMS)
def test_a_damaged_day_is_told_and_the_others_are_checked(
    form: str, tmp_path: Path, instrument: Instrument
) -> None:
    day = timedelta(days=1) // timedelta(microseconds=1) * 1000
    with Store(tmp_path, FORMS[form]) as store:
        for number in (0, 1, 3):
            rows = rows_of(GOOD)
            store.add(instrument, Rows(**{**rows.columns(), "recv_ns": rows.recv_ns + number * day}))
        second = store.finish()[1].folder
    damaged = second / {"columns": "size.npy", "parquet": "events.parquet"}[form]
    damaged.write_bytes(damaged.read_bytes()[:-9])
    bad, first, fourth = check_days(find_partitions([tmp_path]), silent_ns=SILENT_NS)
    assert bad.partition is None
    assert bad.folder == second
    assert [finding.problem for finding in bad.findings] == [Problem.DAMAGED]
    assert damaged.name in bad.findings[0].reason
    assert list(first.findings) == []
    (missing,) = fourth.findings
    assert (missing.problem, missing.count, fourth.is_faulty) == (Problem.MISSING_DAY, 2, False)


def test_parquet_that_is_damaged_inside_is_told(tmp_path: Path, instrument: Instrument) -> None:
    with Store(tmp_path, FORMS["parquet"]) as store:
        rows = rows_of(GOOD)
        times = FIRST + np.arange(100_000) * 1000
        noise = np.random.default_rng(0).integers(1, 2**60, len(times))
        store.add(instrument, rows)
        store.add(
            instrument,
            Rows.of(
                exchange_ns=0, recv_ns=times, kind=Kind.TRADE, side=1, price=noise, size=noise, flags=LAST
            ),
        )
        (written,) = store.finish()
    path = written.folder / "events.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 1000] = bytes(1000)
    path.write_bytes(data)
    (found,) = check_days([written.folder], silent_ns=10**18)
    assert found.findings[0].problem is Problem.DAMAGED
    assert "damaged" in found.findings[0].reason


def test_folders_are_named_after_days(tmp_path: Path, instrument: Instrument) -> None:
    folder = tmp_path / "someday"
    with ColumnsWriter(folder, instrument) as writer:
        writer.append({name: [] for name in COLUMNS})
    (found,) = check_days([folder], silent_ns=SILENT_NS)
    assert "named after a day" in found.findings[0].reason
