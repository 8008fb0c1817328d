"""Acme through the conformance kit."""

from __future__ import annotations

import pytest

from hft.testing.conformance import ExchangeUnderTest, ExecutionSuite, MarketDataSuite

ACME = ExchangeUnderTest(plugin="acme", symbols=("BTC/USDT", "ETH/USDT"))


class TestStream(MarketDataSuite):
    @pytest.fixture
    def exchange(self) -> ExchangeUnderTest:
        return ACME


class TestExecution(ExecutionSuite):
    @pytest.fixture
    def exchange(self) -> ExchangeUnderTest:
        return ACME
