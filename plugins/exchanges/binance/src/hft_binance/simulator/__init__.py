"""The simulated Binance: the server side of both products, for tests, drills and the quick start."""

from __future__ import annotations

from hft_binance.simulator.exchange import BinanceSimulator, BinanceSimulatorConfig

__all__ = ["BinanceSimulator", "BinanceSimulatorConfig"]
