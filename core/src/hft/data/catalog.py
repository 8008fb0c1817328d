"""What data there is: days of instruments, in either form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import attrs

from hft.data.columns import Day, find_days, read_day
from hft.data.listing import Listing
from hft.data.parquet import ParquetDay, find_parquet, read_parquet
from hft.data.rows import Rows
from hft.errors import DataError

__all__ = ["Partition", "find_partitions", "read_partition"]


@attrs.frozen(eq=False)
class Partition:
    """A day of an instrument on disk. ``size_bytes`` is what it takes there."""

    folder: Path
    form: str
    day: date
    listing: Listing
    rows: int
    size_bytes: int
    _source: Day | ParquetDay = attrs.field(repr=False)

    @property
    def has_orders(self) -> bool:
        """Whether orders were recorded one by one."""
        return self._source.has_orders

    def blocks(self, rows: int) -> Iterator[Rows]:
        """Yield the events, at most ``rows`` at a time."""
        if isinstance(self._source, ParquetDay):
            yield from self._source.blocks(rows)
            return
        columns = self._source.columns
        for start in range(0, self.rows, rows):
            yield Rows(**{name: column[start : start + rows] for name, column in columns.items()})
            self._source.release(start + rows)


def find_partitions(roots: Sequence[Path]) -> list[Path]:
    """Return the folders of all days at and below the roots; raise `DataError` if there is none."""
    found = {*find_parquet(*roots)}
    try:
        found |= {*find_days(*roots)}
    except DataError:
        if not found:
            raise
    return sorted(found)


def read_partition(folder: Path) -> Partition:
    """Open a day; raise `DataError` if it is damaged."""
    form = "parquet" if folder.name.startswith("day=") else "columns"
    try:
        day = date.fromisoformat(folder.name.removeprefix("day="))
    except ValueError:
        raise DataError(f"{folder}: is not named after a day, like 2024-08-08") from None
    size = sum(path.stat().st_size for path in folder.iterdir())
    if form == "parquet":
        parquet = read_parquet(folder)
        return Partition(folder, form, day, parquet.listing, len(parquet), size, parquet)
    mapped = read_day(folder)
    listing = Listing(instrument=mapped.instrument, maker_fee=mapped.maker_fee, taker_fee=mapped.taker_fee)
    return Partition(folder, form, day, listing, len(mapped), size, mapped)
