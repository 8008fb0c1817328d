"""Bybit spot and linear perpetuals, a plugin for hft."""

from __future__ import annotations

from hft_bybit.config import Config
from hft_bybit.execution import BybitExecution
from hft_bybit.stream import BybitStream

__all__ = ["BybitExecution", "BybitStream", "Config"]
