"""Routing: one order for several exchanges, split by what it costs and never filled beyond its size."""

from __future__ import annotations

from hft.routing.conditions import ExchangeConditions
from hft.routing.config import FeesConfig
from hft.routing.plan import Offer, Plan, PlannedChild, plan
from hft.routing.router import Router

__all__ = ["ExchangeConditions", "FeesConfig", "Offer", "Plan", "PlannedChild", "Router", "plan"]
