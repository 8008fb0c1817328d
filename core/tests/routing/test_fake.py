"""What tests of strategies see of routing."""

from __future__ import annotations

from decimal import Decimal

from hft.plugin.routing import ParentState
from hft.testing.trading import FakeTrading, make_instrument, make_market
from hft.types import Side


def test_what_a_strategy_routes_is_noted() -> None:
    trading = FakeTrading([make_market(make_instrument(exchange=key)) for key in "ab"])
    instruments = [market.instrument for market in trading.markets]
    parent = trading.route(instruments, Side.SELL, Decimal(1), Decimal(99), deadline_ns=5)
    trading.cancel_parent(parent)
    assert trading.parents == trading.cancelled_parents == [parent]
    assert (parent.side, parent.size, parent.limit, parent.deadline_ns) == (Side.SELL, 1, 99, 5)
    assert (parent.state, parent.remaining, parent.average_price) == (ParentState.WORKING, 1, None)
