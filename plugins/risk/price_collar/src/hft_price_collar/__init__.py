"""Price collar, a plugin for hft."""

from __future__ import annotations

from hft_price_collar.config import Config
from hft_price_collar.rule import Code, PriceCollar

__all__ = ["Code", "Config", "PriceCollar"]
