"""Rows that wait in a file, to be read in the order of their arrival without holding them all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs
import numpy as np

from hft.data.columns import COLUMNS, ORDER_COLUMNS
from hft.data.rows import Rows
from hft.instrument import Instrument

__all__ = ["Spill"]

_PACKED = np.dtype([(name, form) for name, form in ORDER_COLUMNS.items()])

_SAMPLED = 64
"""Of so many rows one time is looked at, to split a file into parts of about one length."""


@attrs.define(eq=False)
class Spill:
    """The rows of one instrument and day, as they came, in a file of their own."""

    path: Path
    instrument: Instrument
    length: int = 0
    last_ns: int = 0
    is_sorted: bool = True
    has_orders: bool = False
    """Whether any of the rows has an order id."""

    def append(self, rows: Rows) -> None:
        """Write rows, at least one."""
        packed = np.zeros(len(rows), _PACKED)
        for name, column in rows.columns().items():
            packed[name] = column
        self.has_orders |= rows.order_id is not None
        with self.path.open("ab") as file:
            file.write(packed.data)
        times = rows.recv_ns
        self.is_sorted &= bool(times[0] >= self.last_ns and np.all(times[1:] >= times[:-1]))
        self.last_ns = int(times[-1])
        self.length += len(rows)

    def read(self, start: int, stop: int) -> Rows:
        """Return rows from ``start`` to before ``stop``."""
        packed = np.fromfile(self.path, _PACKED, stop - start, offset=start * _PACKED.itemsize)
        names = ORDER_COLUMNS if self.has_orders else COLUMNS
        return Rows(**{name: np.ascontiguousarray(packed[name]) for name in names})

    def blocks(self, block: int) -> Iterator[Rows]:
        """Yield all rows by ``recv_ns``, those of one time as they came, about ``block`` at a time."""
        if self.is_sorted:
            yield from self._as_they_came(block)
            return
        for part in self._split(block):
            rows = part.read(0, part.length)
            part.path.unlink()
            yield rows[np.argsort(rows.recv_ns, kind="stable")]

    def _as_they_came(self, block: int) -> Iterator[Rows]:
        for start in range(0, self.length, block):
            yield self.read(start, min(start + block, self.length))

    def _split(self, block: int) -> list[Spill]:
        """Write the rows into one file per span of time, each with about half a block."""
        count = 2 * self.length // block + 1
        # Copies: a slice would keep the whole block.
        times = [rows.recv_ns[::_SAMPLED].copy() for rows in self._as_they_came(block)]
        sample = np.sort(np.concatenate(times))
        bounds = np.unique(sample[np.arange(1, count) * len(sample) // count])
        parts = [
            Spill(self.path.with_name(f"{self.path.name}.{number}"), self.instrument)
            for number in range(len(bounds) + 1)
        ]
        for rows in self._as_they_came(block):
            number = np.searchsorted(bounds, rows.recv_ns, side="right")
            for each in np.unique(number):
                parts[each].append(rows[number == each])
        return [part for part in parts if part.length]
