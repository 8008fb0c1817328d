"""What rules see: the order manager's running totals must equal a sum over its orders."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hft.errors import UsageError
from hft.events import BalanceReport, Fill
from hft.instrument import InstrumentId
from hft.market import Market
from hft.money import to_amount
from hft.order import Order
from hft.risk import LiveRiskView
from hft.testing.orders import ModelExchange, ModelExchangeWithoutAmend, NotedOwner, OrderWorld
from hft.testing.trading import FakeRiskView, make_instrument, make_market, set_book
from hft.types import BookState, Liquidity, PositionSide, Price, Side, Size

_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("place"), st.sampled_from(Side), st.integers(1, 20)),
        st.tuples(st.just("amend"), st.integers(0, 9), st.integers(1, 30)),
        st.tuples(st.just("cancel"), st.integers(0, 9)),
        st.tuples(st.just("fill"), st.integers(0, 9), st.integers(1, 20)),
        st.tuples(st.just("arrive")),
        st.tuples(st.just("tell"), st.integers(0, 9)),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(_STEPS, st.booleans())
def test_totals_equal_the_sum_of_the_orders_and_cover_what_the_exchange_has(
    steps: list[tuple[object, ...]], can_amend: bool
) -> None:
    market = make_market(make_instrument())
    world = OrderWorld(market, ModelExchange if can_amend else ModelExchangeWithoutAmend)
    owner, exchange, instrument = NotedOwner(), world.exchange, world.instrument
    view = world.view
    plain = FakeRiskView([market])
    orders: list[Order] = []
    for step in steps:
        match step:
            case ["place", Side() as side, int(size)]:
                orders.append(world.manager.place(owner, instrument, side, Size(size), Price(9_000)))
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
        open_orders = world.manager.open_orders(instrument)
        for side in Side:
            ours = [order for order in open_orders if order.side is side]
            total = sum(world.manager.exposure_of(order.client_order_id) for order in ours)
            assert world.manager.exposure(instrument, side) == total
            # The law: whatever the exchange has filled and may fill is in position or exposure.
            resting = sum(order.left for order in exchange.resting.values() if order.side is side)
            at_the_exchange = exchange.position * side.sign + resting
            assert at_the_exchange <= world.ledger.position(instrument) * side.sign + total
        if not any(order.pending_size for order in open_orders) and not exchange.answers:
            plain.orders, plain.positions = open_orders, {instrument: world.ledger.position(instrument)}
            for side in Side:
                new = Order(
                    client_order_id="new",
                    strategy="s",
                    instrument=instrument,
                    side=side,
                    size=Size(7),
                    price=None,
                )
                assert view.worst_case_position(new) == plain.worst_case_position(new)
                assert view.exposure_growth(new) == plain.exposure_growth(new)
            assert view.extremes(instrument) == plain.extremes(instrument)
            assert view.gross_exposure("USDT") == plain.gross_exposure("USDT")
            assert view.open_order_count() == plain.open_order_count()
            assert view.open_order_count(instrument) == plain.open_order_count(instrument)
    exchange.settle()
    assert world.ledger.position(instrument) == exchange.position
    assert world.manager.exposure(instrument, Side.BUY) == sum(
        order.left for order in exchange.resting.values() if order.side is Side.BUY
    )
    assert world.manager.counters.illegal == 0


def test_the_worst_case_of_an_order_is_on_its_own_side() -> None:
    market = make_market(make_instrument())
    world, owner = OrderWorld(market), NotedOwner()
    view = world.view
    buy = world.manager.place(owner, world.instrument, Side.BUY, Size(10), Price(9_000))
    sell = world.manager.place(owner, world.instrument, Side.SELL, Size(3), Price(11_000))
    world.exchange.settle()
    assert view.worst_case_position(buy) == 10
    assert view.worst_case_position(sell) == -3
    world.exchange.fill(buy.client_order_id, 4)
    world.exchange.settle()
    assert view.position(world.instrument) == 4
    assert view.worst_case_position(buy) == 10
    assert view.worst_case_position(sell) == 1
    assert view.open_orders(world.instrument) == [buy, sell]
    assert view.market(world.instrument) is market


def test_an_amendment_is_judged_by_the_larger_of_both() -> None:
    market = make_market(make_instrument())
    world, owner = OrderWorld(market), NotedOwner()
    view = world.view
    order = world.manager.place(owner, world.instrument, Side.BUY, Size(10), Price(9_000))
    world.exchange.settle()
    for size, worst in ((4, 10), (10, 10), (15, 15)):
        judged = Order(
            client_order_id=order.client_order_id,
            strategy="s",
            instrument=world.instrument,
            side=Side.BUY,
            size=Size(size),
            price=Price(9_000),
        )
        assert view.worst_case_position(judged) == worst


def test_an_instrument_that_nobody_trades_is_a_fault_of_the_profile() -> None:
    world = OrderWorld(make_market(make_instrument()))
    view = LiveRiskView(world.manager, world.ledger, [], world.clock)
    with pytest.raises(UsageError, match="ETH/USDT@test is not part of this run"):
        view.instrument(InstrumentId("ETH/USDT", "test"))


def fill_of(market: Market, side: Side, size: int, trade_id: str, position_side: PositionSide) -> Fill:
    return Fill(
        client_order_id="x",
        instrument=market.instrument,
        trade_id=trade_id,
        side=side,
        price=Price(10_000),
        size=Size(size),
        liquidity=Liquidity.MAKER,
        fee=Decimal(0),
        fee_asset="USDT",
        position_side=position_side,
    )


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 50), st.sampled_from(PositionSide)), max_size=6),
    st.sampled_from(Side),
    st.sampled_from(PositionSide),
    st.booleans(),
)
def test_exposure_is_that_of_plain_sums_in_hedge_mode_too(
    trades: list[tuple[Side, int, PositionSide]], side: Side, position_side: PositionSide, reduce_only: bool
) -> None:
    market = make_market(make_instrument())
    world, plain = OrderWorld(market), FakeRiskView([market])
    for number, (each, size, where) in enumerate(trades):
        world.ledger.on_fill(fill_of(market, each, size, str(number), where))
    for where in PositionSide:
        held = world.ledger.position_of(world.instrument, where)
        if where is PositionSide.BOTH:
            plain.positions[world.instrument] = held
        else:
            plain.sides[world.instrument, where] = held
    order = Order(
        client_order_id="new",
        strategy="s",
        instrument=world.instrument,
        side=side,
        size=Size(7),
        price=None,
        position_side=position_side,
        reduce_only=reduce_only,
    )
    assert world.view.gross_exposure("USDT") == plain.gross_exposure("USDT")
    assert world.view.exposure_growth(order) == plain.exposure_growth(order)
    assert world.view.position(world.instrument) == plain.position(world.instrument)


def test_a_position_is_valued_at_the_last_live_middle() -> None:
    market = make_market(make_instrument(), asks=())
    world = OrderWorld(market)
    view, instrument = world.view, world.instrument
    assert view.mark(instrument) is None
    assert view.value(instrument, 10) is None
    world.ledger.on_fill(fill_of(market, Side.BUY, 10, "1", PositionSide.BOTH))
    assert view.gross_exposure("USDT") is None
    assert view.gross_exposure("EUR") == 0
    set_book(market, [("99.99", "1")], [("100.02", "1")])
    assert view.mark(instrument) == Decimal("100.005")
    assert view.value(instrument, -10) == to_amount(Decimal("-0.0100005"))
    set_book(market, [("50.00", "1")], [("50.02", "1")])
    market.book.state = BookState.BROKEN
    assert view.mark(instrument) == Decimal("100.005")


def test_profit_of_today_peak_and_equity() -> None:
    market = make_market(make_instrument())
    world = OrderWorld(market)
    view, ledger, instrument = world.view, world.ledger, world.instrument
    assert (view.equity("USDT"), view.balance("test", "USDT")) == (None, None)
    ledger.on_balance(BalanceReport(exchange="test", asset="USDT", total=Decimal(10)))
    assert view.profit_today("USDT") == 0
    ledger.on_fill(fill_of(market, Side.BUY, 100, "1", PositionSide.BOTH))
    set_book(market, [("109.99", "1")], [("110.01", "1")])
    assert view.revalue(instrument)
    assert not view.revalue(instrument)
    cent = to_amount(Decimal("0.01"))
    assert view.net_profit("USDT") == view.profit_today("USDT") == view.peak_profit("USDT") == cent
    assert view.balance("test", "USDT") == to_amount(Decimal("9.9"))
    assert view.equity("USDT") == to_amount(Decimal("10.01"))
    world.clock.advance(86_400_000_000_000)
    assert (view.net_profit("USDT"), view.profit_today("USDT")) == (cent, 0)
    set_book(market, [("104.99", "1")], [("105.01", "1")])
    view.revalue(instrument)
    assert (view.peak_profit("USDT"), view.profit_today("USDT")) == (cent, -cent // 2)
    ledger.reset_peaks()
    assert view.peak_profit("USDT") == cent // 2
    assert (view.now_ns, view.instruments) == (world.clock.now_ns(), (instrument,))


def test_an_asset_that_nothing_settles_in_is_a_fault_of_the_profile() -> None:
    view = OrderWorld(make_market(make_instrument())).view
    assert [str(each) for each in view.settled_in("USDT")] == ["BTC/USDT@test"]
    with pytest.raises(UsageError, match="settles in 'USTD', did you mean 'USDT'"):
        view.settled_in("USTD")
