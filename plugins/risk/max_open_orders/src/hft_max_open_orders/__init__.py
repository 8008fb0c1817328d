"""Open order limit, a plugin for hft."""

from __future__ import annotations

from hft_max_open_orders.config import Config
from hft_max_open_orders.rule import Code, MaxOpenOrders

__all__ = ["Code", "Config", "MaxOpenOrders"]
