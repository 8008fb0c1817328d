"""What is left in a book at the end of a day, so that the next day can be played without the one before."""

from __future__ import annotations

import numpy as np

from hft.data.columns import LAST, Kind
from hft.data.rows import CARRIED, ROUNDED, Rows

__all__ = ["Carry"]


class Carry:
    """Follows a book through rows in their order, without going through them one by one."""

    def __init__(self) -> None:
        self._levels = Rows.concat([])

    def update(self, rows: Rows) -> None:
        """Take the next rows."""
        clears = np.flatnonzero(rows.kind == Kind.CLEAR)
        if len(clears):
            rows = rows[clears[-1] + 1 :]
            self._levels = Rows.concat([])
        levels = Rows.concat([self._levels, rows[rows.kind == Kind.LEVEL]])
        # The last row of each level counts: the first, counted from the end.
        keys = (levels.price * 2 + (levels.side > 0))[::-1]
        _, first = np.unique(keys, return_index=True)
        last = np.sort(len(keys) - 1 - first)
        self._levels = levels[last[levels.size[last] > 0]]

    def rows(self, time_ns: int) -> Rows:
        """Return the levels as a message of that time; a book that has them is not changed by it."""
        levels = self._levels
        flags = levels.flags & ROUNDED | CARRIED
        flags[-1:] |= LAST
        return Rows.of(
            exchange_ns=time_ns,
            recv_ns=time_ns,
            kind=levels.kind,
            side=levels.side,
            price=levels.price,
            size=levels.size,
            flags=flags,
        )
