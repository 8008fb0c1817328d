"""The database file: how it is opened, and what its errors mean."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from hft.errors import UsageError
from hft.journal.schema import DamagedError

__all__ = ["PAGE_SIZE", "open_to_read", "open_to_write", "translated"]

PAGE_SIZE = 4096

_BUSY_S = 5.0

_OF_THE_MACHINE = {
    sqlite3.SQLITE_BUSY: "is locked by another program, end that",
    sqlite3.SQLITE_LOCKED: "is locked by another program, end that",
    sqlite3.SQLITE_FULL: "cannot be written: the disk is full, make room",
    sqlite3.SQLITE_NOMEM: "cannot be read: memory is exhausted, make room",
    sqlite3.SQLITE_IOERR: "cannot be read or written: the disk reports an error, mend that",
    sqlite3.SQLITE_PERM: "cannot be written: permission denied, mend that",
    sqlite3.SQLITE_READONLY: "cannot be written: it is read-only, mend that",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: see that it and its folder may be read and written",
}


def translated(error: sqlite3.Error, path: Path) -> UsageError | DamagedError:
    """Say whether an error is the machine's, as a line for the user, or comes of damage to the file."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    what = _OF_THE_MACHINE.get(code & 0xFF)
    if what is None or code == sqlite3.SQLITE_IOERR_SHORT_READ:
        return DamagedError("its pages do not fit together")
    return UsageError(f"{path}: {what}")


def open_to_write(path: Path) -> sqlite3.Connection:
    """Open or make a database in WAL mode, committing without a sync until told otherwise."""
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open a database and change nothing about it; another process may be writing it."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S, isolation_level=None
    )
