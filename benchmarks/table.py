"""Print a stored run as the tables of the documentation: ``python -m benchmarks.table FILE``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import duration

__all__ = ["main"]


def main(path: Path) -> None:
    """Print every row as a Markdown table, ratios first."""
    run = json.loads(path.read_text())
    for row in run["rows"]:
        published = row["published_elsewhere_ns"]
        _print(
            row["name"],
            ("times", "who", "median", "10 % to 90 %"),
            [
                (
                    f"{each['times_first']:.2f}",
                    each["name"],
                    duration(each["median_ns"]),
                    f"{duration(each['low_ns'])} to {duration(each['high_ns'])}",
                )
                for each in row["figures"]
            ]
            + ([("", "*a system in Rust*", f"*{duration(published)}*", "*published*")] if published else []),
        )
    for sampled in run["sampled"]:
        _print(
            sampled["name"],
            ("times", "who", "p50", "p99", "p99.9"),
            [
                (f"{each['times_first']:.2f}", each["name"], *map(duration, _percentiles(each)))
                for each in sampled["figures"]
            ],
        )
    memory = run["memory"]["megabytes"]
    _print(
        f"memory of {run['memory']['books']} books of {run['memory']['levels_a_side']:,} levels a side",
        ("times", "who", "resident"),
        [(f"{size / memory['hft']:.1f}", name, f"{size:.1f} MB") for name, size in memory.items()],
    )


def _percentiles(figure: dict[str, Any]) -> Iterable[float]:
    return figure["p50_ns"], figure["p99_ns"], figure["p999_ns"]


def _print(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    print(f"### {title[0].upper()}{title[1:]}\n")
    print(f"| {' | '.join(header)} |")
    print("|--:|---|" + "--:|" * (len(header) - 2))
    for row in rows:
        print(f"| {' | '.join(row)} |")
    print()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
