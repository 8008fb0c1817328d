"""The rule through the conformance kit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hft import Money, Order
from hft.testing.conformance import RiskRuleSuite, RiskScene, RuleUnderTest

CONFIG = {"exchange": "test", "minimum": Money.parse("1000 USDT")}


def breach(scene: RiskScene) -> list[Order]:
    scene.view.balances["test", "USDT"] = Decimal(1_000)
    return [scene.order()]


class TestRule(RiskRuleSuite):
    @pytest.fixture
    def rule(self) -> RuleUnderTest:
        return RuleUnderTest(plugin="minimum_balance", config=CONFIG, breach=breach)
