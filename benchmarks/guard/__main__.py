"""Compare the counts of the hot path with those on record: ``python -m benchmarks.guard``."""

from __future__ import annotations

import argparse
import sys

from benchmarks.guard import figures
from benchmarks.guard.count import count
from benchmarks.guard.instructions import print_instructions
from benchmarks.guard.paths import COUNTED, paths

__all__ = ["main"]

NO_RECORD = 77
"""The exit code where nothing is on record for this Python, as test runners know it for "skipped"."""


def main(arguments: list[str] | None = None) -> int:
    """Return 0 where nothing became worse, 1 where something did, 77 where nothing is on record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guard", description=__doc__)
    parser.add_argument("--update", action="store_true", help="put the counts on record")
    parser.add_argument(
        "--instructions", action="store_true", help="count the processor's instructions with valgrind"
    )
    options = parser.parse_args(arguments)
    if options.instructions:
        return print_instructions()
    counts = {path.name: count(path) for path in paths()}
    for name, each in counts.items():
        print(
            f"{name}: a frame makes {each.calls / COUNTED:.2f} calls,"
            f" {each.native_calls / COUNTED:.2f} native ones, {each.opcodes / COUNTED:.1f} opcodes;"
            f" peak {each.peak_bytes / COUNTED:.0f} bytes, keeps {each.kept_bytes / COUNTED:.0f}"
        )
    if options.update:
        figures.write(counts)
        print(f"recorded in {figures.FILE.name}")
        return 0
    recorded = figures.read()
    if recorded is None:
        print(f"no {figures.FILE.name} is on record, python -m benchmarks.guard --update makes it")
        return NO_RECORD
    worse, better = figures.compare(recorded, counts)
    for line in better:
        print(f"better: {line}")
    for line in worse:
        print(f"WORSE: {line}")
    if worse and (other := figures.differing_versions()):
        print(f"this may be why: {'; '.join(other)}")
    if worse or better:
        print("if it is meant to be so, put it on record: python -m benchmarks.guard --update")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
