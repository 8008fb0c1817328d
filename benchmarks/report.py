"""Print what was measured, ratios first, and store it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from rich.console import Console
from rich.table import Table

from benchmarks.machine import Machine
from benchmarks.memory import COUNT, LEVELS, MemoryFigure
from benchmarks.samples import Sampled
from benchmarks.schedule import Figure, Plan, Row

__all__ = ["Report", "duration"]

_METHOD = (
    "one process; in every round each contestant has its turn, beginning with another one; a turn repeats"
    " what it measures until it lasts long enough; warm-up turns are not counted; the garbage collector"
    " waits; median over the rounds, and the median of the ratios to the first contestant in the same round"
)


@attrs.frozen(kw_only=True)
class Report:
    """Everything that one run measured."""

    date: str
    machine: Machine
    plan: Plan
    rows: list[tuple[Row, list[Figure]]] = attrs.Factory(list)
    sampled: list[Sampled] = attrs.Factory(list)
    memory: list[MemoryFigure] = attrs.Factory(list)
    missing: dict[str, str] = attrs.Factory(dict)

    def show(self, console: Console) -> None:
        """Print the tables."""
        machine = self.machine
        console.print(
            f"{machine.cpu}, {machine.cores} cores, {machine.system}, {machine.python},"
            f" load {machine.load:.1f}; hft's book is {machine.book}"
        )
        console.print(", ".join(f"{name} {number}" for name, number in machine.versions.items()), style="dim")
        for row, figures in self.rows:
            self.show_row(console, row, figures)
        for sampled in self.sampled:
            _show_sampled(console, sampled)
        if self.memory:
            _show_memory(console, self.memory)
        for name, reason in self.all_missing().items():
            console.print(f"missing: {name}: {reason}", style="yellow", markup=False)

    def show_row(self, console: Console, row: Row, figures: Sequence[Figure]) -> None:
        """Print one row as a table."""
        table = _table(row.name, ("median", "10 % to 90 %", ""))
        for figure in figures:
            table.add_row(
                f"{figure.times_first:.2f}",
                figure.name,
                duration(figure.median_ns),
                f"{duration(figure.low_ns)} to {duration(figure.high_ns)}",
                figure.note,
            )
        if row.published_ns is not None:
            ratio = row.published_ns / figures[0].median_ns
            table.add_row(
                f"({ratio:.2f})",
                "a system in Rust",
                duration(row.published_ns),
                "",
                "published elsewhere, machine unstated; not measured here",
                style="dim",
            )
        console.print(table)

    def all_missing(self) -> dict[str, str]:
        """Return who could not take part, and why, each once."""
        missing = dict(self.missing)
        for row, _ in self.rows:
            missing.update(row.missing)
        for sampled in self.sampled:
            missing.update(sampled.missing)
        return missing

    def write(self, path: Path) -> None:
        """Store all figures as JSON."""
        content: dict[str, Any] = {
            "date": self.date,
            "machine": attrs.asdict(self.machine),
            "method": {"about": _METHOD, **attrs.asdict(self.plan)},
            "rows": [
                {
                    "name": row.name,
                    "published_elsewhere_ns": row.published_ns,
                    "figures": [_plain(figure) for figure in figures],
                }
                for row, figures in self.rows
            ],
            "sampled": [
                {"name": sampled.name, "figures": [_plain(each) for each in sampled.distributions]}
                for sampled in self.sampled
            ],
            "memory": {
                "books": COUNT,
                "levels_a_side": LEVELS,
                "megabytes": {figure.name: round(figure.megabytes, 1) for figure in self.memory},
            },
            "missing": self.all_missing(),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1) + "\n")


def duration(ns: float) -> str:
    """Print nanoseconds with three digits and a unit."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= size:
            return f"{ns / size:.3g} {unit}" if ns < 1000 * size else f"{ns / size:.0f} {unit}"
    return f"{ns:.3g} ns"


def _plain(figure: Figure | Any) -> Mapping[str, Any]:
    return {
        name: float(f"{value:.5g}") if isinstance(value, float) else value
        for name, value in attrs.asdict(figure).items()
    }


def _table(title: str, columns: Iterable[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("times", justify="right")
    table.add_column("")
    for column in columns:
        table.add_column(column, justify="right" if column else "left", style=None if column else "dim")
    return table


def _show_sampled(console: Console, sampled: Sampled) -> None:
    table = _table(sampled.name, ("p50", "p99", "p99.9", "samples", ""))
    for each in sampled.distributions:
        table.add_row(
            f"{each.times_first:.2f}",
            each.name,
            duration(each.p50_ns),
            duration(each.p99_ns),
            duration(each.p999_ns),
            f"{each.count:,}",
            each.note,
        )
    console.print(table)


def _show_memory(console: Console, figures: Sequence[MemoryFigure]) -> None:
    table = _table(f"memory of {COUNT} books of {LEVELS:,} levels a side", ("resident",))
    for figure in figures:
        table.add_row(
            f"{figure.megabytes / figures[0].megabytes:.2f}", figure.name, f"{figure.megabytes:.1f} MB"
        )
    console.print(table)
