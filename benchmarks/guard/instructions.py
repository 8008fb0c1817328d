"""Count the processor's instructions of a frame, where valgrind is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

from benchmarks.guard.paths import NOW_NS, paths

__all__ = ["print_instructions"]

_FRAMES = 3_000
"""A frame's instructions are what this many more take more, so that imports and wiring fall out."""


def print_instructions() -> int:
    """Print the instructions of one frame of every path; they hold for this build of Python alone."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        print("valgrind is not installed")
        return 1
    for index, path in enumerate(paths()):
        passes = _FRAMES // path.pass_length
        few, many = _count(valgrind, index, 1), _count(valgrind, index, 1 + passes)
        per_frame = (many - few) / (passes * path.pass_length)
        print(f"{path.name}: {per_frame:,.0f} instructions a frame, answers to orders included", flush=True)
    return 0


def repeat(index: int, passes: int) -> None:
    """Run one path a number of times: what valgrind watches."""
    path = paths()[index]
    for _ in range(passes):
        for frame in path.frames():
            path.chain.on_frame(frame, NOW_NS)
            path.chain.answer()


def _count(valgrind: str, index: int, passes: int) -> int:
    child = subprocess.run(
        [
            valgrind,
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            sys.executable,
            "-c",
            f"from benchmarks.guard.instructions import repeat; repeat({index}, {passes})",
        ],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"Collected : (\d+)", child.stderr)
    assert found is not None, child.stderr
    return int(found[1])
