"""Tardis' CSV files: ``incremental_book_L2``, ``trades``, ``quotes``, ``book_ticker``, ``derivative_ticker``.

Source: https://docs.tardis.dev/downloadable-csv-files/data-types. Times are microseconds. A book's row sets a
level to its size; rows of a snapshot say so, and the first of them takes the place of the book before. Rows
that a file has before its first snapshot are left out, as they were received before it. A side of a quote
that has nothing is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hft.data.columns import LAST, Kind
from hft.data.imports.csv_file import BOOL, INT, TEXT, Columns, CsvFile, Grid
from hft.data.imports.funding import funding_row
from hft.data.imports.messages import insert_clears, mark_messages
from hft.data.imports.quotes import Quotes, quote_rows
from hft.data.imports.source import ImportOptions, Rank, Source
from hft.data.rows import Rows
from hft.errors import DataError
from hft.funding import FundingRate

__all__ = ["open_source"]

_DAY_US = 24 * 3600 * 1_000_000
_TIMES = {"symbol": TEXT, "timestamp": INT, "local_timestamp": INT}


def open_source(path: Path, options: ImportOptions, on_bytes: Callable[[int], None]) -> Source:
    """Look at a file; raise `DataError` if it is none of these."""
    file = CsvFile.open(path, on_bytes)
    names = set(file.first)
    if names >= {"is_snapshot", "side", "price", "amount", *_TIMES}:
        return Source(Rank.UPDATES, _book(file, options))
    if (
        names >= {"ask_amount", "ask_price", "bid_price", "bid_amount", *_TIMES}
        and "asks[0].price" not in names
    ):
        return Source(Rank.QUOTES, _quotes(file, options))
    if names >= {"funding_timestamp", "funding_rate", "mark_price", *_TIMES}:
        return Source(Rank.QUOTES, iter(()), _funding(file, options))
    if names >= {"id", "side", "price", "amount", *_TIMES}:
        return Source(Rank.TRADES, _trades(file, options))
    if "asks[0].price" in names:
        raise DataError(
            f"{path}: book_snapshot has the best levels alone, which are no book to wait in:"
            " take incremental_book_L2"
        )
    raise DataError(
        f"{path}: its columns are not those of Tardis' incremental_book_L2, trades, quotes, book_ticker or"
        f" derivative_ticker: {','.join(file.first)[:120]!r}"
    )


def _times(columns: Columns) -> dict[str, Any]:
    return {"exchange_ns": columns["timestamp"] * 1000, "recv_ns": columns["local_timestamp"] * 1000}


def _book(file: CsvFile, options: ImportOptions) -> Iterator[Rows]:
    def blocks() -> Iterator[tuple[Rows, npt.NDArray[Any]]]:
        was_snapshot = is_known = False
        types = {**_TIMES, "is_snapshot": BOOL, "side": TEXT, **_levels(options)}
        for columns in options.of_symbol(file.path, file.blocks(types)):
            snapshot = columns["is_snapshot"].astype(bool)
            if not is_known:
                first = int(np.argmax(snapshot)) if snapshot.any() else len(snapshot)
                is_known = first < len(snapshot)
                if not is_known:
                    continue
                snapshot = snapshot[first:]
                columns = {name: column[first:] for name, column in columns.items()}
            rows = Rows.of(
                **_times(columns),
                kind=Kind.LEVEL,
                side=_sides(file.path, columns["side"], "bid", "ask"),
                price=columns["price"],
                size=columns["amount"],
                flags=0,
            )
            keys = np.column_stack([rows.recv_ns, snapshot])
            begins = np.flatnonzero(snapshot & ~np.concatenate([[was_snapshot], snapshot[:-1]]))
            was_snapshot = bool(snapshot[-1])
            yield insert_clears(rows, keys, begins)
        if not is_known:
            raise DataError(f"{file.path}: has no snapshot, without which its changes are of no book")

    return mark_messages(blocks())


def _trades(file: CsvFile, options: ImportOptions) -> Iterator[Rows]:
    types = {**_TIMES, "side": TEXT, **_levels(options)}
    for columns in options.of_symbol(file.path, file.blocks(types)):
        known = columns["side"] != "unknown"
        if not known.all():
            options.warn(f"{file.path}: trades of which nobody knows who began them are left out")
            columns = {name: column[known] for name, column in columns.items()}
        yield Rows.of(
            **_times(columns),
            kind=Kind.TRADE,
            side=_sides(file.path, columns["side"], "buy", "sell"),
            price=columns["price"],
            size=columns["amount"],
            flags=LAST,
        )


def _quotes(file: CsvFile, options: ImportOptions) -> Iterator[Rows]:
    instrument = options.instrument
    price, size = Grid(instrument.tick_size, optional=True), Grid(instrument.lot_size, optional=True)
    sides = {"bid_price": price, "bid_amount": size, "ask_price": price, "ask_amount": size}
    blocks = (
        Quotes(_times(columns), *(columns[name] for name in sides))
        for columns in options.of_symbol(file.path, file.blocks({**_TIMES, **sides}))
    )
    return quote_rows(file.path, blocks, as_book=options.quotes_as_book)


def _funding(file: CsvFile, options: ImportOptions) -> Iterator[tuple[int, FundingRate]]:
    """Yield what was said last of each payment, in each block."""
    names = ("funding_timestamp", "funding_rate", "mark_price")
    for columns in options.of_symbol(file.path, file.blocks({**_TIMES, **dict.fromkeys(names, TEXT)})):
        # Some exchanges do not say when they pay, and no row does before the first has been heard of.
        said = (columns["funding_timestamp"] != "") & (columns["funding_rate"] != "")
        times, *rest = (columns[name][said] for name in ("local_timestamp", *names))
        if not len(times):
            continue
        days, due = times // _DAY_US, rest[0]
        ends = np.append((due[1:] != due[:-1]) | (days[1:] != days[:-1]), True)
        for time, *texts in zip(times[ends].tolist(), *(each[ends].tolist() for each in rest), strict=True):
            yield time * 1000, funding_row(file.path, options, int(texts[0]) * 1000, *texts[1:])


def _levels(options: ImportOptions) -> dict[str, Grid]:
    return {"price": Grid(options.instrument.tick_size), "amount": Grid(options.instrument.lot_size)}


def _sides(path: Path, sides: npt.NDArray[Any], up: str, down: str) -> npt.NDArray[Any]:
    ups, downs = sides == up, sides == down
    if not (ups | downs).all():
        raise DataError(f"{path}: side {str(sides[~(ups | downs)][0])!r} is neither {up!r} nor {down!r}")
    return np.where(ups, 1, -1)
