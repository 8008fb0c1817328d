"""Measure several ways of doing one thing in one process, in turns."""

from __future__ import annotations

import gc
import statistics
import timeit
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

__all__ = ["Contestant", "Figure", "Plan", "Row", "measure"]

_MAX_BATCH = 10_000_000


@attrs.frozen(kw_only=True)
class Contestant:
    """One way of doing it: a statement, run over and over with ``names`` as its globals.

    ``operations`` is how often one run of the statement does what the row is about: short things are
    written several times into one statement, so that the loop around it does not count.
    """

    name: str
    statement: str
    names: Mapping[str, Any]
    operations: int = 1
    note: str = ""


@attrs.frozen(kw_only=True)
class Row:
    """What is compared. The first contestant is the one that the others are compared with.

    ``missing`` names those that could not take part, with the reason. ``published_ns`` is a figure
    from elsewhere, shown beside the table and never measured here.
    """

    name: str
    contestants: Sequence[Contestant]
    missing: Mapping[str, str] = attrs.Factory(dict)
    published_ns: float | None = None


@attrs.frozen(kw_only=True)
class Plan:
    """``rounds`` turns of at least ``round_ns`` each, after ``warm_ups`` turns that do not count."""

    rounds: int = 25
    round_ns: int = 10_000_000
    warm_ups: int = 2


@attrs.frozen(kw_only=True)
class Figure:
    """What one contestant took for one operation, in nanoseconds.

    ``times_first`` is the median over all rounds of its time by the first contestant's time in the
    same round: what slows the machine for a while slows both.
    """

    name: str
    note: str
    median_ns: float
    low_ns: float
    high_ns: float
    times_first: float


class _Turn:
    """One contestant's loop, and how many runs of it last long enough."""

    def __init__(self, contestant: Contestant, plan: Plan) -> None:
        self.contestant = contestant
        self._timer = timeit.Timer(contestant.statement, globals=dict(contestant.names))
        self._batch = 1
        while (
            self.take_ns() * self._batch * contestant.operations < plan.round_ns and self._batch < _MAX_BATCH
        ):
            self._batch *= 2

    def take_ns(self) -> float:
        """Run the loop once and return the nanoseconds of one operation; timeit holds the collector."""
        return self._timer.timeit(self._batch) * 1e9 / self._batch / self.contestant.operations


def measure(row: Row, plan: Plan) -> list[Figure]:
    """Measure a row: in every round each contestant has its turn, beginning with another one."""
    turns = [_Turn(contestant, plan) for contestant in row.contestants]
    samples: list[list[float]] = [[] for _ in turns]
    gc.collect()
    for number in range(-plan.warm_ups, plan.rounds):
        for offset in range(len(turns)):
            index = (number + offset) % len(turns)
            taken_ns = turns[index].take_ns()
            if number >= 0:
                samples[index].append(taken_ns)
    return [_figure(turn.contestant, taken, samples[0]) for turn, taken in zip(turns, samples, strict=True)]


def _figure(contestant: Contestant, taken: Sequence[float], first: Sequence[float]) -> Figure:
    ordered = sorted(taken)
    return Figure(
        name=contestant.name,
        note=contestant.note,
        median_ns=statistics.median(taken),
        low_ns=ordered[len(ordered) // 10],
        high_ns=ordered[-1 - len(ordered) // 10],
        times_first=statistics.median(mine / other for mine, other in zip(taken, first, strict=True)),
    )
