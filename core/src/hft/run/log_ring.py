"""Log lines written from the hot path: kept in a ring, written when the loop has nothing better to do."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

__all__ = ["LogRing"]

_CAPACITY = 1000


class LogRing:
    """Takes a line in well under a microsecond; `drain` writes them. A full ring drops and counts."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._lines: deque[str] = deque()
        self._dropped = 0

    def __call__(self, line: str) -> None:
        """Keep a line for the next `drain`."""
        if len(self._lines) < _CAPACITY:
            self._lines.append(line)
        else:
            self._dropped += 1

    def drain(self) -> None:
        """Write what has gathered, and how many lines did not fit."""
        while self._lines:
            self._write(self._lines.popleft())
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            self._write(f"{dropped} log lines dropped: more than {_CAPACITY} between two drains")
