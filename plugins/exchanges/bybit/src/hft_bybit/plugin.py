"""What Bybit offers to hft."""

from __future__ import annotations

from typing import Any

from hft import ExecutionClient, MarketDataStream, Simulator, hookimpl
from hft_bybit.execution import BybitExecution
from hft_bybit.stream import BybitStream

__all__ = ["HFT_API", "hft_execution", "hft_market_data", "hft_simulator"]

HFT_API = 1


@hookimpl
def hft_market_data() -> type[MarketDataStream[Any]]:
    return BybitStream


@hookimpl
def hft_execution() -> type[ExecutionClient[Any]]:
    return BybitExecution


@hookimpl
def hft_simulator() -> type[Simulator[Any]]:
    # It needs aiohttp's server, which takes longer to import than all of hft; trading does not.
    from hft_bybit.simulator import BybitSimulator

    return BybitSimulator
