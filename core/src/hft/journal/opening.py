"""Open a journal: lock it, mend it, and find what the runs before left."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hft.events import Fill
from hft.instrument import InstrumentId
from hft.journal.database import open_to_read, open_to_write, translated
from hft.journal.intents import Intent, Ring
from hft.journal.loading import Loaded, load, version_of
from hft.journal.records import Note, NoteKind, Recovered
from hft.journal.rows import fill_of, note_of, order_of
from hft.journal.salvage import finish_salvage, salvage
from hft.journal.schema import TABLES, VERSION, DamagedError, create, migrate
from hft.order import Order
from hft.types import OrderState

__all__ = ["INTENTS", "JOURNAL", "lost_intents", "open_database", "recovered"]

JOURNAL = "journal.sqlite"
INTENTS = "intents.bin"

_NS_PER_S = 1_000_000_000
_NAMED = 10

_UNDER_WAY = (OrderState.PENDING_NEW, OrderState.PENDING_CANCEL, OrderState.PENDING_REPLACE)


def open_database(path: Path, ring: Ring, time_ns: int) -> tuple[sqlite3.Connection, Loaded, str]:
    """Open a database, make it if there is none, mend it if it is damaged; the text says what was lost."""
    finish_salvage(path)
    damage = ""
    try:
        loaded = _load(path, ring, time_ns)
    except DamagedError as error:
        kept = salvage(path, time_ns)
        loaded = _load(path, None, time_ns)
        damage = _damage(kept, str(error), loaded, ring)
    connection = open_to_write(path)
    return connection, loaded, damage


def _load(path: Path, ring: Ring | None, time_ns: int) -> Loaded:
    """Read the database strictly, before anything is changed about it."""
    expected = 0 if ring is None else ring.committed
    try:
        version = _version(path)
        if not version:
            if expected:
                raise DamagedError("it is empty" if path.exists() else "it is missing")
            _change(path, create, time_ns)
        elif version != VERSION:
            _change(path, migrate, version, time_ns)
        with closing(open_to_read(path)) as connection:
            loaded = load(connection)
    except sqlite3.Error as error:
        raise translated(error, path) from None
    if loaded.seq < expected:
        raise DamagedError("its newest records are missing")
    return loaded


def _version(path: Path) -> int:
    if not path.exists():
        return 0
    with closing(open_to_read(path)) as connection:
        return version_of(connection)


def _change(path: Path, change: Callable[..., None], *arguments: Any) -> None:
    with closing(open_to_write(path)) as connection:
        change(connection, *arguments)


def _damage(kept: Path, what: str, loaded: Loaded, ring: Ring) -> str:
    """Say what was lost with the damaged database."""
    with closing(open_to_read(kept.parent / JOURNAL)) as connection:
        count = sum(
            connection.execute(f"SELECT count(*) FROM {table.name} WHERE seq > 0").fetchone()[0]
            for table in TABLES
        )
    before = loaded.state.last_notes.get(NoteKind.DAMAGE.value)
    loaded.missing = loaded.seq - count
    missing = loaded.missing - (note_of(before).facts.get("missing", 0) if before else 0)
    behind = max(0, ring.committed - loaded.seq)
    lost = [f"{missing:,} records within it"] * (missing > 0) + [f"the newest {behind:,}"] * (behind > 0)
    lost += [f"the instruments of {loaded.strangers:,} orders and fills"] * (loaded.strangers > 0)
    newest = f"the newest whole record is of {_utc(loaded.time_ns)}" if count else "no record is whole"
    return (
        f"{JOURNAL} was damaged ({what}) and is kept as {kept.name!r}: "
        f"{' and '.join(lost) or 'no record'} lost, {newest}"
    )


def _utc(time_ns: int) -> str:
    seconds, rest = divmod(time_ns, _NS_PER_S)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{rest // 1_000_000:03d} UTC"


def lost_intents(ring: Ring, loaded: Loaded) -> tuple[list[Intent], str]:
    """Return the intents that the database did not get, in order, and what may have been lost of them."""
    runs = {record.run: record for record in loaded.runs}
    run, known = loaded.state.intent
    newest = max(runs, default=0)
    if not runs and not ring.run:
        return [], ""
    if not ring.fault and ring.run < newest:
        # Nothing was sent since the intents before were seen to.
        return [], ""
    if ring.run != run:
        known = 0
    wanted = [intent for number, intent in sorted(ring.intents.items()) if number > known]
    strangers = {
        intent.client_order_id
        for intent in wanted
        if intent.run not in runs or intent.instrument not in loaded.instruments
    }
    faults = []
    if ring.fault:
        faults.append(ring.fault)
    elif known and ring.lacks(known):
        faults.append("lacks intents that it had")
    if unreadable := ring.unreadable(known):
        faults.append(f"has {unreadable:,} intents that cannot be read")
    if strangers:
        named = ", ".join(sorted(strangers)[:_NAMED]) + ", ..." * (len(strangers) > _NAMED)
        faults.append(f"names orders of which nothing else is known ({named})")
    if not faults:
        return wanted, ""
    usable = [intent for intent in wanted if intent.client_order_id not in strangers]
    return usable, f"{INTENTS} {' and '.join(faults)}: orders may have been sent that are not known"


def recovered(loaded: Loaded, damage: str) -> Recovered:
    """Turn rows into what a later run works with."""
    state, instruments = loaded.state, loaded.instruments
    orders: dict[str, Order] = {}
    finished = [(order, row) for order, row in state.finished.values()]
    waiting = [(order, state.states[key]) for key, order in state.orders.items() if key in state.states]
    # What damage has left without its instrument was counted, and said, when it was found.
    for order_row, state_row in (*finished, *waiting):
        if order_row[5] not in instruments:
            continue
        order = order_of(order_row, state_row, instruments[order_row[5]])
        if order.state in _UNDER_WAY:
            order.state = OrderState.UNKNOWN
        orders[order.client_order_id] = order
    last_fills: dict[InstrumentId, Fill] = {}
    for row in sorted(state.last_fills.values()):
        if row[4] not in instruments:
            continue
        fill = fill_of(row, instruments[row[4]])
        last_fills[fill.instrument.id] = fill
    last_notes: dict[NoteKind, Note] = {}
    for row in state.last_notes.values():
        note = note_of(row)
        last_notes[note.kind] = note
    return Recovered(
        runs=tuple(loaded.runs),
        orders=orders,
        ledger=loaded.ledger,
        entries=tuple(loaded.entries),
        last_fills=last_fills,
        last_notes=last_notes,
        damage=damage,
    )
