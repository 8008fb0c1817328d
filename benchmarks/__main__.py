"""Measure and show: ``python -m benchmarks``, or ``tox -e bench``, which brings the peers along."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks.book_rows import book_rows
from benchmarks.captures import capture_rows
from benchmarks.dispatch_rows import dispatch_rows
from benchmarks.loopback import loopback
from benchmarks.machine import Machine
from benchmarks.memory import memory_of_books
from benchmarks.order_samples import frame_to_order
from benchmarks.peers import install_peers
from benchmarks.report import Report
from benchmarks.schedule import Plan, Row, measure

__all__ = ["main"]

_RESULTS = Path(__file__).parent / "results"
_QUICK = Plan(rounds=5, round_ns=5_000_000, warm_ups=1)

PARTS = ("books", "dispatch", "captures", "orders", "loopback", "memory")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the parts asked for, all by default; print the tables and store the figures."""
    options = _parse(arguments)
    console = Console(width=None if Console().is_terminal else 140)
    missing = install_peers() if options.install_peers else {}
    plan = _QUICK if options.quick else Plan()
    report = Report(
        date=datetime.now(UTC).date().isoformat(), machine=Machine.this(), plan=plan, missing=missing
    )
    parts = options.parts or PARTS

    def take(rows: Sequence[Row]) -> None:
        for row in rows:
            with console.status(row.name):
                report.rows.append((row, measure(row, plan)))

    steps: dict[str, Callable[[], object]] = {
        "books": lambda: take(book_rows()),
        "dispatch": lambda: take(dispatch_rows()),
        "captures": lambda: _take_captures(report, take),
        "orders": lambda: report.sampled.append(frame_to_order(plan.rounds)),
        "loopback": lambda: report.sampled.append(loopback(max(2, plan.rounds // 4))),
        "memory": lambda: _take_memory(report),
    }
    for part in PARTS:
        if part in parts:
            with console.status(part):
                steps[part]()
    report.show(console)
    if options.json is not None:
        default = _RESULTS / f"{report.date}-{report.machine.slug}.json"
        path = options.json if options.json.name else default
        report.write(path)
        console.print(f"stored in {path.name}")


def _take_captures(report: Report, take: Callable[[Sequence[Row]], None]) -> None:
    rows, missing = capture_rows()
    report.missing.update(missing)
    take(rows)


def _take_memory(report: Report) -> None:
    figures, missing = memory_of_books()
    report.memory.extend(figures)
    report.missing.update({f"memory, {name}": reason for name, reason in missing.items()})


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument(
        "--json",
        type=Path,
        nargs="?",
        const=Path(),
        metavar="FILE",
        help="store all figures, by default under benchmarks/results",
    )
    parser.add_argument("--install-peers", action="store_true", help="install the peers first, by uv")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
