"""Risk: the rules' engine and what they see."""

from __future__ import annotations

from hft.risk.engine import RiskEngine
from hft.risk.view import AccountView, LiveRiskView

__all__ = ["AccountView", "LiveRiskView", "RiskEngine"]
