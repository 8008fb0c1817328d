"""Write rows of many instruments and days, and let nobody see a day that is not whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TypeAlias

import attrs
import numpy as np

from hft.clock import NS_PER_S
from hft.data.carry import Carry
from hft.data.columns import ColumnsWriter, day_folder
from hft.data.parquet import ParquetWriter, parquet_folder
from hft.data.rows import Rows
from hft.data.spill import Spill
from hft.data.staging import Staging
from hft.errors import DataError
from hft.funding import FUNDING, FundingRate, write_funding
from hft.instrument import Instrument, InstrumentId

__all__ = ["BLOCK_ROWS", "FORMS", "Form", "Progress", "Store", "Written", "no_progress"]

BLOCK_ROWS = 1 << 18
"""Rows that are in memory at once while a day is written: 9 MB."""

_DAY_NS = 24 * 3600 * NS_PER_S
_EPOCH = date(1970, 1, 1)
Progress: TypeAlias = Callable[[int, int], None]
"""Called with how much more is done, and how much there is to do in all."""


def no_progress(more: int, total: int) -> None:
    """Tell nobody."""


class _Writer(Protocol):
    def append(self, columns: Mapping[str, Any], /) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class _NewWriter(Protocol):
    def __call__(
        self,
        folder: Path,
        instrument: Instrument,
        /,
        *,
        orders: bool,
        maker_fee: Decimal | None,
        taker_fee: Decimal | None,
    ) -> _Writer: ...


@attrs.frozen
class Form:
    """A form on disk: where a day of an instrument belongs, and what writes it."""

    folder: Callable[[Path, InstrumentId, date], Path]
    writer: _NewWriter


FORMS = {"columns": Form(day_folder, ColumnsWriter), "parquet": Form(parquet_folder, ParquetWriter)}
"""The forms by the name that the command line gives them."""


@attrs.frozen(kw_only=True)
class Written:
    """A day that was written."""

    instrument: InstrumentId
    day: date
    rows: int
    folder: Path


class Store:
    """Takes rows in any order of instruments and days, and publishes whole days at the end.

    Rows wait in files below ``root``; `finish` sorts them by ``recv_ns``, writes every day beside its place
    and moves all of them there. A day begins with the levels that the day before left in the book, where
    that was written as well. Days that are there already are refused unless ``overwrite``. At most about
    ``block_rows`` rows are in memory at a time.
    """

    def __init__(
        self,
        root: Path,
        form: Form,
        *,
        overwrite: bool = False,
        maker_fee: Decimal | None = None,
        taker_fee: Decimal | None = None,
        block_rows: int = BLOCK_ROWS,
    ) -> None:
        self._form = form
        self._fees = {"maker_fee": maker_fee, "taker_fee": taker_fee}
        self._block = block_rows
        self._spills: dict[tuple[InstrumentId, int], Spill] = {}
        self._funding: dict[tuple[InstrumentId, int], dict[int, FundingRate]] = {}
        self._staging = Staging(root, overwrite=overwrite)

    def __enter__(self) -> Self:
        self._staging.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._staging.__exit__(kind, error, trace)

    def add(self, instrument: Instrument, rows: Rows) -> None:
        """Take rows; raise `DataError` if those of their day so far are counted on another grid."""
        if not len(rows):
            return
        days = rows.recv_ns // _DAY_NS
        if days[0] == days[-1] and (days == days[0]).all():
            self._spill(instrument, int(days[0])).append(rows)
            return
        for day in np.unique(days):
            self._spill(instrument, int(day)).append(rows[days == day])

    def add_funding(self, instrument: Instrument, recv_ns: int, rate: FundingRate) -> None:
        """Take what was known at a time of a payment; what is told later of the same one replaces it."""
        self._funding.setdefault((instrument.id, recv_ns // _DAY_NS), {})[rate.time_ns] = rate

    def finish(self, progress: Progress = no_progress) -> list[Written]:
        """Write and publish every day; return them by instrument and day."""
        total = sum(spill.length for spill in self._spills.values())
        written = []
        carry = Carry()
        for (instrument_id, day), spill in sorted(self._spills.items(), key=_order):
            before = self._spills.get((instrument_id, day - 1))
            if before is None or _what(before) != _what(spill):
                carry = Carry()
            is_carried = (instrument_id, day + 1) in self._spills
            opening = carry.message(day * _DAY_NS)
            when = _EPOCH + timedelta(days=day)
            place = self._form.folder(self._staging.root, instrument_id, when)
            beside = self._staging.stage(place)
            orders = spill.has_orders
            with self._form.writer(beside, spill.instrument, orders=orders, **self._fees) as writer:
                writer.append(opening.columns(orders=orders))
                for rows in spill.blocks(self._block):
                    writer.append(rows.columns(orders=orders))
                    if is_carried:
                        carry.update(rows)
                    progress(len(rows), total)
            if funding := self._funding.get((instrument_id, day)):
                write_funding(beside / FUNDING, [funding[time_ns] for time_ns in sorted(funding)])
            spill.path.unlink()
            written.append(
                Written(instrument=instrument_id, day=when, rows=len(opening) + spill.length, folder=place)
            )
        self._staging.publish()
        return written

    def _spill(self, instrument: Instrument, day: int) -> Spill:
        spill = self._spills.get((instrument.id, day))
        if spill is None:
            path = self._staging.folder / f"rows-{len(self._spills)}"
            spill = self._spills[instrument.id, day] = Spill(path, instrument)
        if _grid(spill.instrument) != _grid(instrument):
            was, now = (
                " and ".join(f"{each:f}" for each in _grid(one)[:2]) for one in (spill.instrument, instrument)
            )
            raise DataError(
                f"{instrument}: ticks and lots change from {was} to {now} on {_EPOCH + timedelta(days=day)}:"
                " convert what is before and what is after into folders of their own"
            )
        return spill


def _grid(instrument: Instrument) -> tuple[Decimal, ...]:
    return instrument.tick_size, instrument.lot_size, instrument.contract_multiplier


def _what(spill: Spill) -> tuple[object, ...]:
    return spill.has_orders, *_grid(spill.instrument)


def _order(item: tuple[tuple[InstrumentId, int], Spill]) -> tuple[str, str, int]:
    (instrument, day), _ = item
    return instrument.exchange, instrument.symbol, day
