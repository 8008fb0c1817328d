"""What is left in a book at the end of a day, so that the next day can be played without the one before."""

from __future__ import annotations

import numpy as np

from hft.data.columns import LAST, Kind
from hft.data.rows import CARRIED, ROUNDED, Rows

__all__ = ["Carry"]


class Carry:
    """Follows a book through rows in their order, without going through them one by one.

    ``is_known`` tells whether anybody has said what the book was before it changed. ``levels`` are those
    that it has now, each by the row that set it.
    """

    def __init__(self) -> None:
        self.is_known = False
        self.levels = Rows.concat([])

    def update(self, rows: Rows) -> None:
        """Take the next rows."""
        clears = np.flatnonzero(rows.kind == Kind.CLEAR)
        if len(clears):
            rows = rows[clears[-1] + 1 :]
            self.levels = Rows.concat([])
            self.is_known = True
        levels = Rows.concat([self.levels, rows[rows.kind == Kind.LEVEL]])
        # The last row of each level counts: the first, counted from the end.
        keys = (levels.price * 2 + (levels.side > 0))[::-1]
        _, first = np.unique(keys, return_index=True)
        last = np.sort(len(keys) - 1 - first)
        self.levels = levels[last[levels.size[last] > 0]]

    def message(self, time_ns: int) -> Rows:
        """Return the book as one message of that time: cleared, then its levels; nothing if not known."""
        if not self.is_known:
            return Rows.concat([])
        clear = Rows.of(exchange_ns=0, recv_ns=0, kind=Kind.CLEAR, side=0, price=0, size=0, flags=[0])
        rows = Rows.concat([clear, self.levels])
        flags = rows.flags & ROUNDED | CARRIED
        flags[-1] |= LAST
        times = {"exchange_ns": np.full(len(rows), time_ns), "recv_ns": np.full(len(rows), time_ns)}
        return Rows(**{**rows.columns(), **times, "flags": flags})
