"""What a sweep found: printed for people, or as one JSON object."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import attrs
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hft.clock import NS_PER_S
from hft.run.tape import Span
from hft.sweep.figures import exact
from hft.sweep.search import TrialRecord
from hft.sweep.space import Direction, Space
from hft.sweep.windows import Window
from hft.sweep.work import Outcome

__all__ = ["SearchResult", "SweepResult", "amount", "shown", "when"]

_SHOWN_TRIALS = 10
_SHOWN_ERRORS = 3


@attrs.frozen(kw_only=True)
class SearchResult:
    """One search: its trials by number, the one that it chose, and how that was judged on the time behind."""

    window: Window
    trials: Sequence[TrialRecord]
    chosen: TrialRecord | None
    judged: Outcome | None

    @property
    def failed(self) -> int:
        """How many trials failed."""
        return sum(each.error is not None for each in self.trials)


@attrs.frozen(kw_only=True)
class SweepResult:
    """The searches of a sweep in the order of their windows; ``left`` is how many runs it still lacks."""

    profile: str
    space: Space
    searches: Sequence[SearchResult]
    left: int

    @property
    def is_walk_forward(self) -> bool:
        """Whether what was chosen is judged on data that were not searched."""
        return self.space.walk_forward is not None

    def judged(self, search: SearchResult) -> Decimal | None:
        """Return the objective of what a search chose, on the time behind."""
        figures = None if search.judged is None else search.judged.figures
        value = None if figures is None else figures.get(self.space.objective.figure)
        return None if value is None else exact(value)

    def means(self) -> tuple[Decimal, Decimal] | None:
        """Return the mean objective of what was chosen, in trainings and in tests; None if any lacks."""
        trained, tested = [], []
        for search in self.searches:
            train = None if search.chosen is None else search.chosen.objective
            test = self.judged(search)
            if train is None or test is None:
                return None
            trained.append(train)
            tested.append(test)
        count = len(self.searches)
        return sum(trained, Decimal(0)) / count, sum(tested, Decimal(0)) / count

    def ranked(self, search: SearchResult) -> list[TrialRecord]:
        """Return the trials that did not fail, the best first, behind them what violates constraints."""
        sign = -1 if self.space.objective.direction is Direction.MAXIMISE else 1
        done = [(each, each.objective) for each in search.trials if each.objective is not None]
        return [
            each for each, value in sorted(done, key=lambda it: (not it[0].keeps, sign * it[1], it[0].number))
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``hft sweep --json`` prints: the same for the same input."""
        return {
            "profile": self.profile,
            "objective": self.space.objective.figure,
            "direction": self.space.objective.direction.value,
            "complete": not self.left,
            "searches": [self._search(each) for each in self.searches],
        }

    def render(self) -> RenderableType:
        """Return what a person sees at the end."""
        parts: list[RenderableType] = []
        for number, search in enumerate(self.searches, 1):
            title = f"search {number} of {len(self.searches)}" if self.is_walk_forward else "best trials"
            parts.append(self._trials_table(search, title))
            parts += self._notes(search)
        if self.is_walk_forward:
            parts.append(self._windows_table())
        elif any(each.chosen for each in self.searches):
            parts.append("chosen and judged on the same data: --walk-forward judges on data not searched")
        return Group(*parts)

    def _search(self, search: SearchResult) -> dict[str, Any]:
        judged = search.judged
        return {
            "train": _span(search.window.train),
            "test": _span(search.window.test),
            "chosen": None
            if search.chosen is None
            else _trial(search.chosen) | {"figures": search.chosen.figures},
            "judged": None
            if judged is None
            else {"objective": _text(self.judged(search)), "figures": judged.figures, "error": judged.error},
            "trials": [_trial(each) for each in search.trials],
        }

    def _trials_table(self, search: SearchResult, title: str) -> Table:
        table = Table(title=f"{title}, {len(search.trials):,} done, {search.failed:,} failed")
        for name in ("trial", self.space.objective.figure):
            table.add_column(name, justify="right", overflow="fold")
        table.add_column("constraints") if self.space.constraints else None
        for parameter in self.space.parameters:
            table.add_column(parameter.path, justify="right", overflow="fold")
        for each in self.ranked(search)[:_SHOWN_TRIALS]:
            kept = ["kept" if each.keeps else "violated"] if self.space.constraints else []
            values = [shown(each.values[parameter.path]) for parameter in self.space.parameters]
            table.add_row(str(each.number), amount(each.objective), *kept, *values)
        return table

    def _notes(self, search: SearchResult) -> Iterator[Text]:
        errors = [each for each in search.trials if each.error is not None]
        for each in errors[:_SHOWN_ERRORS]:
            yield Text(f"trial {each.number} failed: {each.error}", style="red")
        if len(errors) > _SHOWN_ERRORS:
            yield Text(f"{len(errors) - _SHOWN_ERRORS:,} more failed, --json has them all", style="red")
        if search.trials and search.chosen is None:
            yield Text("nothing is chosen: no trial came to its end and keeps the constraints", style="red")

    def _windows_table(self) -> Table:
        figure = self.space.objective.figure
        table = Table(title=f"walk-forward, {figure} of what was chosen, UTC")
        for name in ("train", "test", "trial"):
            table.add_column(name)
        for name in ("searched", "not searched"):
            table.add_column(name, justify="right", overflow="fold")
        for search in self.searches:
            window, chosen = search.window, search.chosen
            judged = self.judged(search)
            table.add_row(
                *(
                    f"{when(span.begin_ns)} to {when(span.end_ns)}"
                    for span in (window.train, window.test)
                    if span
                ),
                "-" if chosen is None else str(chosen.number),
                amount(None if chosen is None else chosen.objective),
                amount(judged)
                if search.judged is None or search.judged.error is None
                else search.judged.error,
            )
        means = self.means()
        if means is not None:
            table.add_row("mean", "", "", *map(amount, means))
        return table


def shown(value: str) -> str:
    """Return a value of a profile without its quotes."""
    return value[1:-1] if value.startswith('"') else value


def amount(value: Decimal | None) -> str:
    """Print a figure for a person."""
    return "-" if value is None else f"{value:,.8f}".rstrip("0").rstrip(".")


def when(time_ns: int) -> str:
    """Print a time for a person."""
    return datetime.fromtimestamp(time_ns // NS_PER_S, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _trial(each: TrialRecord) -> dict[str, Any]:
    return {
        "number": each.number,
        "values": {path: shown(value) for path, value in each.values.items()},
        "objective": _text(each.objective),
        "keeps_constraints": each.keeps,
        "error": each.error,
    }


def _span(span: Span | None) -> dict[str, int] | None:
    return None if span is None else {"begin_ns": span.begin_ns, "end_ns": span.end_ns}


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"
