"""The rule through the conformance kit."""

from __future__ import annotations

import pytest

from hft import Money, Order, Size
from hft.testing.conformance import RiskRuleSuite, RiskScene, RuleUnderTest

CONFIG = {"limit": Money.parse("1000 USDT")}


def breach(scene: RiskScene) -> list[Order]:
    return [scene.order(size=Size(10**7))]


class TestRule(RiskRuleSuite):
    @pytest.fixture
    def rule(self) -> RuleUnderTest:
        return RuleUnderTest(plugin="gross_exposure", config=CONFIG, breach=breach)
