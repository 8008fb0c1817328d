"""What the hot path executes and allocates stays within what is on record; see docs/contributing.md."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NO_RECORD = 77

EXTRA_CALL = """
import sys
from hft.synchroniser import Synchroniser
on_delta = Synchroniser.on_delta
Synchroniser.on_delta = lambda *arguments: on_delta(*arguments)
from benchmarks.guard.__main__ import main
sys.exit(main([]))
"""

EXTRA_BYTES = """
import sys
from hft.synchroniser import Synchroniser
on_delta, kept = Synchroniser.on_delta, []
def keeping(*arguments):
    kept.append(bytearray(1000))
    on_delta(*arguments)
Synchroniser.on_delta = keeping
from benchmarks.guard.__main__ import main
sys.exit(main([]))
"""


def guard(*arguments: str, pure: str = "0") -> subprocess.CompletedProcess[str]:
    """Run it in a process of its own, where nothing else is traced, cached or imported."""
    # The order of a set of names would change what its table weighs.
    environment = {**os.environ, "PYTHONHASHSEED": "0", "HFT_PURE_PYTHON": pure}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def checked() -> subprocess.CompletedProcess[str]:
    result = guard("-m", "benchmarks.guard")
    if result.returncode == NO_RECORD:
        pytest.skip(result.stdout.splitlines()[-1])
    return result


def test_hot_path_does_no_more_than_is_on_record(checked: subprocess.CompletedProcess[str]) -> None:
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_nor_does_it_in_plain_python() -> None:
    result = guard("-m", "benchmarks.guard", pure="1")
    if result.returncode == NO_RECORD:
        pytest.skip(result.stdout.splitlines()[-1])
    assert result.returncode == 0, result.stdout + result.stderr


def test_counts_repeat(checked: subprocess.CompletedProcess[str]) -> None:
    assert guard("-m", "benchmarks.guard").stdout == checked.stdout


@pytest.mark.parametrize(("change", "complaint"), [(EXTRA_CALL, "calls"), (EXTRA_BYTES, "kept bytes")])
def test_more_on_the_path_is_noticed(
    checked: subprocess.CompletedProcess[str], change: str, complaint: str
) -> None:
    result = guard("-c", change)
    assert result.returncode == 1, result.stdout + result.stderr
    worse = [line for line in result.stdout.splitlines() if line.startswith("WORSE")]
    assert worse
    assert any(complaint in line for line in worse)
    # What does not lead through there stays as it was.
    assert not any("trade that nobody listens to" in line for line in worse)
