"""What the daily loss limit offers to hft."""

from __future__ import annotations

from typing import Any

from hft import RiskRule, hookimpl
from hft_daily_loss.rule import DailyLoss

__all__ = ["HFT_API", "hft_risk_rule"]

HFT_API = 1


@hookimpl
def hft_risk_rule() -> type[RiskRule[Any]]:
    return DailyLoss
