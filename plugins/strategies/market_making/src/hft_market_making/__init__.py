"""Market making, a plugin for hft."""

from __future__ import annotations

from hft_market_making.config import Config, Model
from hft_market_making.maker import MarketMaker

__all__ = ["Config", "MarketMaker", "Model"]
