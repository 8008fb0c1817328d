"""Market events as rows of whole numbers, in memory: what every source yields and every form holds."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from hft.data.columns import COLUMNS, LAST, ORDER_COLUMNS, ORDER_ID

__all__ = ["CARRIED", "ROUNDED", "RowBuffer", "Rows"]


CARRIED = 2
"""The flag of what a day begins with: the book that the day before left."""

ROUNDED = 4
"""The flag of a level whose price or size is off the grid; it stands as the exchange's book shows it."""

Ints = npt.NDArray[Any]


@attrs.frozen(eq=False)
class Rows:
    """Events as one array per column, all of one length.

    Times are nanoseconds UTC, prices ticks, sizes lots; ``side`` is +1 for bids and buyers, -1 for asks
    and sellers, 0 where there is none. ``order_id`` is None where no order was recorded by itself.
    """

    exchange_ns: Ints
    recv_ns: Ints
    kind: Ints
    side: Ints
    price: Ints
    size: Ints
    flags: Ints
    order_id: Ints | None = None

    @classmethod
    def of(cls, **columns: Any) -> Rows:
        """Make rows of arrays, lists or single values, which stand in every row."""
        length = max((len(column) for column in columns.values() if np.ndim(column)), default=1)
        return cls(
            **{
                name: np.broadcast_to(np.asarray(columns[name], dtype=dtype), length)
                for name, dtype in ORDER_COLUMNS.items()
                if name in columns or name in COLUMNS
            }
        )

    @classmethod
    def concat(cls, parts: Sequence[Rows]) -> Rows:
        """Put rows one behind the other; the order ids of those that have none are 0 among others."""
        orders = any(part.order_id is not None for part in parts)
        columns = [part.columns(orders=orders) for part in parts]
        return cls(
            **{
                name: np.concatenate([each[name] for each in columns]) if parts else np.empty(0, dtype)
                for name, dtype in (ORDER_COLUMNS if orders else COLUMNS).items()
            }
        )

    def columns(self, *, orders: bool = False) -> dict[str, Ints]:
        """Return the arrays by their names; with ``orders`` there are order ids in any case."""
        columns = {name: getattr(self, name) for name in COLUMNS}
        if self.order_id is not None:
            columns[ORDER_ID] = self.order_id
        elif orders:
            columns[ORDER_ID] = np.zeros(len(self), ORDER_COLUMNS[ORDER_ID])
        return columns

    def __len__(self) -> int:
        return len(self.recv_ns)

    def __getitem__(self, which: Any) -> Rows:
        """Return some of the rows: a slice, a mask or indices."""
        return Rows(**{name: column[which] for name, column in self.columns().items()})


class RowBuffer:
    """Collects rows one by one: a list of Python integers would take five times the memory."""

    __slots__ = ("_columns",)

    def __init__(self) -> None:
        self._columns = tuple(array(code) for code in "qqBbqqB")

    def __len__(self) -> int:
        return len(self._columns[0])

    def add(
        self, exchange_ns: int, recv_ns: int, kind: int, side: int, price: int, size: int, flags: int = 0
    ) -> None:
        """Add a row; raise `OverflowError` for a number that no column holds."""
        columns = self._columns
        columns[0].append(exchange_ns)
        columns[1].append(recv_ns)
        columns[2].append(kind)
        columns[3].append(side)
        columns[4].append(price)
        columns[5].append(size)
        columns[6].append(flags)

    def end_message(self) -> None:
        """Mark the last row as the last of its message."""
        self._columns[6][-1] |= LAST

    def take(self) -> Rows:
        """Return the rows and begin anew."""
        columns = zip(COLUMNS.items(), self._columns, strict=True)
        rows = Rows(**{name: np.frombuffer(column, dtype=dtype) for (name, dtype), column in columns})
        self._columns = tuple(array(code) for code in "qqBbqqB")
        return rows
