"""The simulated OKX: the server side of its protocol, for tests, drills and the quick start."""

from __future__ import annotations

from hft_okx.simulator.exchange import OkxSimulator, OkxSimulatorConfig

__all__ = ["OkxSimulator", "OkxSimulatorConfig"]
