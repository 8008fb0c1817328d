"""Count the processor's instructions of a frame, where valgrind is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

from benchmarks.guard.paths import NOW_NS, paths

__all__ = ["print_instructions"]

_PASSES = (2, 12)
"""A frame's instructions are what ten more passes take more, so that imports and wiring fall out."""


def print_instructions() -> int:
    """Print the instructions of one frame of every path; they hold for this build of Python alone."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        print("valgrind is not installed")
        return 1
    for index, path in enumerate(paths()):
        few, many = (_count(valgrind, index, passes) for passes in _PASSES)
        frames = (_PASSES[1] - _PASSES[0]) * path.pass_length
        print(f"{path.name}: {(many - few) / frames:,.0f} instructions a frame")
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
        env={"PYTHONHASHSEED": "0", "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"Collected : (\d+)", child.stderr)
    assert found is not None, child.stderr
    return int(found[1])
