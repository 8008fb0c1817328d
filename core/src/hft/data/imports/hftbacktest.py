"""The ``.npz`` files of hftbacktest, version 2: one array of events, counted in binary floats.

Source: https://hftbacktest.readthedocs.io/en/latest/data.html. Rows that say when *we* saw an event are
taken: those only for the exchange's side are the same events in another order. A row that clears a side up to
a price becomes the levels it takes away. A file that begins with a snapshot begins with an empty book.
Events of single orders (L3) are those that its converter of Databento's files makes: a fill leaves the book
as it is until the change or the removal that follows.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from hft.capture.files import CountedFile
from hft.data.carry import Carry
from hft.data.columns import ORDER_KINDS, Kind
from hft.data.imports.messages import mark_messages
from hft.data.imports.source import ImportOptions, Rank, Source
from hft.data.rows import Rows
from hft.errors import DataError

__all__ = ["open_source"]

_LOCAL, _BUY, _SELL = 1 << 30, 1 << 29, 1 << 28
_EVENT = 0xFF
_DEPTH, _TRADE, _CLEAR, _SNAPSHOT, _BBO = 1, 2, 3, 4, 5
_ADD_ORDER, _CANCEL_ORDER, _MODIFY_ORDER, _FILL = 10, 11, 12, 13
_KINDS = {
    _DEPTH: Kind.LEVEL,
    _SNAPSHOT: Kind.LEVEL,
    _TRADE: Kind.TRADE,
    _CLEAR: Kind.CLEAR,
    _BBO: Kind.QUOTE,
    _ADD_ORDER: Kind.ADD,
    _CANCEL_ORDER: Kind.REMOVE,
    _MODIFY_ORDER: Kind.CHANGE,
    _FILL: Kind.FILL,
}
_WITHOUT_PRICE = (Kind.CLEAR, Kind.REMOVE)
_WITHOUT_SIDE = (Kind.CLEAR, Kind.REMOVE, Kind.CHANGE, Kind.FILL)

_NEEDED = {"ev": "<u8", "exch_ts": "<i8", "local_ts": "<i8", "px": "<f8", "qty": "<f8", "order_id": "<u8"}

_EMPTY = {"kind": Kind.CLEAR, "side": 0, "price": 0, "size": 0}

_BLOCK_ROWS = 1 << 16


def open_source(path: Path, options: ImportOptions, on_bytes: Callable[[int], None]) -> Source:
    """Return the events of a file; what is wrong with it raises `DataError` when it is read."""
    return Source(Rank.UPDATES, mark_messages(_blocks(path, options, on_bytes)))


def _blocks(
    path: Path, options: ImportOptions, on_bytes: Callable[[int], None]
) -> Iterator[tuple[Rows, npt.NDArray[Any]]]:
    book = Carry()
    trades = 0
    is_first = True
    for block in _read(path, on_bytes):
        events = block[(block["ev"] & _LOCAL) != 0]
        if not len(events):
            continue
        rows = _rows(path, events, options)
        parts = []
        if is_first and events["ev"][0] & _EVENT == _SNAPSHOT:
            parts.append(Rows.of(**{**rows[:1].columns(), **_EMPTY}))
        is_first = False
        start = 0
        for at in map(int, np.flatnonzero(rows.kind == Kind.CLEAR)):
            parts.append(rows[start:at])
            book.update(parts[-1])
            parts.append(_cleared(rows[at : at + 1], float(events["px"][at]), book, options))
            book.update(parts[-1])
            start = at + 1
        parts.append(rows[start:])
        book.update(parts[-1])
        whole = Rows.concat(parts)
        # A trade is a message of its own, and so is what of one time is of one kind.
        is_trade, is_quote = whole.kind == Kind.TRADE, whole.kind == Kind.QUOTE
        numbers = trades + np.cumsum(is_trade)
        trades = int(numbers[-1])
        yield whole, np.column_stack([whole.recv_ns, is_quote, is_trade, numbers])


def _rows(path: Path, events: npt.NDArray[Any], options: ImportOptions) -> Rows:
    event = events["ev"] & _EVENT
    kind = np.zeros(len(events), np.uint8)
    for theirs, ours in _KINDS.items():
        kind[event == theirs] = ours
    if not kind.all():
        raise DataError(f"{path}: event {int(event[kind == 0][0])} is of a kind that is not understood")
    side = np.where(events["ev"] & _BUY, 1, np.where(events["ev"] & _SELL, -1, 0))
    if (side[~np.isin(kind, _WITHOUT_SIDE)] == 0).any():
        raise DataError(f"{path}: an event has no side")
    counted = ~np.isin(kind, _WITHOUT_PRICE)
    instrument = options.instrument
    orders = {"order_id": events["order_id"]} if np.isin(kind, ORDER_KINDS).any() else {}
    return Rows.of(
        **orders,
        exchange_ns=events["exch_ts"],
        recv_ns=events["local_ts"],
        kind=kind,
        side=side,
        price=_counts(path, "price", np.where(counted, events["px"], 0.0), float(instrument.tick_size)),
        size=_counts(path, "size", np.where(counted, events["qty"], 0.0), float(instrument.lot_size)),
        flags=np.zeros(len(events)),
    )


def _counts(path: Path, what: str, values: npt.NDArray[Any], step: float) -> npt.NDArray[Any]:
    """Count steps in floats, which are near to a whole count where they are on the grid."""
    counts = np.rint(values / step)
    near = np.abs(values / step - counts) <= 1e-3 + np.abs(counts) * 2.0**-50
    wrong = ~(near & (counts >= 0) & (counts < 2.0**53))
    if wrong.any():
        raise DataError(
            f"{path}: {what} {float(values[wrong][0])!r} is not a multiple of {step!r}, give the step it has"
        )
    return counts.astype(np.int64)


def _cleared(clear: Rows, limit: float, book: Carry, options: ImportOptions) -> Rows:
    """Return what clears as much of the book as a row says: a side, up to a price, or all of it."""
    side = int(clear.side[0])
    levels = book.levels
    gone = levels.side == side
    if np.isfinite(limit) and limit > 0:
        ticks = round(limit / float(options.instrument.tick_size))
        gone &= levels.price >= ticks if side > 0 else levels.price <= ticks
    if not side or not len(levels):
        return Rows.of(**{**clear.columns(), **_EMPTY})
    count = int(np.count_nonzero(gone))
    orders = {} if levels.order_id is None else {"order_id": levels.order_id[gone]}
    return Rows.of(
        **orders,
        exchange_ns=np.repeat(clear.exchange_ns, count),
        recv_ns=np.repeat(clear.recv_ns, count),
        kind=Kind.REMOVE if orders else Kind.LEVEL,
        side=side,
        price=levels.price[gone],
        size=0,
        flags=0,
    )


def _read(path: Path, on_bytes: Callable[[int], None]) -> Iterator[npt.NDArray[Any]]:
    """Yield the events by and by: a whole day of them would not fit."""
    try:
        with CountedFile(path, on_bytes) as raw, zipfile.ZipFile(raw) as archive:
            names = archive.namelist()
            if "data.npy" not in names:
                raise DataError(f"{path}: has no array 'data', it holds {', '.join(names) or 'nothing'}")
            with archive.open("data.npy") as file:
                yield from _events(path, file)
    except (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: damaged: {error}") from None


def _events(path: Path, file: IO[bytes]) -> Iterator[npt.NDArray[Any]]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    kinds: dict[str, Any] = {name: kind for name, (kind, *_) in (dtype.fields or {}).items()}
    if len(shape) != 1 or any(kinds.get(name) != np.dtype(kind) for name, kind in _NEEDED.items()):
        raise DataError(f"{path}: holds no events of hftbacktest 2, let it migrate older ones")
    left = shape[0]
    while left:
        count = min(left, _BLOCK_ROWS)
        data = file.read(count * dtype.itemsize)
        if len(data) < count * dtype.itemsize:
            raise DataError(f"{path}: is cut short")
        yield np.frombuffer(data, dtype)
        left -= count
