"""What Acme offers to hft."""

from __future__ import annotations

from typing import Any

from hft import ExecutionClient, MarketDataStream, Simulator, hookimpl
from hft_acme.execution import AcmeExecution
from hft_acme.stream import AcmeStream

__all__ = ["HFT_API", "hft_execution", "hft_market_data", "hft_simulator"]

HFT_API = 1


@hookimpl
def hft_market_data() -> type[MarketDataStream[Any]]:
    return AcmeStream


@hookimpl
def hft_execution() -> type[ExecutionClient[Any]]:
    return AcmeExecution


@hookimpl
def hft_simulator() -> type[Simulator[Any]]:
    # It needs aiohttp's server, which trading does not.
    from hft_acme.simulator import AcmeSimulator

    return AcmeSimulator
