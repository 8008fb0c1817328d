"""The suite of market-data streams."""

from __future__ import annotations

import pytest

from hft.testing.conformance.book_cards import BookCards
from hft.testing.conformance.cards import Suite
from hft.testing.conformance.channel_cards import ChannelCards
from hft.testing.conformance.connection_cards import ConnectionCards
from hft.testing.conformance.decoding_cards import DecodingCards
from hft.testing.conformance.exchange import ExchangeUnderTest

__all__ = ["MarketDataSuite"]


class MarketDataSuite(
    BookCards,
    ConnectionCards,
    DecodingCards,
    ChannelCards,
    Suite,
    about="market-data",
    number_of_cards=21,
    fixtures=("exchange",),
):
    """What a `MarketDataStream` has to hold, on the plugin's own simulator.

    The one fixture is ``exchange``, an `ExchangeUnderTest`; make it once, at the top of the module.
    """

    def subject(self, request: pytest.FixtureRequest) -> ExchangeUnderTest:
        """Return the exchange."""
        exchange: ExchangeUnderTest = request.getfixturevalue("exchange")
        return exchange
