"""Drawdown limit, a plugin for hft."""

from __future__ import annotations

from hft_drawdown.config import Config
from hft_drawdown.rule import Code, Drawdown

__all__ = ["Code", "Config", "Drawdown"]
