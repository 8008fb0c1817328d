"""The rule through the conformance kit."""

from __future__ import annotations

import pytest

from hft import Order
from hft.testing.conformance import RiskRuleSuite, RiskScene, RuleUnderTest

CONFIG = {"limit": 5}


def breach(scene: RiskScene) -> list[Order]:
    return [scene.order() for _ in range(6)]


class TestRule(RiskRuleSuite):
    @pytest.fixture
    def rule(self) -> RuleUnderTest:
        return RuleUnderTest(plugin="order_rate", config=CONFIG, breach=breach)
