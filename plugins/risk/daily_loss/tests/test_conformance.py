"""The rule through the conformance kit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hft import Money, Order
from hft.testing.conformance import RiskRuleSuite, RiskScene, RuleUnderTest

CONFIG = {"limit": Money.parse("100 USDT")}


def breach(scene: RiskScene) -> list[Order]:
    scene.view.profits_today["USDT"] = Decimal(-100)
    scene.view.profits["USDT"] = Decimal(-100)
    return [scene.order()]


class TestRule(RiskRuleSuite):
    @pytest.fixture
    def rule(self) -> RuleUnderTest:
        return RuleUnderTest(plugin="daily_loss", config=CONFIG, breach=breach)
