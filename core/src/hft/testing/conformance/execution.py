"""The suite of execution clients."""

from __future__ import annotations

import pytest

from hft.testing.conformance.account_cards import AccountCards
from hft.testing.conformance.cards import Suite
from hft.testing.conformance.exchange import ExchangeUnderTest
from hft.testing.conformance.order_cards import OrderCards
from hft.testing.conformance.trouble_cards import TroubleCards

__all__ = ["ExecutionSuite"]


class ExecutionSuite(
    OrderCards,
    TroubleCards,
    AccountCards,
    Suite,
    about="execution",
    number_of_cards=43,
    fixtures=("exchange",),
):
    """What an `ExecutionClient` has to hold, on the plugin's own simulator.

    The one fixture is ``exchange``, an `ExchangeUnderTest`; make it once, at the top of the module.
    """

    def subject(self, request: pytest.FixtureRequest) -> ExchangeUnderTest:
        """Return the exchange."""
        exchange: ExchangeUnderTest = request.getfixturevalue("exchange")
        return exchange
