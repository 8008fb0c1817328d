"""The lock that lets one process write a journal, or whatever else one at a time may write."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from hft.errors import UsageError

__all__ = ["Lock", "is_in_use"]


class Lock:
    """Held from construction to `close`, or to the end of the process however it comes."""

    def __init__(
        self,
        path: Path,
        *,
        what: str = "the journal",
        remedy: str = "stop that first, or give this profile another name",
    ) -> None:
        """Take the lock; raise `UsageError` naming the process that has it."""
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UsageError(f"{path}: cannot be written: {error.strerror}, mend that first") from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._descriptor, 20, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._descriptor)
            raise UsageError(f"{path.parent}: {what} is in use by process {holder}: {remedy}") from None
        with contextlib.suppress(OSError):  # a full disk: it is locked all the same
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        """Let the next one have it."""
        os.close(self._descriptor)


def is_in_use(folder: Path) -> bool:
    """Say whether a process writes the journal in a folder."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise UsageError(f"{folder}: cannot be looked at: {error.strerror}, mend that first") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)
