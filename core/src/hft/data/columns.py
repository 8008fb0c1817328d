"""The working form of market data: a folder a day and instrument, with one array a column, to be mapped.

::

    ROOT/binance/BTC-USDT/2024-08-08/
        instrument.json     what is traded, and the grid on which prices and sizes are counted
        exchange_ns.npy     int64: when it happened by the exchange's clock, 0 where it does not say
        recv_ns.npy         int64: when we saw it
        kind.npy            uint8: a `Kind`
        side.npy            int8: +1 a bid or a buying aggressor, -1 an ask or a selling one
        price.npy           int64: ticks
        size.npy            int64: lots
        flags.npy           uint8: bit 0 (`LAST`) marks the last event of one message of the exchange
        order_id.npy        uint64: whose order it is; only where orders were recorded one by one

The arrays are little-endian, all of one length, sorted by ``recv_ns`` and then as they came. A book is shown
to nobody between the events of one message.
"""

from __future__ import annotations

import enum
import io
import mmap
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import attrs

from hft.data.listing import decode_listing, encode_listing
from hft.errors import DataError, UsageError
from hft.instrument import Instrument, InstrumentId

try:
    import numpy as np
    import numpy.typing as npt
except ImportError:
    raise UsageError("columns need numpy, type: pip install 'hft-core[data]'") from None

__all__ = [
    "COLUMNS",
    "LAST",
    "ORDER_COLUMNS",
    "ORDER_ID",
    "ORDER_KINDS",
    "ColumnsWriter",
    "Day",
    "Kind",
    "day_folder",
    "find_days",
    "read_day",
]

COLUMNS: Mapping[str, str] = {
    "exchange_ns": "<i8",
    "recv_ns": "<i8",
    "kind": "|u1",
    "side": "|i1",
    "price": "<i8",
    "size": "<i8",
    "flags": "|u1",
}
"""The columns, each with its type as numpy writes it."""

ORDER_ID = "order_id"
ORDER_COLUMNS: Mapping[str, str] = {**COLUMNS, ORDER_ID: "<u8"}
"""The columns where orders were recorded one by one."""

LAST = 1
"""The flag of the last event of one message of the exchange."""

_INSTRUMENT = "instrument.json"

_HEADER_BYTES = 128
"""Room for the header of any length of array, so that it can be written again when the length is known."""

Array = npt.NDArray[Any]


class Kind(enum.IntEnum):
    """What an event is."""

    LEVEL = 1
    """A price level has this size now; 0 deletes it."""
    TRADE = 2
    """A public trade; ``side`` is the aggressor's."""
    CLEAR = 3
    """The book is empty; the levels of a snapshot follow, or nothing where the book was lost."""
    QUOTE = 4
    """One side of the exchange's own ticker of best bid and ask; both stand in one message."""
    ADD = 5
    """An order waits from now on, behind all at its price."""
    CHANGE = 6
    """An order has this price and size now. With another price or a larger size it waits behind all."""
    REMOVE = 7
    """An order waits no more; its side, price and size are not looked at."""
    FILL = 8
    """So much of an order traded. It leaves the book by the change or the removal that follows."""


ORDER_KINDS = (Kind.ADD, Kind.CHANGE, Kind.REMOVE, Kind.FILL)
"""Events of single orders, which have an ``order_id``. They make the book; `Kind.LEVEL` is not among them."""


@attrs.frozen(kw_only=True, eq=False)
class Day:
    """One instrument's events of one day, mapped and not read.

    ``columns`` are by the names in `COLUMNS`, or in `ORDER_COLUMNS` where it ``has_orders``. ``exchange`` is
    what the folder says. Fees are rates, None where nobody wrote them.
    """

    folder: Path
    instrument: Instrument
    maker_fee: Decimal | None
    taker_fee: Decimal | None
    columns: Mapping[str, Array]
    _maps: tuple[mmap.mmap, ...] = attrs.field(default=(), repr=False)
    """None where the columns are in memory."""
    _first: int = 0

    def __len__(self) -> int:
        return len(self.columns["kind"])

    @property
    def has_orders(self) -> bool:
        """Whether orders were recorded one by one."""
        return ORDER_ID in self.columns

    def part(self, first: int, end: int) -> Day:
        """Return the events from one number to before another, mapped as these are."""
        columns = {name: column[first:end] for name, column in self.columns.items()}
        return attrs.evolve(self, columns=columns, first=self._first + first)

    def release(self, events: int) -> None:
        """Let the memory of the first ``events`` go; they can still be read, from the file."""
        for name, mapped in zip(self.columns if self._maps else (), self._maps, strict=True):
            used = _HEADER_BYTES + (self._first + events) * self.columns[name].itemsize
            length = min(used, len(mapped)) // mmap.PAGESIZE * mmap.PAGESIZE
            if length and hasattr(mmap, "MADV_DONTNEED"):
                mapped.madvise(mmap.MADV_DONTNEED, 0, length)


def day_folder(root: Path, instrument: InstrumentId, day: date) -> Path:
    """Return where a day of an instrument belongs: ``ROOT/EXCHANGE/BTC-USDT-USDT/2024-08-08``."""
    return root / instrument.exchange / re.sub(r"[^A-Za-z0-9.]+", "-", instrument.symbol) / day.isoformat()


def find_days(*roots: Path) -> list[Path]:
    """Return the folders of days at and below the roots, sorted; raise `DataError` if there is none."""
    found = {path.parent for root in roots for path in root.rglob(_INSTRUMENT) if not _is_hidden(path, root)}
    if not found:
        raise DataError(f"{', '.join(map(str, roots))}: no columns here, make some with 'hft data convert'")
    return sorted(found)


def _is_hidden(path: Path, root: Path) -> bool:
    """Return whether a folder below the root says that it is not to be seen: it may not be whole."""
    return any(part.startswith(".") for part in path.relative_to(root).parts)


class ColumnsWriter:
    """Writes one day of one instrument, as much at a time as is at hand.

    ``append`` takes arrays by the names in `COLUMNS`, with ``orders`` in `ORDER_COLUMNS`, all of one length.
    What is not closed, or left by an exception, has no ``instrument.json`` and is taken for nothing.
    """

    def __init__(
        self,
        folder: Path,
        instrument: Instrument,
        *,
        orders: bool = False,
        maker_fee: Decimal | None = None,
        taker_fee: Decimal | None = None,
    ) -> None:
        self._folder = folder
        self._columns = ORDER_COLUMNS if orders else COLUMNS
        self._description = encode_listing(instrument, maker_fee, taker_fee)
        self._last_ns = 0
        self._length = 0
        folder.mkdir(parents=True, exist_ok=True)
        for stale in (_INSTRUMENT, f"{ORDER_ID}.npy"):
            (folder / stale).unlink(missing_ok=True)
        self._files: dict[str, BinaryIO] = {
            name: (folder / f"{name}.npy").open("wb") for name in self._columns
        }
        for file in self._files.values():
            file.write(bytes(_HEADER_BYTES))

    def append(self, columns: Mapping[str, npt.ArrayLike]) -> None:
        """Write events; raise `DataError` if they are not sorted by ``recv_ns`` or of unequal length."""
        arrays = {
            name: np.ascontiguousarray(columns[name], dtype=form) for name, form in self._columns.items()
        }
        length = len(arrays["kind"])
        if any(array.shape != (length,) for array in arrays.values()):
            raise DataError(f"{self._folder}: the columns are not of one length")
        recv_ns = arrays["recv_ns"]
        if length and (recv_ns[0] < self._last_ns or bool(np.any(recv_ns[1:] < recv_ns[:-1]))):
            raise DataError(f"{self._folder}: events are not sorted by recv_ns")
        for name, array in arrays.items():
            self._files[name].write(array.data)
        self._length += length
        if length:
            self._last_ns = int(recv_ns[-1])

    def close(self) -> None:
        """Finish the day: from here on it can be read."""
        for name, file in self._files.items():
            file.seek(0)
            file.write(_header(self._columns[name], self._length))
        self._close_files()
        (self._folder / _INSTRUMENT).write_bytes(self._description)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._close_files()

    def _close_files(self) -> None:
        for file in self._files.values():
            file.close()


def read_day(folder: Path, exchange: str | None = None) -> Day:
    """Map a day's columns; raise `DataError` for what is not of this form.

    ``exchange`` is the key that the instrument is to have, that of the folder by default.
    """
    try:
        listing = decode_listing((folder / _INSTRUMENT).read_bytes(), exchange)
    except (OSError, DataError) as error:
        raise DataError(f"{folder / _INSTRUMENT}: {error}") from None
    columns, maps = {}, []
    has_orders = (folder / f"{ORDER_ID}.npy").exists()
    for name, form in (ORDER_COLUMNS if has_orders else COLUMNS).items():
        columns[name], mapped = _map(folder / f"{name}.npy", form)
        maps.append(mapped)
    if len({len(column) for column in columns.values()}) > 1:
        raise DataError(f"{folder}: the columns are not of one length")
    return Day(
        folder=folder,
        instrument=listing.instrument,
        maker_fee=listing.maker_fee,
        taker_fee=listing.taker_fee,
        columns=columns,
        maps=tuple(maps),
    )


def _map(path: Path, form: str) -> tuple[Array, mmap.mmap]:
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            if version != (1, 0):
                raise DataError(f"{path}: version {version} of the .npy format, expected 1.0")
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            offset = file.tell()
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: {error}") from None
    if dtype.str != form or len(shape) != 1:
        raise DataError(f"{path}: is of type {dtype.str}{list(shape)}, expected {form} in one dimension")
    if len(mapped) < offset + shape[0] * dtype.itemsize:
        raise DataError(f"{path}: is cut short")
    return np.frombuffer(mapped, dtype=dtype, count=shape[0], offset=offset), mapped


def _header(form: str, length: int) -> bytes:
    """Return the header of a ``.npy`` file, filled up with spaces to `_HEADER_BYTES`."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": form, "fortran_order": False, "shape": (length,)})
    # Eight bytes of magic and version, two of length, then text that may be filled up with spaces.
    written = buffer.getvalue()
    text = written[10:].rstrip().ljust(_HEADER_BYTES - 11) + b"\n"
    return written[:8] + len(text).to_bytes(2, "little") + text
