"""What OKX offers to hft."""

from __future__ import annotations

from typing import Any

from hft import ExecutionClient, MarketDataStream, hookimpl
from hft_okx.execution import OkxExecution
from hft_okx.stream import OkxStream

__all__ = ["HFT_API", "hft_execution", "hft_market_data"]

HFT_API = 1


@hookimpl
def hft_market_data() -> type[MarketDataStream[Any]]:
    return OkxStream


@hookimpl
def hft_execution() -> type[ExecutionClient[Any]]:
    return OkxExecution
