"""Drift: how far a recorded session is from the backtest of the same time."""

from __future__ import annotations

from hft.run.drift.compare import Compared, compare_session
from hft.run.drift.figures import Drift

__all__ = ["Compared", "Drift", "compare_session"]
