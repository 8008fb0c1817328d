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


@attrs.define
class Loaded:
    """What a database holds, as far as a later run needs it; ``seq`` is its newest record's."""

    seq: int
    time_ns: int
    runs: list[RunRecord]
    instruments: dict[int, Instrument]
    definitions: dict[Row, int]
    """Numbers of instruments by all that is known of them."""
    state: State
    ledger: dict[str, Any] | None
    entries: list[Fill | Note]
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
    runs = [run_of(row) for row in RUNS.read(connection)]
    instruments: dict[int, Instrument] = {}
    definitions: dict[Row, int] = {}
    for row in INSTRUMENTS.read(connection):
        instruments[row[3]] = instrument_of(row)
        definitions[row[4:-1]] = row[3]
    state, ledger, since = State(), None, 0
    for row in CHECKPOINTS.read(connection, "ORDER BY seq DESC LIMIT 1"):
        since = row[0]
        ledger = msgspec.json.decode(row[3])
        state = State.from_json(row[4])
    entries: list[Fill | Note] = []
    for table, row in _rows(connection, since):
        state.apply(table, row)
        if table is FILLS:
            entries.append(fill_of(row, instruments[row[4]]))
        elif table is NOTES:
            entries.append(note_of(row))
    seq, time_ns = newest(connection)
    return Loaded(
        seq=seq,
        time_ns=time_ns,
        runs=runs,
        instruments=instruments,
        definitions=definitions,
        state=state,
        ledger=ledger,
        entries=entries,
    )


def newest(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return number and time of the newest record, zeros if there is none."""
    found = (0, 0)
    for table in TABLES:
        for row in table.read(connection, "ORDER BY seq DESC LIMIT 1"):
            found = max(found, (row[0], row[2]))
    return found


def _check(connection: sqlite3.Connection) -> None:
    expected = {(table.name, table.ddl) for table in TABLES}
    if set(connection.execute("SELECT name, sql FROM sqlite_schema")) != expected:
        raise DamagedError("its tables are not as they were made")
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise DamagedError(" ".join(verdict.split()).removeprefix("*** in database main *** "))


def _rows(connection: sqlite3.Connection, since: int) -> Iterator[tuple[Table, Row]]:
    def of(table: Table) -> Iterator[tuple[Table, Row]]:
        return ((table, row) for row in table.read(connection, "WHERE seq > ? ORDER BY seq", since))

    # A line of each table at a time: a journal may be longer than memory.
    return heapq.merge(*map(of, (ORDERS, STATES, FILLS, NOTES)), key=lambda pair: pair[1][0])
