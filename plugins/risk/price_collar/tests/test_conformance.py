"""The rule through the conformance kit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hft import Order, Price
from hft.testing.conformance import RiskRuleSuite, RiskScene, RuleUnderTest

CONFIG = {"percent": Decimal(5)}


def breach(scene: RiskScene) -> list[Order]:
    return [scene.order(price=Price(11_000))]


class TestRule(RiskRuleSuite):
    @pytest.fixture
    def rule(self) -> RuleUnderTest:
        return RuleUnderTest(plugin="price_collar", config=CONFIG, breach=breach)
