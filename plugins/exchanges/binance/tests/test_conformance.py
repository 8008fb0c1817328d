"""Binance through the conformance kit: both products."""

from __future__ import annotations

import pytest

from hft.testing.conformance import ExchangeUnderTest, ExecutionSuite, MarketDataSuite

SPOT = ExchangeUnderTest(plugin="binance", title="binance spot", symbols=("BTC/USDT", "ETH/USDT"))
USDM = ExchangeUnderTest(
    plugin="binance", title="binance usdm", symbols=("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT")
)


class TestSpotStream(MarketDataSuite):
    @pytest.fixture
    def exchange(self) -> ExchangeUnderTest:
        return SPOT


class TestUsdmStream(MarketDataSuite):
    @pytest.fixture
    def exchange(self) -> ExchangeUnderTest:
        return USDM


class TestSpotExecution(ExecutionSuite):
    @pytest.fixture
    def exchange(self) -> ExchangeUnderTest:
        return SPOT


class TestUsdmExecution(ExecutionSuite):
    @pytest.fixture
    def exchange(self) -> ExchangeUnderTest:
        return USDM
