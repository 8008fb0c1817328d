"""What Bybit offers to hft."""

from __future__ import annotations

from typing import Any

from hft import MarketDataStream, hookimpl
from hft_bybit.stream import BybitStream

__all__ = ["HFT_API", "hft_market_data"]

HFT_API = 1


@hookimpl
def hft_market_data() -> type[MarketDataStream[Any]]:
    return BybitStream
