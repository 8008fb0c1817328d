"""Risk: the rules' engine, what they see, and the kill switch."""

from __future__ import annotations

from hft.risk.engine import RiskEngine, RiskGate
from hft.risk.kill_switch import AuditRecord, Kill, KillSwitch, current_user
from hft.risk.view import AccountView, LiveRiskView

__all__ = [
    "AccountView",
    "AuditRecord",
    "Kill",
    "KillSwitch",
    "LiveRiskView",
    "RiskEngine",
    "RiskGate",
    "current_user",
]
