"""The market maker through the conformance kit, with both of its models."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hft import Duration
from hft.testing.conformance import StrategySuite, StrategyUnderTest
from hft_market_making.config import Model

QUOTING = {
    "target_spread": Decimal(4),
    "order_size": Decimal("0.01"),
    "max_position": Decimal("0.1"),
    "levels": 3,
    "refresh": Duration(1_000_000_000),
}


class TestSymmetric(StrategySuite):
    @pytest.fixture
    def strategy(self) -> StrategyUnderTest:
        return StrategyUnderTest(plugin="market_making", config=QUOTING)


class TestAvellanedaStoikov(StrategySuite):
    @pytest.fixture
    def strategy(self) -> StrategyUnderTest:
        model = {"model": Model.AVELLANEDA_STOIKOV}
        return StrategyUnderTest(plugin="market_making", config=QUOTING | model)
