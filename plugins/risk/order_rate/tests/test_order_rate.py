"""The order rate limit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft import APPROVED, Duration, Order, OrderState, Price, Refused, Side, Size
from hft.testing.orders import NotedOwner, OrderWorld
from hft.testing.trading import FakeRiskView, make_instrument, make_market
from hft_order_rate import Code, Config, OrderRate
from hft_order_rate.plugin import HFT_API, hft_risk_rule


def test_the_plugin_offers_the_rule() -> None:
    assert HFT_API == 1
    assert hft_risk_rule() is OrderRate
    assert OrderRate.Config is Config
    assert OrderRate.refusals is Code


BTC = make_market(make_instrument())


def make_order() -> Order:
    return Order(
        client_order_id="new",
        strategy="s",
        instrument=BTC.instrument,
        side=Side.BUY,
        size=Size(10),
        price=Price(9_000),
    )


def test_so_many_orders_in_an_interval_and_no_more() -> None:
    view = FakeRiskView([BTC])
    rule = OrderRate(Config(limit=2, interval=Duration(100)))
    assert rule.check(make_order(), view) is APPROVED
    view.clock.advance(60)
    assert rule.check(make_order(), view) is APPROVED
    view.clock.advance(39)
    assert rule.check(make_order(), view) == Refused(
        "2 orders and amendments in 1e-07 s are the limit", Code.TOO_FAST
    )
    view.clock.advance(1)
    assert rule.check(make_order(), view) is APPROVED
    assert rule.check(make_order(), view) != APPROVED
    view.clock.advance(60)
    assert rule.check(make_order(), view) is APPROVED


@pytest.mark.parametrize("changes", [{"limit": 0}, {"limit": 10**7}, {"interval": Duration(0)}])
def test_limits_that_make_no_sense_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        Config(**{"limit": 1} | changes)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=200), st.integers(1, 10), st.integers(1, 100))
def test_no_window_ever_has_more_and_nothing_is_refused_without_need(
    waits: list[int], limit: int, interval: int
) -> None:
    view = FakeRiskView([BTC])
    rule = OrderRate(Config(limit=limit, interval=Duration(interval)))
    approved: list[int] = []
    for wait in waits:
        view.clock.advance(wait)
        within = [ns for ns in approved if view.now_ns - ns < interval]
        if rule.check(make_order(), view) is APPROVED:
            approved.append(view.now_ns)
            assert len(within) < limit
        else:
            assert len(within) == limit


def test_amendments_count_and_cancels_do_not() -> None:
    world = OrderWorld(BTC, rules={"order_rate": OrderRate(Config(limit=2))})
    order = world.manager.place(NotedOwner(), BTC.instrument, Side.BUY, Size(50), Price(9_000))
    world.exchange.settle()
    assert world.manager.amend(order, Price(9_001), Size(50))
    world.exchange.settle()
    assert not world.manager.amend(order, Price(9_002), Size(50))
    world.manager.cancel(order)
    world.exchange.settle()
    assert order.state is OrderState.CANCELED
