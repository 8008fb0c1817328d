"""Find the recorded days that a backtest needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from hft.data import LAST, Day, Kind, find_days, read_day
from hft.data.carry import Carry
from hft.data.rows import CARRIED, Rows
from hft.errors import DataError, UsageError
from hft.funding import FUNDING, FundingRate, read_funding
from hft.instrument import Instrument, InstrumentId
from hft.paper import QueueModelName
from hft.profile import Profile
from hft.spelling import did_you_mean

__all__ = ["Span", "Tape", "find_tapes"]

_BLOCK = 1 << 18
"""Rows that are looked at together for what a span begins with."""


@attrs.frozen
class Span:
    """A part of the recorded time, in nanoseconds UTC: from ``begin_ns`` to before ``end_ns``."""

    begin_ns: int
    end_ns: int


@attrs.frozen(kw_only=True, eq=False)
class Tape:
    """What is recorded of one instrument: its days in the order of time, from ``first_ns`` to ``last_ns``.

    With a ``begin_ns`` it begins there, with the book as it was then.
    """

    instrument: Instrument
    folders: tuple[Path, ...]
    events: int
    first_ns: int
    last_ns: int
    begin_ns: int | None = None

    def days(self) -> Iterator[Day]:
        """Map one day after the other."""
        folders = self.folders
        if self.begin_ns is not None:
            number, row, opening = _find_begin(folders, self.begin_ns)
            yield opening
            day = read_day(folders[number])
            yield day.part(row, len(day))
            folders = folders[number + 1 :]
        yield from map(read_day, folders)

    def funding(self) -> list[FundingRate]:
        """Return what the days say of funding, in their order; raise `DataError` where it is damaged."""
        found = []
        for folder in self.folders:
            try:
                found += read_funding(folder / FUNDING)
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                raise DataError(f"{folder / FUNDING}: {error}") from None
        return found


@attrs.frozen(kw_only=True, eq=False)
class _Recorded:
    """What is known of a day without having it mapped: of a year that would be too many files."""

    folder: Path
    instrument: Instrument
    events: int
    first_ns: int
    last_ns: int


def find_tapes(
    profile: Profile, wanted: Sequence[InstrumentId], paths: Sequence[Path], span: Span | None = None
) -> list[Tape]:
    """Find the days of the wanted instruments at and below the paths, or what a span has of them.

    Data of an exchange belong to the exchange of the profile that has their name as its key or, where none
    has, as its plugin. Raises `UsageError` where there are none of an instrument, `DataError` where they do
    not fit together.
    """
    found: dict[str, list[_Recorded]] = {}
    for folder in find_days(*paths):
        recorded = _look(read_day(folder))
        if recorded is not None:
            found.setdefault(str(recorded.instrument), []).append(recorded)
    tapes = []
    for instrument in wanted:
        names = (str(instrument), f"{instrument.symbol}@{profile.exchanges[instrument.exchange].use}")
        days = next((found[name] for name in names if name in found), None)
        if days is None:
            known, where = ", ".join(sorted(found)) or "none at all", ", ".join(map(str, paths))
            hint = did_you_mean(str(instrument), found)
            raise UsageError(f"{where}: no data of {instrument}{hint}; there are {known}")
        is_l3 = profile.exchanges[instrument.exchange].paper.queue is QueueModelName.L3
        for day in days:
            _check_orders(day.folder, is_l3=is_l3)
        tape = _tape(instrument, sorted(days, key=lambda day: day.first_ns))
        tapes.append(tape if span is None else _cut(tape, span))
    return tapes


def _check_orders(folder: Path, *, is_l3: bool) -> None:
    """Raise `DataError` for a day on which ``queue: l3`` would be wrong, or whose orders make no book."""
    day = read_day(folder)
    if not day.has_orders:
        if is_l3:
            raise DataError(
                f"{folder}: queue: l3 needs data with single orders, and these have no order_id:"
                " choose another queue"
            )
        return
    kinds = np.zeros(256, np.int64)
    for start in range(0, len(day), _BLOCK):
        kinds += np.bincount(day.columns["kind"][start : start + _BLOCK], minlength=256)
    if kinds[Kind.LEVEL]:
        raise DataError(f"{folder}: has levels beside single orders, see 'hft data check'")
    if is_l3 and kinds[Kind.TRADE] and not kinds[Kind.FILL]:
        raise DataError(
            f"{folder}: has trades, but does not say which orders they filled, without which queue: l3"
            " fills nobody: choose another queue"
        )


def _cut(tape: Tape, span: Span) -> Tape:
    first_ns, last_ns = max(tape.first_ns, span.begin_ns), min(tape.last_ns, span.end_ns - 1)
    if first_ns > last_ns:
        raise DataError(f"no data of {tape.instrument} from {span.begin_ns} to {span.end_ns} ns")
    begin_ns = span.begin_ns if span.begin_ns > tape.first_ns else None
    return attrs.evolve(tape, first_ns=first_ns, last_ns=last_ns, begin_ns=begin_ns)


@lru_cache(maxsize=64)
def _find_begin(folders: tuple[Path, ...], begin_ns: int) -> tuple[int, int, Day]:
    """Find the day and the row with which a time begins, and what is in the book until then.

    Remembered, since whoever runs over a span runs over it many times.
    """
    row, number = 0, len(folders) - 1
    while True:
        day = read_day(folders[number])
        row = int(np.searchsorted(day.columns["recv_ns"], begin_ns))
        if row or not number:
            break
        number -= 1
    while 0 < row < len(day) and not day.columns["flags"][row - 1] & LAST:
        row -= 1  # a message is not parted
    start = next((each for each in range(number, 0, -1) if _begins_with_a_book(read_day(folders[each]))), 0)
    book = Carry()
    for each in range(start, number + 1):
        rows = Rows(**read_day(folders[each]).columns)
        end = row if each == number else len(rows)
        for block in range(0, end, _BLOCK):
            book.update(rows[block : min(block + _BLOCK, end)])
    return number, row, attrs.evolve(day, columns=_message(book.levels, begin_ns), maps=())


def _message(levels: Rows, time_ns: int) -> dict[str, npt.NDArray[Any]]:
    """Return the levels as one message of that time; a book without any needs none."""
    flags = np.zeros(len(levels), levels.flags.dtype)
    flags[-1:] = LAST
    times = np.full(len(levels), time_ns)
    return {**levels.columns(), "exchange_ns": times, "recv_ns": times, "flags": flags}


def _begins_with_a_book(day: Day) -> bool:
    return bool(len(day)) and bool(day.columns["kind"][0] == Kind.CLEAR or day.columns["flags"][0] & CARRIED)


def _look(day: Day) -> _Recorded | None:
    times = day.columns["recv_ns"]
    if not len(day):
        return None
    return _Recorded(
        folder=day.folder,
        instrument=day.instrument,
        events=len(day),
        first_ns=int(times[0]),
        last_ns=int(times[-1]),
    )


def _tape(wanted: InstrumentId, days: Sequence[_Recorded]) -> Tape:
    first = days[0].instrument
    for day in days:
        grid = day.instrument
        if (grid.tick_size, grid.lot_size, grid.contract_multiplier) != (
            first.tick_size,
            first.lot_size,
            first.contract_multiplier,
        ):
            raise DataError(
                f"{day.folder}: {wanted} has a tick of {grid.tick_size:f} and a lot of {grid.lot_size:f}"
                " here, and others before; run these days by themselves"
            )
    for before, after in pairwise(days):
        if after.first_ns < before.last_ns:
            raise DataError(f"{after.folder}: begins before {before.folder} has ended")
    return Tape(
        # Made anew, not changed: instruments are told apart by being objects of their own.
        instrument=attrs.evolve(first, id=wanted),
        folders=tuple(day.folder for day in days),
        events=sum(day.events for day in days),
        first_ns=days[0].first_ns,
        last_ns=days[-1].last_ns,
    )
