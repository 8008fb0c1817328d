"""Daily loss limit, a plugin for hft."""

from __future__ import annotations

from hft_daily_loss.config import Config
from hft_daily_loss.rule import Code, DailyLoss

__all__ = ["Code", "Config", "DailyLoss"]
