"""How good a run was: figures of its profit over time."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from itertools import pairwise

import attrs

from hft.money import Amount

__all__ = ["Performance", "performance"]

_YEAR_NS = 365 * 86_400 * 1_000_000_000
"""Crypto trades on every day of the year."""


@attrs.frozen(kw_only=True)
class Performance:
    """Figures of profit after fees and funding, sampled at equal intervals.

    ``sharpe`` is the mean change of profit from one sample to the next over its standard deviation,
    ``sortino`` over the root of the mean square of the losses alone, both times the root of the samples in a
    year of 365 days; None where nothing varies. They are of money, not of a return on capital, which a
    backtest does not know; a constant capital would not change them. ``max_drawdown`` is the largest fall
    from a peak.
    """

    samples: int
    sharpe: float | None
    sortino: float | None
    max_drawdown: Amount


def performance(profits: Sequence[int], interval_ns: int) -> Performance:
    """Judge profits, each an `Amount`, sampled every ``interval_ns`` from the start on."""
    changes = [after - before for before, after in pairwise(profits)]
    peak = drawdown = 0
    for profit in profits:
        peak = max(peak, profit)
        drawdown = max(drawdown, peak - profit)
    sharpe = sortino = None
    if len(changes) > 1:
        # Amounts are integers of more digits than a float has: their common scale cancels out.
        scale = max(map(abs, changes)) or 1
        parts = [change / scale for change in changes]
        mean, deviation = statistics.fmean(parts), statistics.stdev(parts)
        downside = math.sqrt(statistics.fmean([min(part, 0.0) ** 2 for part in parts]))
        yearly = math.sqrt(_YEAR_NS / interval_ns)
        sharpe = mean / deviation * yearly if deviation else None
        sortino = mean / downside * yearly if downside else None
    return Performance(samples=len(profits), sharpe=sharpe, sortino=sortino, max_drawdown=Amount(drawdown))
