"""Order size limit, a plugin for hft."""

from __future__ import annotations

from hft_max_order_size.config import Config
from hft_max_order_size.rule import Code, MaxOrderSize

__all__ = ["Code", "Config", "MaxOrderSize"]
