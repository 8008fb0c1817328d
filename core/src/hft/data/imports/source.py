"""What every format of other people's files has in common: a source of rows, and what may be asked of it."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import attrs
import numpy.typing as npt

from hft.data.imports.csv_file import Columns
from hft.data.rows import Rows
from hft.data.store import Store
from hft.errors import DataError
from hft.funding import FundingRate
from hft.instrument import Instrument

__all__ = ["FORMATS", "ImportOptions", "Rank", "Source", "TimeUnit", "import_files"]

FORMATS = ("binance", "hftbacktest", "tardis")
"""The formats; each is a module of this package with an ``open_source``."""


class Rank(enum.IntEnum):
    """What of one time comes first: the trade that takes from a level, then the level that shows it."""

    TRADES = 0
    SNAPSHOTS = 1
    UPDATES = 2
    QUOTES = 3


class TimeUnit(enum.Enum):
    """The unit of an exchange's times."""

    AUTO = "auto"
    """By their magnitude, which is unmistakable from 1973 to 5138."""
    MS = "ms"
    US = "us"
    NS = "ns"

    def nanoseconds(self, times: npt.NDArray[Any]) -> int:
        """Return how many nanoseconds one unit of these times is."""
        if self is TimeUnit.AUTO:
            largest = int(times.max(initial=0))
            return 1_000_000 if largest < 10**14 else 1_000 if largest < 10**17 else 1
        return {TimeUnit.MS: 1_000_000, TimeUnit.US: 1_000, TimeUnit.NS: 1}[self]


@attrs.frozen(kw_only=True)
class ImportOptions:
    """How files are to be understood.

    ``kind`` is what a file holds where that cannot be told (Binance); ``symbol`` whose rows count in a file
    of several; ``latency_ns`` what is added to the exchange's time where nobody noted when data was received;
    ``quotes_as_book`` makes a book of one level of tickers.
    """

    instrument: Instrument
    kind: str | None = None
    symbol: str | None = None
    time_unit: TimeUnit = TimeUnit.AUTO
    latency_ns: int = 0
    quotes_as_book: bool = False
    warn: Callable[[str], None] = lambda line: None

    def of_symbol(self, path: Path, blocks: Iterable[Columns]) -> Iterator[Columns]:
        """Yield the rows of the wanted symbol; without one, raise `DataError` if there is more than one."""
        symbol = self.symbol
        for columns in blocks:
            symbols = columns["symbol"]
            if symbol is None and len(symbols):
                symbol = str(symbols[0])
            mine = symbols == symbol
            if not mine.all():
                if self.symbol is None:
                    other = symbols[~mine][0]
                    raise DataError(f"{path}: is about {symbol} and {other}, choose one with --symbol")
                columns = {name: column[mine] for name, column in columns.items()}
            if len(columns["symbol"]):
                yield columns


@attrs.frozen
class Source:
    """A file that was looked at: its rows, and their rank among those of one time."""

    rank: Rank
    rows: Iterator[Rows]
    funding: Iterable[tuple[int, FundingRate]] = ()
    """When something was known of a payment, and what."""


class _Format(Protocol):
    def open_source(self, path: Path, options: ImportOptions, on_bytes: Callable[[int], None]) -> Source: ...


def import_files(
    format_name: str,
    paths: Sequence[Path],
    options: ImportOptions,
    store: Store,
    on_bytes: Callable[[int], None] = lambda count: None,
) -> None:
    """Put the rows of all files into the store; raise `DataError` at the first that cannot be read whole."""
    module: Any = import_module(f"hft.data.imports.{format_name}")
    opening: _Format = module
    sources = [opening.open_source(path, options, on_bytes) for path in paths]
    # Rows of one time keep the order in which they come here.
    sources.sort(key=lambda source: source.rank)
    for rows in _timed(rows for source in sources for rows in source.rows):
        store.add(options.instrument, rows)
    for source in sources:
        for recv_ns, rate in source.funding:
            store.add_funding(options.instrument, recv_ns, rate)


def _timed(blocks: Iterable[Rows]) -> Iterator[Rows]:
    """Give rows without a time, as of a snapshot to begin with, that of what comes next."""
    waiting: list[Rows] = []
    for rows in blocks:
        timed = rows.recv_ns != 0
        if not timed.all():
            waiting.append(rows[~timed])
            rows = rows[timed]
        if len(rows):
            for each in waiting:
                yield Rows.of(**{**each.columns(), "recv_ns": rows.recv_ns[0]})
            waiting.clear()
            yield rows
    if waiting:
        raise DataError("rows without a time are followed by none with one: import them together")
