"""The simulated Hyperliquid, for ``hft sim hyperliquid``."""

from __future__ import annotations

from hft_hyperliquid.simulator.exchange import HyperliquidSimulator, HyperliquidSimulatorConfig

__all__ = ["HyperliquidSimulator", "HyperliquidSimulatorConfig"]
