"""What the market maker offers to hft."""

from __future__ import annotations

from typing import Any

from hft import Strategy, hookimpl
from hft_market_making.maker import MarketMaker

__all__ = ["HFT_API", "hft_strategy"]

HFT_API = 1


@hookimpl
def hft_strategy() -> type[Strategy[Any]]:
    return MarketMaker
