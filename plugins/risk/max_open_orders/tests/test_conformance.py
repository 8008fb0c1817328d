"""The rule through the conformance kit."""

from __future__ import annotations

import pytest

from hft import Order
from hft.testing.conformance import RiskRuleSuite, RiskScene, RuleUnderTest

CONFIG = {"limit": 20}


def breach(scene: RiskScene) -> list[Order]:
    for _ in range(20):
        scene.open()
    return [scene.order()]


class TestRule(RiskRuleSuite):
    @pytest.fixture
    def rule(self) -> RuleUnderTest:
        return RuleUnderTest(plugin="max_open_orders", config=CONFIG, breach=breach)
