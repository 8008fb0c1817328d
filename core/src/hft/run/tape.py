"""Find the recorded days that a backtest needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import attrs

from hft.data import Day, find_days, read_day
from hft.errors import DataError, UsageError
from hft.instrument import Instrument, InstrumentId
from hft.profile import Profile
from hft.spelling import did_you_mean

__all__ = ["Tape", "find_tapes"]


@attrs.frozen(kw_only=True, eq=False)
class Tape:
    """What is recorded of one instrument: its days in the order of time, from ``first_ns`` to ``last_ns``."""

    instrument: Instrument
    folders: tuple[Path, ...]
    events: int
    first_ns: int
    last_ns: int

    def days(self) -> Iterator[Day]:
        """Map one day after the other."""
        return map(read_day, self.folders)


@attrs.frozen(kw_only=True, eq=False)
class _Recorded:
    """What is known of a day without having it mapped: of a year that would be too many files."""

    folder: Path
    instrument: Instrument
    events: int
    first_ns: int
    last_ns: int


def find_tapes(profile: Profile, wanted: Sequence[InstrumentId], paths: Sequence[Path]) -> list[Tape]:
    """Find the days of the wanted instruments at and below the paths.

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
        tapes.append(_tape(instrument, sorted(days, key=lambda day: day.first_ns)))
    return tapes


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
