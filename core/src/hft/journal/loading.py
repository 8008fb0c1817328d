"""Read a journal strictly: either every record that is read is as it was written, or it is damaged."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterator
from typing import Any

import attrs
import msgspec

from hft.errors import UsageError
from hft.events import Fill
from hft.instrument import Instrument
from hft.journal.records import Note, RunRecord
from hft.journal.rows import fill_of, instrument_of, note_of, run_of
from hft.journal.schema import (
    CHECKPOINTS,
    FILLS,
    FORMAT,
    INSTRUMENTS,
    NOTES,
    ORDERS,
    RUNS,
    STATES,
    TABLES,
    VERSION,
    DamagedError,
    Row,
    Table,
)
from hft.journal.state import State

__all__ = ["Loaded", "load", "version_of"]


_INSTRUMENT = {ORDERS: 5, FILLS: 4}


@attrs.define
class Loaded:
    """What a database holds, as far as a later run needs it; ``seq`` is its newest record's."""

    seq: int
    time_ns: int
    newest_run: int
    """Of which there is any record, if not that of the run itself."""
    runs: list[RunRecord]
    instruments: dict[int, Instrument]
    """By the number of their record."""
    definitions: dict[Row, int]
    """Numbers of instruments by all that is known of them."""
    state: State
    ledger: dict[str, Any] | None
    entries: list[Fill | Note]
    strangers: int
    """Orders and fills whose instrument was lost to damage, and which are of no use without."""
    missing: int = 0
    """Records that damage has taken from within, now and before."""


def version_of(connection: sqlite3.Connection) -> int:
    """Return the version of the tables, 0 of a file without any; refuse one that is newer."""
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if not names:
        return 0
    rows = list(FORMAT.read(connection))
    (stated,) = connection.execute("PRAGMA user_version").fetchone()
    if not rows or rows[0][3] != stated:
        raise DamagedError("its version is not as it was written")
    version: int = rows[0][3]
    if version > VERSION:
        raise UsageError(
            f"the journal has format {version}, this hft knows formats up to {VERSION}: "
            "use the newer hft that wrote it, or move the journal away"
        )
    return version


def load(connection: sqlite3.Connection) -> Loaded:
    """Read what a later run needs; raise `DamagedError` or `sqlite3.Error` if that cannot be had whole."""
    _check(connection)
    ledger, since, state = None, 0, State()
    for row in CHECKPOINTS.read(connection, "ORDER BY seq DESC LIMIT 1"):
        since = row[0]
        ledger = msgspec.json.decode(row[3])
        state = State.from_json(row[4])
    for row in INSTRUMENTS.read(connection):
        state.apply(INSTRUMENTS, row)
    runs = {} if state.run is None else {state.run[1]: run_of(state.run)}
    for row in RUNS.read(connection):
        state.apply(RUNS, row)
        runs[row[1]] = run_of(row)
    instruments = {number: instrument_of(row) for number, row in state.instruments.items()}
    entries: list[Fill | Note] = []
    strangers = 0
    for table, row in _rows(connection, since):
        state.apply(table, row)
        if table is NOTES:
            entries.append(note_of(row))
        elif table is FILLS and row[4] in instruments:
            entries.append(fill_of(row, instruments[row[4]]))
        strangers += table in (FILLS, ORDERS) and row[_INSTRUMENT[table]] not in instruments
    newest = _newest(connection)
    return Loaded(
        seq=max((row[0] for row in newest), default=0),
        time_ns=max((row[2] for row in newest), default=0),
        newest_run=max((row[1] for row in newest), default=0),
        runs=[runs[number] for number in sorted(runs)],
        instruments=instruments,
        definitions={row[3:-1]: number for number, row in state.instruments.items()},
        state=state,
        ledger=ledger,
        entries=entries,
        strangers=strangers,
    )


def _newest(connection: sqlite3.Connection) -> list[Row]:
    tables = (table for table in TABLES if table is not FORMAT)
    return [row for table in tables for row in table.read(connection, "ORDER BY seq DESC LIMIT 1")]


def _check(connection: sqlite3.Connection) -> None:
    expected = {(table.name, table.ddl) for table in TABLES}
    if set(connection.execute("SELECT name, sql FROM sqlite_schema")) != expected:
        raise DamagedError("its tables are not as they were made")
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise DamagedError("its pages do not fit together")


def _rows(connection: sqlite3.Connection, since: int) -> Iterator[tuple[Table, Row]]:
    def of(table: Table) -> Iterator[tuple[Table, Row]]:
        return ((table, row) for row in table.read(connection, "WHERE seq > ? ORDER BY seq", since))

    # A line of each table at a time: a journal may be longer than memory.
    return heapq.merge(*map(of, (ORDERS, STATES, FILLS, NOTES)), key=lambda pair: pair[1][0])
