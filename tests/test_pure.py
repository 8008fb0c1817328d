"""What is compiled is Python as well: the same tests hold without what was compiled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hft._compiled import COMPILED

CORE = Path(__file__).parent.parent / "core" / "tests"
FOLDERS = ("ledger", "orders", "paper", "risk", "run")


@pytest.mark.timeout(600)
def test_the_way_of_an_order_in_plain_python() -> None:
    if not COMPILED.modules:
        pytest.skip(f"it is plain Python already: {COMPILED.reason}")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", *(str(CORE / folder) for folder in FOLDERS)],
        env=os.environ | {"HFT_PURE_PYTHON": "1"},
        cwd=CORE.parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout
