"""Binance spot and USD-M futures, a plugin for hft."""

from __future__ import annotations

from hft_binance.config import Config
from hft_binance.execution import BinanceExecution
from hft_binance.stream import BinanceStream

__all__ = ["BinanceExecution", "BinanceStream", "Config"]
