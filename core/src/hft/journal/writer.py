"""Write records into the database in batches, from items that the trading thread left in a queue."""

from __future__ import annotations

import enum
import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from hft.instrument import Instrument
from hft.journal.intents import Intent, IntentKind, IntentLog
from hft.journal.loading import Loaded
from hft.journal.records import NoteKind, RunRecord
from hft.journal.rows import fill_row, instrument_row, note_row, order_row, run_row, state_row
from hft.journal.schema import CHECKPOINTS, FILLS, INSTRUMENTS, NOTES, ORDERS, RUNS, STATES, Row, Table
from hft.order import Order
from hft.types import OrderState, Price, Size

__all__ = ["Item", "Kind", "Writer", "intent_rows"]

_BATCH = 512
"""Records in one transaction at most: a kill loses no more than what waits behind one."""


class Kind(enum.IntEnum):
    """What an item of the queue is."""

    ORDER = 0
    FILL = 1
    NOTE = 2
    CHECKPOINT = 3
    INSTRUMENT = 4


Item = tuple[Any, ...]
"""``Kind`` and time, then what `Writer._rows` takes of that kind."""

_EVENTS = {IntentKind.PLACE: "place", IntentKind.AMEND: "amend", IntentKind.CANCEL: "cancel"}
_STATES = {
    IntentKind.PLACE: OrderState.PENDING_NEW,
    IntentKind.AMEND: OrderState.PENDING_REPLACE,
    IntentKind.CANCEL: OrderState.PENDING_CANCEL,
}


class Writer:
    """Owns the connection; called by one thread at a time.

    ``done`` counts the items that are in the database. A batch that cannot be written is kept and tried
    again by the next `write`.
    """

    def __init__(self, connection: sqlite3.Connection, loaded: Loaded, queue: deque[Item]) -> None:
        self.done = 0
        self.refused = 0
        self.refusal = ""
        self.run = loaded.newest_run
        self.numbers: dict[Instrument, int] = {}
        self.ring: IntentLog | None = None
        self._connection = connection
        self._queue = queue
        self._seq = loaded.seq
        self._state = loaded.state
        self._missing = loaded.missing
        self._definitions = loaded.definitions
        self._items: deque[Item] = deque()
        self._batch: list[tuple[Table, Row]] = []
        self._taken = 0
        self._intent = 0
        self._synchronous = False

    @property
    def seq(self) -> int:
        """The newest record's number."""
        return self._seq

    def begin(self, run: int, time_ns: int, record: RunRecord) -> None:
        """Write the record of a run, through to the disk."""
        self.run = run
        self._batch.append(self._applied(RUNS, run_row(self._next(), run, time_ns, record)))
        self._commit(durable=True)

    def merge(
        self,
        intents: Iterable[Intent],
        strategies: Mapping[int, tuple[str, ...]],
        instruments: Mapping[int, Instrument],
        damage: str,
        time_ns: int,
    ) -> None:
        """Write intents which the database did not get, and what was lost, through to the disk."""
        for intent in intents:
            strategy = strategies[intent.run][intent.strategy]
            self._batch.extend(self._intent_rows(intent, strategy, instruments[intent.instrument]))
        if damage:
            facts = msgspec.json.encode({"lost": damage, "missing": self._missing}).decode()
            run = max(strategies, default=0)
            self._batch.append(
                self._applied(NOTES, note_row(self._next(), run, time_ns, NoteKind.DAMAGE, facts))
            )
        if self._batch:
            self._commit(durable=True)

    def write(self) -> bool:
        """Commit the next batch; return False if there is nothing to write.

        Fills, notes and checkpoints are through to the disk when this returns, and with them all that came
        before; states of orders alone are safe from the end of the process, not from that of the machine.
        """
        if not self._batch and not self._taken:
            queue = self._queue
            items = deque(queue.popleft() for _ in range(min(len(queue), _BATCH)))
            if not items:
                return False
            self._items = items
            self._taken = len(items)
        durable = any(item[0] != Kind.ORDER for item in self._items)
        self._commit(durable=durable)
        return True

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()

    def _commit(self, *, durable: bool) -> None:
        connection = self._connection
        if durable is not self._synchronous:
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._synchronous = durable
        connection.execute("BEGIN IMMEDIATE")
        try:
            # One statement after the other, not one call for all: each lets go of the interpreter's
            # lock, for which the event loop waits no longer than one record takes.
            self._insert(0)
            while self._items:
                written = len(self._batch)
                self._batch.extend(self._readable(self._items.popleft()))
                self._insert(written)
            connection.execute("COMMIT")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._batch.clear()
        self.done += self._taken
        self._taken = 0
        if self.ring is not None:
            self.ring.commit(self._seq)
            self.ring.release(self._intent)

    def _insert(self, written: int) -> None:
        """Insert what of the batch is not inserted yet; what cannot be, for good, is taken out of it."""
        batch = self._batch
        while written < len(batch):
            table, row = batch[written]
            try:
                self._connection.execute(table.insert, row)
            except OverflowError as error:  # a number of more than 64 bits
                self._refuse(error)
                del batch[written]
            else:
                written += 1

    def _next(self) -> int:
        self._seq += 1
        return self._seq

    def _readable(self, item: Item) -> Iterator[tuple[Table, Row]]:
        """Make an item's rows; what no row can be made of is counted, and the others are written."""
        try:
            yield from self._rows(item)
        except (TypeError, ValueError, OverflowError) as error:
            self._refuse(error)

    def _refuse(self, error: Exception) -> None:
        self.refused += 1
        self.refusal = f"{type(error).__name__}: {error}"

    def _rows(self, item: Item) -> Iterator[tuple[Table, Row]]:
        kind, time_ns, *content = item
        match kind:
            case Kind.ORDER:
                yield from self._order_rows(time_ns, *content)
            case Kind.FILL:
                (fill,) = content
                yield from self._instrument_rows(time_ns, fill.instrument)
                number = self.numbers[fill.instrument]
                yield self._applied(FILLS, fill_row(self._next(), self.run, time_ns, fill, number))
            case Kind.NOTE:
                yield self._applied(NOTES, note_row(self._next(), self.run, time_ns, *content))
            case Kind.CHECKPOINT:
                (ledger,) = content
                state = self._state.to_json()
                # Whoever starts from it knows none of them: what is told of one again begins anew.
                self._state.finished.clear()
                yield CHECKPOINTS, CHECKPOINTS.seal(self._next(), self.run, time_ns, ledger, state)
            case Kind.INSTRUMENT:
                (instrument,) = content
                yield from self._instrument_rows(time_ns, instrument)

    def _applied(self, table: Table, row: Row) -> tuple[Table, Row]:
        self._state.apply(table, row)
        return table, row

    def _instrument_rows(self, time_ns: int, instrument: Instrument) -> Iterator[tuple[Table, Row]]:
        if instrument in self.numbers:
            return
        row = instrument_row(self._seq + 1, self.run, time_ns, instrument)
        number = self._definitions.setdefault(row[3:-1], row[0])
        self.numbers[instrument] = number
        if number == row[0]:
            self._next()
            yield self._applied(INSTRUMENTS, row)

    def _order_rows(
        self, time_ns: int, order: Order, event: str, intent: int, *state: Any
    ) -> Iterator[tuple[Table, Row]]:
        client_order_id = order.client_order_id
        if not self._state.knows(client_order_id):
            yield from self._instrument_rows(time_ns, order.instrument)
            number = self.numbers[order.instrument]
            yield self._applied(ORDERS, order_row(self._next(), self.run, time_ns, order, number))
        row = state_row(self._seq + 1, self.run, time_ns, client_order_id, event, intent, *state)
        self._intent = intent or self._intent
        if intent or not self._state.says(row):
            self._next()
            yield self._applied(STATES, row)

    def _intent_rows(
        self, intent: Intent, strategy: str, instrument: Instrument
    ) -> Iterator[tuple[Table, Row]]:
        knows = self._state.knows(intent.client_order_id)
        for table, row in intent_rows(self._seq + 1, intent, strategy, instrument):
            if table is not ORDERS or not knows:
                # Sealed anew, since the number of a row depends on whether another stands before it.
                yield self._applied(table, table.seal(self._next(), *row[1:-1]))


def intent_rows(
    seq: int, intent: Intent, strategy: str, instrument: Instrument
) -> Iterator[tuple[Table, Row]]:
    """Make the rows that say what an intent of the ring says: its order, and what became of it."""
    order = Order(
        client_order_id=intent.client_order_id,
        strategy=strategy,
        instrument=instrument,
        side=intent.side,
        type=intent.type,
        time_in_force=intent.time_in_force,
        post_only=intent.post_only,
        reduce_only=intent.reduce_only,
        trigger_price=None if intent.trigger_price is None else Price(intent.trigger_price),
        expire_ns=intent.expire_ns,
        position_side=intent.position_side,
        replaces=intent.replaces,
        created_ns=intent.created_ns,
        price=None,
        size=Size(intent.size),
    )
    yield ORDERS, order_row(seq, intent.run, intent.time_ns, order, intent.instrument)
    state = state_row(
        seq,
        intent.run,
        intent.time_ns,
        intent.client_order_id,
        _EVENTS[intent.kind],
        intent.number,
        _STATES[intent.kind],
        intent.price,
        intent.size,
        intent.filled,
        intent.pending_price,
        intent.pending_size,
        "",
        "",
    )
    yield STATES, state
