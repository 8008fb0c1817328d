"""Order rate limit, a plugin for hft."""

from __future__ import annotations

from hft_order_rate.config import Config
from hft_order_rate.rule import Code, OrderRate

__all__ = ["Code", "Config", "OrderRate"]
