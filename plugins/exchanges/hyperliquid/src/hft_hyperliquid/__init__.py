"""Hyperliquid perpetuals and spot, a plugin for hft."""

from __future__ import annotations

from hft_hyperliquid.config import Config
from hft_hyperliquid.execution import HyperliquidExecution
from hft_hyperliquid.stream import HyperliquidStream

__all__ = ["Config", "HyperliquidExecution", "HyperliquidStream"]
