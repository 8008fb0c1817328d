"""The position limit holds whatever is ordered, filled, cancelled and told in whichever order."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hft import APPROVED, InstrumentId, Order, OrderState, Price, Refused, Side, Size, UsageError
from hft.testing.orders import ModelExchange, ModelExchangeWithoutAmend, NotedOwner, OrderWorld
from hft.testing.trading import FakeRiskView, make_instrument, make_market
from hft_max_position import Code, Config, MaxPosition
from hft_max_position.plugin import HFT_API, hft_risk_rule

BTC = make_market(make_instrument())
ETH = make_market(make_instrument("ETH/USDT"))


def make_rule(limit: str = "0.001", view: FakeRiskView | None = None) -> tuple[MaxPosition, FakeRiskView]:
    view = view or FakeRiskView([BTC, ETH])
    rule = MaxPosition(Config(instrument=BTC.instrument.id, limit=Decimal(limit)))
    rule.on_start(view)
    return rule, view


def make_order(side: Side, size: int, key: str = "new", market: object = BTC) -> Order:
    return Order(
        client_order_id=key,
        strategy="s",
        instrument=ETH.instrument if market is ETH else BTC.instrument,
        side=side,
        size=Size(size),
        price=Price(9_000),
        state=OrderState.NEW,
    )


def test_the_plugin_offers_the_rule() -> None:
    assert HFT_API == 1
    assert hft_risk_rule() is MaxPosition
    assert MaxPosition.Config is Config


@pytest.mark.parametrize(
    ("position", "side", "size", "approved"),
    [
        (0, Side.BUY, 100, True),
        (0, Side.BUY, 101, False),
        (60, Side.BUY, 40, True),
        (60, Side.BUY, 41, False),
        (60, Side.SELL, 160, True),
        (60, Side.SELL, 161, False),
        (-100, Side.SELL, 1, False),
        # Beyond the limit already: what leads back is approved, what leads further is not.
        (150, Side.SELL, 10, True),
        (150, Side.BUY, 1, False),
        (-150, Side.BUY, 10, True),
    ],
)
def test_the_position_may_reach_the_limit_and_no_more(
    position: int, side: Side, size: int, approved: bool
) -> None:
    rule, view = make_rule()
    view.positions[BTC.instrument] = Size(position)
    verdict = rule.check(make_order(side, size), view)
    assert (verdict is APPROVED) is approved


def test_orders_that_fit_singly_must_fit_together() -> None:
    rule, view = make_rule()
    view.orders = [make_order(Side.BUY, 60, "1"), make_order(Side.SELL, 90, "2")]
    assert rule.check(make_order(Side.BUY, 40), view) is APPROVED
    assert rule.check(make_order(Side.BUY, 41), view) == Refused(
        "position in BTC/USDT@test would be 0.00101, limit is 0.00100", Code.LIMIT
    )


def test_other_instruments_are_not_judged() -> None:
    rule, view = make_rule()
    assert rule.check(make_order(Side.BUY, 10_000, market=ETH), view) is APPROVED


@pytest.mark.parametrize("limit", ["0.000001", "0.0010005"])
def test_a_limit_off_the_grid_is_a_fault_of_the_profile(limit: str) -> None:
    with pytest.raises(UsageError, match=f"limit {limit} of BTC/USDT@test is not a multiple"):
        make_rule(limit)


def test_a_limit_for_an_instrument_that_nobody_trades_is_a_fault_of_the_profile() -> None:
    rule = MaxPosition(Config(instrument=InstrumentId("XRP/USDT", "test"), limit=Decimal(1)))
    with pytest.raises(UsageError, match="XRP/USDT@test"):
        rule.on_start(FakeRiskView([BTC]))


@pytest.mark.parametrize("limit", ["0", "-1"])
def test_a_limit_is_positive(limit: str) -> None:
    with pytest.raises(ValueError, match="limit"):
        Config(instrument=BTC.instrument.id, limit=Decimal(limit))


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("place"), st.sampled_from(Side), st.integers(1, 120)),
        st.tuples(st.just("amend"), st.integers(0, 9), st.integers(1, 150)),
        st.tuples(st.just("cancel"), st.integers(0, 9)),
        st.tuples(st.just("fill"), st.integers(0, 9), st.integers(1, 120)),
        st.tuples(st.just("arrive")),
        st.tuples(st.just("tell"), st.integers(0, 9)),
    ),
    max_size=80,
)


@settings(max_examples=400, deadline=None)
@given(_STEPS, st.booleans())
def test_no_sequence_of_orders_fills_and_cancels_leads_beyond_the_limit(
    steps: list[tuple[object, ...]], can_amend: bool
) -> None:
    """The exchange's own position, which fills untold are part of, never passes the limit."""
    market = make_market(make_instrument())
    rule = MaxPosition(Config(instrument=market.instrument.id, limit=Decimal("0.001")))
    client = ModelExchange if can_amend else ModelExchangeWithoutAmend
    world = OrderWorld(market, client, rules={"max_position": rule})
    exchange, owner = world.exchange, NotedOwner()
    orders: list[Order] = []
    for step in steps:
        match step:
            case ["place", Side() as side, int(size)]:
                orders.append(world.manager.place(owner, market.instrument, side, Size(size), Price(9_000)))
            case ["amend", int(number), int(size)] if orders:
                world.manager.amend(orders[number % len(orders)], Price(9_001), Size(size))
            case ["cancel", int(number)] if orders:
                world.manager.cancel(orders[number % len(orders)])
            case ["fill", int(number), int(size)] if exchange.resting:
                key = sorted(exchange.resting)[number % len(exchange.resting)]
                exchange.fill(key, min(size, exchange.resting[key].left))
            case ["arrive"] if exchange.requests:
                exchange.arrive()
            case ["tell", int(number)] if exchange.answers:
                exchange.tell(number % len(exchange.answers))
        assert abs(exchange.position) <= 100
    # At the worst, everything that still rests is filled.
    while exchange.requests:
        exchange.arrive()
    for side in Side:
        resting = sum(order.left for order in exchange.resting.values() if order.side is side)
        assert exchange.position * side.sign + resting <= 100
    assert not world.manager.halted
