"""The rule through the conformance kit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hft import Order
from hft.testing.conformance import RiskRuleSuite, RiskScene, RuleUnderTest

CONFIG = {"asset": "USDT", "limit": Decimal(100)}


def breach(scene: RiskScene) -> list[Order]:
    scene.view.peaks["USDT"] = Decimal(60)
    scene.view.profits["USDT"] = Decimal(-50)
    return [scene.order()]


class TestRule(RiskRuleSuite):
    @pytest.fixture
    def rule(self) -> RuleUnderTest:
        return RuleUnderTest(plugin="drawdown", config=CONFIG, breach=breach)
