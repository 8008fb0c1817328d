"""What is left in a book at the end of a day, so that the next day can be played without the one before."""

from __future__ import annotations

import numpy as np

from hft.data.columns import LAST, ORDER_KINDS, Kind
from hft.data.rows import CARRIED, ROUNDED, Rows

__all__ = ["Carry"]


class Carry:
    """Follows a book through rows in their order, without going through them one by one.

    ``is_known`` tells whether anybody has said what the book was before it changed. ``levels`` are those
    that it has now, each by the row that set it; or the orders that it has, each by a row that adds it, in
    the order in which they wait.
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
        if rows.order_id is not None or self.levels.order_id is not None:
            self.levels = _waiting(Rows.concat([self.levels, rows[np.isin(rows.kind, ORDER_KINDS)]]))
            return
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


def _waiting(rows: Rows) -> Rows:
    """Return the orders that are left of events of orders."""
    rows = rows[rows.kind != Kind.FILL]
    ids = rows.order_id
    if ids is None or not len(rows):
        return rows
    # Events of one order one behind the other, in their order.
    order = np.argsort(ids, kind="stable")
    rows, ids = rows[order], ids[order]
    begins = np.concatenate([[True], ids[1:] != ids[:-1]])
    ends = np.concatenate([begins[1:], [True]])
    keeps = ~begins & (rows.kind == Kind.CHANGE)
    keeps[1:] &= (rows.price[1:] == rows.price[:-1]) & (rows.size[1:] <= rows.size[:-1])
    numbers = np.arange(len(rows))
    first = np.maximum.accumulate(np.where(begins, numbers, 0))
    joined = np.maximum.accumulate(np.where(keeps, 0, numbers))
    left = np.flatnonzero(ends & (rows.kind != Kind.REMOVE))
    left = left[np.argsort(order[joined[left]])]
    found = rows[left]
    return Rows(
        **{
            **found.columns(),
            "side": rows.side[first[left]],
            "kind": np.full(len(left), Kind.ADD, rows.kind.dtype),
        }
    )
