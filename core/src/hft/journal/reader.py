"""Look at a journal, also while a run writes it; nothing about it is changed."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import attrs

from hft.errors import DataError, UsageError
from hft.events import Fill
from hft.instrument import InstrumentId
from hft.journal.database import open_to_read, translated
from hft.journal.intents import read_intents
from hft.journal.loading import version_of
from hft.journal.opening import INTENTS, JOURNAL
from hft.journal.records import Note, NoteKind, RunRecord
from hft.journal.rows import fill_of, instrument_of, note_of, order_of, run_of
from hft.journal.schema import (
    FILLS,
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
from hft.journal.writer import intent_rows
from hft.money import total, trim
from hft.order import Order
from hft.types import OrderState, Side

__all__ = ["JournalReader", "OrderLife", "RunSummary", "Step", "Traded", "totals"]

_RANGE = "WHERE seq BETWEEN ? AND ? ORDER BY seq"
_FOREVER = 2**63 - 1


@attrs.frozen(kw_only=True)
class RunSummary:
    """A run at a glance; ``last_ns`` is the time of its newest record, ``ended`` how it ended.

    A run of which nothing says how it ended, and whose process is there no more, was ``killed``.
    """

    record: RunRecord
    last_ns: int
    orders: int
    fills: int
    ended: str


@attrs.frozen(kw_only=True)
class Step:
    """What an order became, and when; ``event`` is the request that it was about to send, or empty."""

    time_ns: int
    event: str
    state: OrderState


@attrs.frozen(kw_only=True)
class OrderLife:
    """An order as it is known last, and how it came there."""

    order: Order
    steps: tuple[Step, ...]


@attrs.frozen(kw_only=True)
class Traded:
    """What fills come to in one instrument, exactly: sizes in its units, fees by asset."""

    fills: int = 0
    bought: Decimal = Decimal(0)
    sold: Decimal = Decimal(0)
    fees: Mapping[str, Decimal] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class _Range:
    """A run, and the numbers of its records."""

    record: RunRecord
    first: int
    last: int


class JournalReader:
    """Reads the journal in a folder; a context manager.

    Every record that is shown is as it was written: `DataError` says that one is not.
    """

    def __init__(self, folder: Path) -> None:
        """Open a journal; raise `UsageError` if there is none."""
        self._folder = folder
        self._path = folder / JOURNAL
        if not self._path.is_file():
            raise UsageError(f"{folder}: holds no journal: no run of this profile has written one")
        with self._errors():
            self._connection = open_to_read(self._path)
            try:
                version = version_of(self._connection)
                if not version:
                    raise UsageError(f"{folder}: holds no journal: no run of this profile has written one")
                if version < VERSION:
                    raise UsageError(
                        f"{folder}: the journal has format {version}, this hft reads format {VERSION}: "
                        "run the profile, which brings it up to date"
                    )
                self._instruments = {row[0]: instrument_of(row) for row in INSTRUMENTS.read(self._connection)}
                self._runs = self._read_runs()
            except BaseException:  # whatever it is, the file must not stay open
                self._connection.close()
                raise

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> JournalReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def runs(self) -> list[RunSummary]:
        """Return all runs, oldest first."""
        with self._errors():
            return [self._summary(each) for each in self._runs.values()]

    def run(self, number: int | None = None) -> RunSummary:
        """Return one run, the newest if no number is given; raise `UsageError` if there is none such."""
        with self._errors():
            return self._summary(self._range(number))

    def orders(self, run: int) -> list[OrderLife]:
        """Return the orders of a run, in the order in which they were made."""
        place = self._range(run)
        with self._errors():
            orders: dict[str, Row] = {}
            for row in self._rows(ORDERS, place):
                orders.setdefault(row[3], row)  # one that had ended is there again if more was told of it
            states: dict[str, list[Row]] = {key: [] for key in orders}
            for row in self._rows(STATES, place):
                # Of an order of an earlier run, which this one took over.
                states.setdefault(row[3], []).append(row)
            for table, row in self._intents(place, states):
                if table is ORDERS:
                    orders.setdefault(row[3], row)
                else:
                    states.setdefault(row[3], []).append(row)
            for row in self._elsewhere(set(states) - set(orders)):
                orders[row[3]] = row
        return [
            self._life(row, states[key])
            for key, row in sorted(orders.items(), key=lambda item: item[1][0])
            if states[key]
        ]

    def fills(self, run: int) -> Iterator[Fill]:
        """Yield the fills of a run, in the order in which it learnt of them."""
        with self._errors():
            for row in self._rows(FILLS, self._range(run)):
                yield fill_of(row, self._instruments[row[4]])

    def notes(self, run: int) -> Iterator[Note]:
        """Yield what else happened in a run."""
        with self._errors():
            for row in self._rows(NOTES, self._range(run)):
                yield note_of(row)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            found = translated(error, self._path)
            if isinstance(found, UsageError):
                raise found from None
            raise self._damaged(found) from None
        except DamagedError as error:
            raise self._damaged(error) from None

    def _damaged(self, error: DamagedError) -> DataError:
        return DataError(f"{self._path}: is damaged ({error}): the next run recovers what is whole of it")

    def _read_runs(self) -> dict[int, _Range]:
        rows = list(RUNS.read(self._connection))
        ends = [row[0] - 1 for row in rows[1:]] + [_FOREVER]
        return {
            row[1]: _Range(record=run_of(row), first=row[0], last=last)
            for row, last in zip(rows, ends, strict=True)
        }

    def _range(self, run: int | None) -> _Range:
        if not self._runs:
            raise UsageError(f"{self._folder}: the journal holds no run yet")
        found = self._runs.get(max(self._runs) if run is None else run)
        if found is None:
            raise UsageError(
                f"there is no run {run}, the journal has runs {min(self._runs)} to {max(self._runs)}"
            )
        return found

    def _rows(self, table: Table, place: _Range) -> Iterator[Row]:
        return table.read(self._connection, _RANGE, place.first, place.last)

    def _elsewhere(self, client_order_ids: set[str]) -> Iterator[Row]:
        marks = ", ".join("?" * len(client_order_ids))
        return ORDERS.read(
            self._connection, f"WHERE client_order_id IN ({marks}) ORDER BY seq", *client_order_ids
        )

    def _count(self, table: Table, what: str, place: _Range) -> int:
        query = f"SELECT count({what}) FROM {table.name} WHERE seq BETWEEN ? AND ?"
        count: int = self._connection.execute(query, (place.first, place.last)).fetchone()[0]
        return count

    def _summary(self, place: _Range) -> RunSummary:
        query = "WHERE seq BETWEEN ? AND ? ORDER BY seq DESC LIMIT 1"
        newest = [
            row for table in TABLES for row in table.read(self._connection, query, place.first, place.last)
        ]
        stopped = any(row[3] == NoteKind.STOPPED.value for row in self._rows(NOTES, place))
        return RunSummary(
            record=place.record,
            last_ns=max(row[2] for row in newest),
            orders=self._count(ORDERS, "DISTINCT client_order_id", place),
            fills=self._count(FILLS, "*", place),
            ended=_ended(place, stopped=stopped),
        )

    def _intents(self, place: _Range, states: dict[str, list[Row]]) -> Iterator[tuple[Table, Row]]:
        """Yield what was about to be sent and is not in the database yet, as rows of it."""
        ring = read_intents(self._folder / INTENTS)
        if ring.run != place.record.run:
            return
        known = max((row[5] for rows in states.values() for row in rows), default=0)
        for number, intent in sorted(ring.intents.items()):
            instrument = self._instruments.get(intent.instrument)
            if number > known and instrument is not None:
                strategy = place.record.strategies[intent.strategy]
                yield from intent_rows(_FOREVER, intent, strategy, instrument)

    def _life(self, row: Row, states: list[Row]) -> OrderLife:
        steps = tuple(Step(time_ns=one[2], event=one[4], state=OrderState(one[6])) for one in states)
        return OrderLife(order=order_of(row, states[-1], self._instruments[row[5]]), steps=steps)


def _ended(place: _Range, *, stopped: bool) -> str:
    if stopped:
        return "stopped"
    if place.last == _FOREVER and _is_alive(place.record.pid):
        return "running"
    return "killed"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def totals(fills: Iterable[Fill]) -> dict[InstrumentId, Traded]:
    """Add fills up, by instrument."""
    found: dict[InstrumentId, Traded] = {}
    for fill in fills:
        instrument = fill.instrument
        traded = found.get(instrument.id) or Traded()
        size = instrument.size_to_decimal(fill.size)
        bought = fill.side is Side.BUY
        fees = dict(traded.fees)
        fees[fill.fee_asset] = trim(total((fees.get(fill.fee_asset, 0), fill.fee)))
        found[instrument.id] = Traded(
            fills=traded.fills + 1,
            bought=trim(total((traded.bought, size))) if bought else traded.bought,
            sold=traded.sold if bought else trim(total((traded.sold, size))),
            fees=fees,
        )
    return found
