"""The conformance kit: suites of numbered cards that tell whether a plugin is correct.

Offline, in virtual time, in seconds. A plugin's ``tests/test_conformance.py`` is a few lines::

    ACME = ExchangeUnderTest(plugin="acme", symbols=("BTC/USDT", "ETH/USDT"))


    class TestStream(MarketDataSuite):
        @pytest.fixture
        def exchange(self) -> ExchangeUnderTest:
            return ACME

Importing this needs pytest (``hft-core[testing]``).
"""

from __future__ import annotations

from hft.testing.conformance.cards import Card, Suite, WeakenedError
from hft.testing.conformance.exchange import ExchangeUnderTest
from hft.testing.conformance.execution import ExecutionSuite
from hft.testing.conformance.market_data import MarketDataSuite
from hft.testing.conformance.risk import RiskRuleSuite, RiskScene, RuleUnderTest
from hft.testing.conformance.strategy import StrategySuite, StrategyUnderTest

__all__ = [
    "Card",
    "ExchangeUnderTest",
    "ExecutionSuite",
    "MarketDataSuite",
    "RiskRuleSuite",
    "RiskScene",
    "RuleUnderTest",
    "StrategySuite",
    "StrategyUnderTest",
    "Suite",
    "WeakenedError",
]
