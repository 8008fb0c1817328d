"""Binance's archive: ``aggTrades``, ``trades``, ``bookTicker``, ``fundingRate``, and files of depth.

Sources: https://github.com/binance/binance-public-data (trades and tickers; zipped, older files without a
header) and https://www.binance.com/en/landing/data (``depth_snap`` and ``depth_update``). The archive knows
only the exchange's time, in milliseconds and, for spot since 2025, in microseconds: when data would have been
received is ``latency_ns`` later. Files of some months have their rows out of order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
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

_NAMES: Mapping[str, tuple[str, ...]] = {
    "aggTrades": (
        "agg_trade_id",
        "price",
        "quantity",
        "first_trade_id",
        "last_trade_id",
        "transact_time",
        "is_buyer_maker",
        "is_best_match",
    ),
    "trades": ("id", "price", "qty", "quote_qty", "time", "is_buyer_maker", "is_best_match"),
    "bookTicker": (
        "update_id",
        "best_bid_price",
        "best_bid_qty",
        "best_ask_price",
        "best_ask_qty",
        "transaction_time",
        "event_time",
    ),
    "fundingRate": ("calc_time", "funding_interval_hours", "last_funding_rate"),
    "depth": (
        "symbol",
        "timestamp",
        "trans_id",
        "first_update_id",
        "last_update_id",
        "side",
        "update_type",
        "price",
        "qty",
    ),
}
"""The columns of each kind where there is no header; the last may be missing."""

_NEEDED: Mapping[str, frozenset[str]] = {
    "aggTrades": frozenset({"price", "quantity", "transact_time", "is_buyer_maker"}),
    "trades": frozenset({"price", "qty", "time", "is_buyer_maker"}),
    "bookTicker": frozenset(
        {"best_bid_price", "best_bid_qty", "best_ask_price", "best_ask_qty", "transaction_time"}
    ),
    "fundingRate": frozenset({"calc_time", "last_funding_rate"}),
    "depth": frozenset({"timestamp", "side", "price", "qty"}),
}


def open_source(path: Path, options: ImportOptions, on_bytes: Callable[[int], None]) -> Source:
    """Look at a file; raise `DataError` if it is none of these, or if it cannot be told which."""
    file = CsvFile.open(path, on_bytes)
    kind = options.kind or _kind(file)
    names = None
    if not file.has_header:
        names = _NAMES[kind][: len(file.first)]
        if len(file.first) > len(_NAMES[kind]):
            raise DataError(f"{path}: has {len(file.first)} columns, {kind} has {len(_NAMES[kind])}")
    if missing := _NEEDED[kind] - set(names or file.first):
        raise DataError(f"{path}: has no column {', '.join(sorted(missing))}, which {kind} has")
    if kind == "depth":
        is_snapshot = "snap" in path.name
        return Source(
            Rank.SNAPSHOTS if is_snapshot else Rank.UPDATES, _depth(file, names, is_snapshot, options)
        )
    if kind == "fundingRate":
        return Source(Rank.QUOTES, iter(()), _funding(file, names, options))
    if kind == "bookTicker":
        return Source(Rank.QUOTES, _tickers(file, names, options))
    return Source(Rank.TRADES, _trades(file, names, kind, options))


def _kind(file: CsvFile) -> str:
    if file.has_header:
        names = set(file.first)
        if "percentage" in names:
            raise DataError(
                f"{file.path}: bookDepth says how much stands within percentages of a price, which is no book"
            )
        for kind, needed in _NEEDED.items():
            if needed <= names:
                return kind
    for kind in _NEEDED:
        if kind in file.path.name:
            return kind
    raise DataError(f"{file.path}: neither its name nor a header says what it holds, choose one with --kind")


def _times(columns: Columns, name: str, options: ImportOptions) -> dict[str, Any]:
    exchange_ns = columns[name] * options.time_unit.nanoseconds(columns[name])
    return {"exchange_ns": exchange_ns, "recv_ns": exchange_ns + options.latency_ns}


def _trades(
    file: CsvFile, names: tuple[str, ...] | None, kind: str, options: ImportOptions
) -> Iterator[Rows]:
    time, size = ("transact_time", "quantity") if kind == "aggTrades" else ("time", "qty")
    grids = {"price": Grid(options.instrument.tick_size), size: Grid(options.instrument.lot_size)}
    for columns in file.blocks({time: INT, "is_buyer_maker": BOOL, **grids}, names):
        yield Rows.of(
            **_times(columns, time, options),
            kind=Kind.TRADE,
            side=np.where(columns["is_buyer_maker"].astype(bool), -1, 1),
            price=columns["price"],
            size=columns[size],
            flags=LAST,
        )


def _tickers(file: CsvFile, names: tuple[str, ...] | None, options: ImportOptions) -> Iterator[Rows]:
    price, size = Grid(options.instrument.tick_size), Grid(options.instrument.lot_size)
    sides = {"best_bid_price": price, "best_bid_qty": size, "best_ask_price": price, "best_ask_qty": size}
    types: dict[str, Any] = {"transaction_time": INT, **sides}
    read = file.blocks(types, names)
    if options.quotes_as_book and not _is_in_order(file, names):
        options.warn(f"{file.path}: rows are out of order, and sorted in memory")
        read = _in_order(file.blocks({"update_id": INT, **types}, names))
    blocks = (
        Quotes(_times(columns, "transaction_time", options), *(columns[name] for name in sides))
        for columns in read
    )
    return quote_rows(file.path, blocks, as_book=options.quotes_as_book)


def _is_in_order(file: CsvFile, names: tuple[str, ...] | None) -> bool:
    """Read the times alone, which takes a fraction of what reading all does."""
    last = 0
    for columns in attrs.evolve(file, on_bytes=lambda count: None).blocks({"transaction_time": INT}, names):
        times = columns["transaction_time"]
        if len(times) and (times[0] < last or (times[1:] < times[:-1]).any()):
            return False
        last = int(times[-1]) if len(times) else last
    return True


def _in_order(blocks: Iterator[Columns]) -> Iterator[Columns]:
    """Yield all rows as one block, by the number of the update."""
    read = list(blocks)
    whole = {name: np.concatenate([columns[name] for columns in read]) for name in read[0]}
    order = np.argsort(whole["update_id"], kind="stable")
    yield {name: column[order] for name, column in whole.items()}


def _funding(
    file: CsvFile, names: tuple[str, ...] | None, options: ImportOptions
) -> Iterator[tuple[int, FundingRate]]:
    """Yield what was paid; each is known when it is."""
    for columns in file.blocks({"calc_time": INT, "last_funding_rate": TEXT}, names):
        times = columns["calc_time"] * options.time_unit.nanoseconds(columns["calc_time"])
        for time_ns, rate in zip(times.tolist(), columns["last_funding_rate"].tolist(), strict=True):
            yield time_ns, funding_row(file.path, options, time_ns, rate)


def _depth(
    file: CsvFile, names: tuple[str, ...] | None, is_snapshot: bool, options: ImportOptions
) -> Iterator[Rows]:
    there = names or file.first
    types: dict[str, Any] = {
        "timestamp": INT,
        "side": TEXT,
        "price": Grid(options.instrument.tick_size),
        "qty": Grid(options.instrument.lot_size),
    }
    optional = {"last_update_id": INT, "update_type": TEXT, "symbol": TEXT}
    types |= {name: kind for name, kind in optional.items() if name in there}

    def blocks() -> Iterator[tuple[Rows, npt.NDArray[Any]]]:
        before: npt.NDArray[Any] = np.full((1, 3), -1)
        read = file.blocks(types, names)
        for columns in options.of_symbol(file.path, read) if "symbol" in types else read:
            how = columns.get("update_type", np.full(len(columns["side"]), ""))
            rows = Rows.of(
                **_times(columns, "timestamp", options),
                kind=Kind.LEVEL,
                side=_sides(file.path, columns["side"]),
                price=columns["price"],
                size=np.where(how == "delete", 0, columns["qty"]),
                flags=0,
            )
            snapshot = (how == "snap") | is_snapshot
            update = columns.get("last_update_id", np.zeros(len(rows), np.int64))
            keys = np.column_stack([rows.recv_ns, update, snapshot])
            begins = np.any(keys != np.concatenate([before, keys[:-1]]), axis=1)
            before = keys[-1:]
            yield insert_clears(rows, keys, np.flatnonzero(begins & snapshot))

    return mark_messages(blocks())


def _sides(path: Path, sides: npt.NDArray[Any]) -> npt.NDArray[Any]:
    bids, asks = np.isin(sides, ("b", "bid", "buy")), np.isin(sides, ("a", "ask", "sell"))
    if not (bids | asks).all():
        raise DataError(f"{path}: side {str(sides[~(bids | asks)][0])!r} is neither 'b' nor 'a'")
    return np.where(bids, 1, -1)
