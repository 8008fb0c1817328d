"""A trader leaves nothing behind: the short form of the soak, whose machinery it proves."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

from tests.campaigns.soak import run_soak, slope

SECONDS, RATE = 8.0, 800.0


def test_a_trader_leaves_nothing_behind(tmp_path: Path) -> None:
    soak = asyncio.run(run_soak(SECONDS, RATE, tmp_path, every_s=1.0, show=lambda sample, number: None))
    assert soak.left == []
    assert soak.halted is None
    assert soak.gaps == 0
    assert soak.orders
    assert soak.frames
    assert len(soak.samples) >= 3


def test_the_slope_is_that_of_the_best_line() -> None:
    assert slope([(0, 1), (1, 3), (2, 5), (3, 7)]) == (2.0, 0.0)
    value, error = slope([(0, 0), (1, 1), (2, 0), (3, 1)])
    assert value == 0.2
    assert math.isclose(error, math.sqrt(0.8 / 2 / 5))
    assert slope([(0, 1)]) == (0.0, math.inf)
