"""The rule through the conformance kit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hft import Order, Size
from hft.testing.conformance import RiskRuleSuite, RiskScene, RuleUnderTest

CONFIG = {"asset": "USDT", "percent": Decimal(50)}


def breach(scene: RiskScene) -> list[Order]:
    return [scene.order(size=Size(10**9))]


class TestRule(RiskRuleSuite):
    @pytest.fixture
    def rule(self) -> RuleUnderTest:
        return RuleUnderTest(plugin="concentration", config=CONFIG, breach=breach)
