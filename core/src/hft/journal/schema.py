"""The tables of a journal: append-only, one sequence over all of them, a checksum in every row."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from zlib import crc32

import attrs
import msgspec

__all__ = [
    "CHECKPOINTS",
    "FILLS",
    "FILLS_1",
    "FORMAT",
    "INSTRUMENTS",
    "NOTES",
    "ORDERS",
    "RUNS",
    "STATES",
    "TABLES",
    "VERSION",
    "DamagedError",
    "Row",
    "Table",
    "create",
    "fill_of_version_1",
    "migrate",
]

VERSION = 2
"""Of the tables; a journal of a newer one is refused, one of an older one is brought up to date."""

Row = tuple[Any, ...]
"""Of a table: ``seq``, ``run``, ``time_ns``, its own columns, ``crc``. Integers, texts and None only."""

_pack = msgspec.msgpack.Encoder().encode


class DamagedError(Exception):
    """A part of a journal is not as it was written; never leaves this package."""


@attrs.frozen(eq=False)
class Table:
    """A table and its statements.

    ``seq`` counts the records of the whole journal, over all tables, so that what is missing shows.
    Rows are never changed or removed: wherever in the file a row with a right checksum is found, it is true.
    """

    name: str
    columns: tuple[str, ...]
    ddl: str = attrs.field(init=False)
    insert: str = attrs.field(init=False)
    _select: str = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        columns = (
            "seq INTEGER PRIMARY KEY",
            "run INTEGER NOT NULL",
            "time_ns INTEGER NOT NULL",
            *self.columns,
            "crc INTEGER NOT NULL",
        )
        names = ", ".join(column.partition(" ")[0] for column in columns)
        marks = ", ".join("?" * len(columns))
        object.__setattr__(self, "ddl", f"CREATE TABLE {self.name} ({', '.join(columns)})")
        object.__setattr__(self, "insert", f"INSERT INTO {self.name} VALUES ({marks})")
        object.__setattr__(self, "_select", f"SELECT {names} FROM {self.name}")

    @property
    def width(self) -> int:
        """How many columns a row has."""
        return len(self.columns) + 4

    def seal(self, *values: Any) -> Row:
        """Make a row of everything but its checksum."""
        return (*values, crc32(_pack((self.name, values))))

    def is_whole(self, row: Row) -> bool:
        """Say whether a row is as it was sealed."""
        try:
            return bool(crc32(_pack((self.name, row[:-1]))) == row[-1])
        except (TypeError, ValueError, OverflowError):  # a type that no row has
            return False

    def read(
        self, connection: sqlite3.Connection, clause: str = "ORDER BY seq", *parameters: Any
    ) -> Iterator[Row]:
        """Read rows; raise `DamagedError` at one that is not whole."""
        for row in connection.execute(f"{self._select} {clause}", parameters):
            if not self.is_whole(row):
                raise DamagedError(f"record {row[0]} of {self.name} is not as it was written")
            yield row


FORMAT = Table("format", ("version INTEGER NOT NULL",))
RUNS = Table(
    "runs",
    (
        "name TEXT NOT NULL",
        "profile_prefix TEXT NOT NULL",
        "prefix TEXT NOT NULL",
        "mode TEXT NOT NULL",
        "version TEXT NOT NULL",
        "pid INTEGER NOT NULL",
        "strategies TEXT NOT NULL",
    ),
)
INSTRUMENTS = Table(
    "instruments",
    (
        "symbol TEXT NOT NULL",
        "exchange TEXT NOT NULL",
        "native_symbol TEXT NOT NULL",
        "kind TEXT NOT NULL",
        "base TEXT NOT NULL",
        "quote TEXT NOT NULL",
        "settle TEXT NOT NULL",
        "tick_size TEXT NOT NULL",
        "lot_size TEXT NOT NULL",
        "min_size INTEGER NOT NULL",
        "max_size INTEGER",
        "min_notional TEXT NOT NULL",
        "contract_multiplier TEXT NOT NULL",
        "inverse INTEGER NOT NULL",
        "tradable INTEGER NOT NULL",
    ),
)
ORDERS = Table(
    "orders",
    (
        "client_order_id TEXT NOT NULL",
        "strategy TEXT NOT NULL",
        "instrument INTEGER NOT NULL",
        "side TEXT NOT NULL",
        "type TEXT NOT NULL",
        "time_in_force TEXT NOT NULL",
        "post_only INTEGER NOT NULL",
        "reduce_only INTEGER NOT NULL",
        "trigger_price INTEGER",
        "expire_ns INTEGER NOT NULL",
        "position_side TEXT NOT NULL",
        "replaces TEXT NOT NULL",
        "created_ns INTEGER NOT NULL",
    ),
)
STATES = Table(
    "states",
    (
        "client_order_id TEXT NOT NULL",
        "event TEXT NOT NULL",
        "intent INTEGER NOT NULL",
        "state TEXT NOT NULL",
        "price INTEGER",
        "size INTEGER NOT NULL",
        "filled INTEGER NOT NULL",
        "pending_price INTEGER",
        "pending_size INTEGER",
        "exchange_order_id TEXT NOT NULL",
        "reason TEXT NOT NULL",
    ),
)
FILLS = Table(
    "fills",
    (
        "client_order_id TEXT NOT NULL",
        "instrument INTEGER NOT NULL",
        "trade_id TEXT NOT NULL",
        "side TEXT NOT NULL",
        "price INTEGER NOT NULL",
        "size INTEGER NOT NULL",
        "liquidity TEXT NOT NULL",
        "fee TEXT NOT NULL",
        "fee_asset TEXT NOT NULL",
        "realized TEXT",
        "position_side TEXT NOT NULL",
        "exchange_made INTEGER NOT NULL",
        "exchange_order_id TEXT NOT NULL",
        "exchange_ns INTEGER NOT NULL",
        "recv_ns INTEGER NOT NULL",
    ),
)
NOTES = Table("notes", ("kind TEXT NOT NULL", "facts TEXT NOT NULL"))
CHECKPOINTS = Table("checkpoints", ("ledger TEXT NOT NULL", "state TEXT NOT NULL"))

TABLES = (FORMAT, RUNS, INSTRUMENTS, ORDERS, STATES, FILLS, NOTES, CHECKPOINTS)

FILLS_1 = Table("fills", tuple(column for column in FILLS.columns if column != "realized TEXT"))
"""As version 1 had them."""

_REALIZED = 3 + FILLS.columns.index("realized TEXT")

Migration = Callable[[sqlite3.Connection], None]


def fill_of_version_1(row: Row) -> Row:
    """Make the row that a fill of version 1 is now: what it realized was not kept."""
    return FILLS.seal(*row[:_REALIZED], None, *row[_REALIZED:-1])


def _add_realized(connection: sqlite3.Connection) -> None:
    rows = [fill_of_version_1(row) for row in FILLS_1.read(connection)]
    connection.execute("DROP TABLE fills")
    connection.execute(FILLS.ddl)
    connection.executemany(FILLS.insert, rows)


MIGRATIONS: Mapping[int, Migration] = {1: _add_realized}
"""By the version that they lead away from, in one transaction together with the new version's row."""


def create(connection: sqlite3.Connection, time_ns: int) -> None:
    """Make the tables of a new journal."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for table in TABLES:
            connection.execute(table.ddl)
        connection.execute(FORMAT.insert, FORMAT.seal(-VERSION, 0, time_ns, VERSION))
        connection.execute(f"PRAGMA user_version = {VERSION}")


def migrate(
    connection: sqlite3.Connection,
    version: int,
    time_ns: int,
    *,
    migrations: Mapping[int, Migration] = MIGRATIONS,
    target: int = VERSION,
) -> None:
    """Bring the tables of an older version up to date, all the way or not at all."""
    if version == target:
        return
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for step in range(version, target):
            migrations[step](connection)
            # Negative: outside the sequence of records.
            connection.execute(FORMAT.insert, FORMAT.seal(-step - 1, 0, time_ns, step + 1))
        connection.execute(f"PRAGMA user_version = {target}")
