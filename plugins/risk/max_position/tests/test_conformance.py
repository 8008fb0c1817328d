"""The rule through the conformance kit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hft import InstrumentId, Order, Size
from hft.testing.conformance import RiskRuleSuite, RiskScene, RuleUnderTest

CONFIG = {"instrument": InstrumentId("BTC/USDT", "test"), "limit": Decimal(1)}


def breach(scene: RiskScene) -> list[Order]:
    scene.open(size=Size(60_000))
    return [scene.order(size=Size(40_001))]


class TestRule(RiskRuleSuite):
    @pytest.fixture
    def rule(self) -> RuleUnderTest:
        return RuleUnderTest(plugin="max_position", config=CONFIG, breach=breach)
