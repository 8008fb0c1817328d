"""Binance through the conformance kit: both products."""

from __future__ import annotations

from pathlib import Path

import pytest

from hft.testing.conformance import ExchangeUnderTest, ExecutionSuite, MarketDataSuite

CAPTURES = Path(__file__).resolve().parents[4].parent / "shared" / "captures" / "binance"
"""Recorded sessions, beside the repository where there are any."""

SPOT = ExchangeUnderTest(
    plugin="binance",
    title="binance spot",
    symbols=("BTC/USDT", "ETH/USDT"),
    capture=CAPTURES / "spot_4symbols_2021-10-12.jsonl.gz",
)
USDM = ExchangeUnderTest(
    plugin="binance",
    title="binance usdm",
    symbols=("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"),
    capture=CAPTURES / "usdm_4symbols_2021-07-22.jsonl.gz",
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
