"""Where trials are kept: SQLite beside the profile by default, or any database that Optuna takes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from hft.errors import UsageError
from hft.journal.lock import Lock

__all__ = ["default_storage", "open_storage"]


def default_storage(profile: Path) -> str:
    """Return the file for a profile: ``maker.sweep.sqlite`` beside ``maker.yaml``."""
    return str(profile.with_suffix(".sweep.sqlite"))


class _Connection(sqlite3.Connection):
    """Writes without waiting for the disk: what a crash of the machine may cost are the newest trials."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute("PRAGMA journal_mode = WAL")
        self.execute("PRAGMA synchronous = NORMAL")


@contextmanager
def open_storage(name: str) -> Iterator[optuna.storages.BaseStorage]:
    """Open a file of SQLite, for one sweep at a time, or a URL such as ``postgresql://...``.

    Raises `UsageError` where that cannot be.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if "://" in name:
        with _opened(name, name, {}) as storage:
            yield storage
        return
    if not Path(name).parent.is_dir():
        raise UsageError(f"--storage: there is no folder {str(Path(name).parent)!r}")
    lock = Lock(Path(f"{name}.lock"), what="the sweep", remedy="stop that first, or name another --storage")
    try:
        with _opened(f"sqlite:///{name}", name, {"factory": _Connection}) as storage:
            yield storage
    finally:
        lock.close()


@contextmanager
def _opened(url: str, name: str, how: Mapping[str, Any]) -> Iterator[optuna.storages.BaseStorage]:
    storage = _open(url, name, how)
    try:
        yield storage
    finally:
        # Or its connections stay until the garbage is collected.
        storage.remove_session()
        storage.engine.dispose()


def _open(url: str, name: str, how: Mapping[str, Any]) -> optuna.storages.RDBStorage:
    try:
        return optuna.storages.RDBStorage(url, {"connect_args": how})
    except ArgumentError:
        raise UsageError("--storage: is no file and no URL of a database") from None
    except ImportError as error:
        raise UsageError(f"--storage: the database has no driver here: {error}") from None
    except (SQLAlchemyError, RuntimeError) as error:
        # The first line alone: what follows may hold the password of the URL.
        reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
        shown = name if "://" not in name else "the database"
        raise UsageError(f"--storage: {shown} cannot be used: {reason}") from None
