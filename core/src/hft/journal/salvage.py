"""Put what is whole of a damaged database into a fresh one, and keep the damaged one beside it."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

from hft.journal.database import PAGE_SIZE
from hft.journal.pages import whole_rows
from hft.journal.schema import FORMAT, create

__all__ = ["finish_salvage", "keep_damaged", "salvage"]

_BATCH = 10_000


def salvage(path: Path, time_ns: int) -> Path:
    """Replace a database by what is whole of it; return where the damaged one is now.

    Whatever ends the process meanwhile, the next call, or `finish_salvage`, brings it to its end.
    """
    fresh = _fresh(path)
    fresh.unlink(missing_ok=True)
    connection = sqlite3.connect(fresh, isolation_level=None)
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
        connection.execute("PRAGMA synchronous = FULL")
        create(connection, time_ns)
        connection.execute("BEGIN")
        for count, (table, row) in enumerate(whole_rows(path, _wal(path)), 1):
            if table is not FORMAT:
                connection.execute(table.insert.replace("INSERT", "INSERT OR IGNORE", 1), row)
            if not count % _BATCH:
                connection.execute("COMMIT")
                connection.execute("BEGIN")
        connection.execute("COMMIT")
    finally:
        connection.close()
    return _put_in_place(path)


def finish_salvage(path: Path) -> None:
    """Bring a salvage to its end that was cut short."""
    if path.exists():
        _fresh(path).unlink(missing_ok=True)
    elif _fresh(path).exists():
        _put_in_place(path)


def _put_in_place(path: Path) -> Path:
    kept = _kept(path)
    for suffix in ("-wal", ""):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{suffix}").rename(f"{kept}{suffix}")
    Path(f"{path}-shm").unlink(missing_ok=True)
    _fresh(path).rename(path)
    return kept


def keep_damaged(path: Path) -> None:
    """Keep a copy of a damaged file beside it."""
    with contextlib.suppress(FileNotFoundError):
        shutil.copyfile(path, _kept(path))


def _kept(path: Path) -> Path:
    number = 1
    while (kept := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    return kept


def _fresh(path: Path) -> Path:
    return path.with_name(f"{path.name}.recovering")


def _wal(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")
