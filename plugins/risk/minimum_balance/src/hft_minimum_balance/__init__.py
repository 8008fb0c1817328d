"""Minimum balance, a plugin for hft."""

from __future__ import annotations

from hft_minimum_balance.config import Config
from hft_minimum_balance.rule import Code, MinimumBalance

__all__ = ["Code", "Config", "MinimumBalance"]
