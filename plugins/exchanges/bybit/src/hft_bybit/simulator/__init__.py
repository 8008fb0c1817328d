"""The simulated Bybit: what `hft sim bybit` serves."""

from __future__ import annotations

from hft_bybit.simulator.exchange import BybitSimulator, BybitSimulatorConfig

__all__ = ["BybitSimulator", "BybitSimulatorConfig"]
