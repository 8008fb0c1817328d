"""The spot desk: what it keeps of money and orders, whatever its clients do."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hft import OrderState, Price, Side, SimulatedClock, Size, TimeInForce
from hft.sim import (
    Archive,
    ClientOrder,
    EndReason,
    FeeRates,
    Fill,
    Filters,
    OrderEvent,
    Reason,
    Refused,
    SelfTrade,
    SpotAccount,
    SpotDesk,
    SyntheticMarket,
    Trigger,
)
from hft.sim.instruments import synthetic_product

BUY, SELL = Side.BUY, Side.SELL
START_NS = 1_700_000_000_000_000_000
FEES = FeeRates(maker=Decimal("-0.0001"), taker=Decimal("0.001"))
DISCOUNTED = FeeRates(
    maker=Decimal("0.001"), taker=Decimal("0.001"), discount_asset="BNB", discount=Decimal("0.25")
)
START = {"BTC": Decimal(1), "USDT": Decimal(50_000), "BNB": Decimal("0.05")}


class Bench:
    """A desk with two markets, two accounts and a list of what it told."""

    def __init__(self, **filters: Any) -> None:
        self.clock = SimulatedClock(START_NS)
        self.desk = SpotDesk(self.clock)
        self.market, self.bnb = (
            SyntheticMarket(synthetic_product(symbol, "sim").instrument, self.clock)
            for symbol in ("BTC/USDT", "BNB/USDT")
        )
        self.desk.trade(self.market, Filters(**filters))
        self.desk.trade(self.bnb, Filters())
        self.bnb.submit(BUY, 10, 55_000)
        self.a = SpotAccount("a", FEES, START)
        self.b = SpotAccount("b", DISCOUNTED, START)
        for account in (self.a, self.b):
            self.desk.accounts[account.id] = account
        self.told: list[tuple[str, OrderEvent]] = []
        self.desk.listeners.append(self)
        self.names = 0

    def on_order(self, order: ClientOrder, event: OrderEvent, fill: Fill | None) -> None:
        assert (fill is not None) is (event is OrderEvent.FILL)
        self.told.append((order.client_id, event))

    def order(
        self, account: SpotAccount, side: Side, size: int, price: int | None, **more: Any
    ) -> ClientOrder:
        self.names += 1
        name = more.pop("client_id", f"{account.id}{self.names}")
        limit = None if price is None else Price(price)
        return ClientOrder(
            account=account,
            market=self.market,
            side=side,
            size=Size(size),
            price=limit,
            client_id=name,
            **more,
        )

    def place(self, *args: Any, **more: Any) -> ClientOrder:
        order = self.order(*args, **more)
        self.desk.place(order)
        return order

    def refused(self, *args: Any, **more: Any) -> Reason:
        before = self.balances()
        with pytest.raises(Refused) as caught:
            self.place(*args, **more)
        assert self.balances() == before
        return caught.value.reason

    def balances(self) -> list[tuple[str, str, Decimal, Decimal]]:
        return [
            (account.id, asset, account.wallet.free(asset), account.wallet.locked(asset))
            for account in self.desk.accounts.values()
            for asset in account.wallet.assets()
        ]

    def check(self) -> None:
        """Compare every balance with what the fills say, and what is locked with the open orders."""
        instrument = self.market.instrument
        for account in self.desk.accounts.values():
            owned = Counter(START)
            for fill in account.fills:
                base = instrument.size_to_decimal(fill.size)
                quote = base * instrument.price_to_decimal(fill.price)
                sign = fill.order.side.sign
                owned[instrument.base] += sign * base
                owned[instrument.quote] -= sign * quote
                owned[fill.fee_asset] -= fill.fee
            locked: Counter[str] = Counter()
            for order in account.open_orders():
                base = instrument.size_to_decimal(order.remaining)
                if order.side is SELL:
                    locked[instrument.base] += base
                elif order.price is not None:
                    locked[instrument.quote] += base * instrument.price_to_decimal(order.price)
            wallet = account.wallet
            for asset in wallet.assets():
                assert wallet.locked(asset) == locked[asset]
                assert wallet.free(asset) + wallet.locked(asset) == owned[asset]
                assert wallet.free(asset) >= 0
            for order in account.orders():
                assert sum(fill.size for fill in order.fills) == order.filled <= order.size
                assert order.is_open is (order in account.open_orders(self.market))
                in_book = order.resting is not None and self.market.engine.order(order.resting.id) is not None
                assert in_book is (order.is_open and order.working_ns > 0)


@attrs.frozen
class Act:
    kind: str
    who: int
    side: Side
    size: int
    price: int | None
    tif: TimeInForce
    post_only: bool
    mode: SelfTrade
    pick: int


ACTS = st.builds(
    Act,
    kind=st.sampled_from(["place"] * 5 + ["cancel", "amend", "stranger", "stranger", "stop"]),
    who=st.integers(0, 1),
    side=st.sampled_from([BUY, SELL]),
    size=st.integers(1, 60_000),
    price=st.one_of(st.none(), st.integers(5_999_990, 6_000_010)),
    tif=st.sampled_from([TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK]),
    post_only=st.booleans(),
    mode=st.sampled_from(list(SelfTrade)),
    pick=st.integers(0, 5),
)


@given(st.lists(ACTS, max_size=40))
@settings(max_examples=150, deadline=None)
def test_money_is_kept_whatever_is_asked(acts: list[Act]) -> None:
    bench = Bench()
    for act in acts:
        account = (bench.a, bench.b)[act.who]
        orders = account.open_orders()
        try:
            if act.kind == "place":
                bench.place(
                    account,
                    act.side,
                    act.size,
                    act.price,
                    time_in_force=act.tif,
                    post_only=act.post_only and act.price is not None and act.tif is TimeInForce.GTC,
                    self_trade=act.mode,
                )
            elif act.kind == "stop":
                price = Decimal(60_000 + act.pick - 3)
                bench.place(
                    account, act.side, act.size, act.price, trigger=Trigger(price, rising=act.post_only)
                )
            elif act.kind == "stranger":
                bench.market.submit(act.side, act.size, act.price)
            elif orders and act.kind == "cancel":
                bench.desk.cancel(orders[act.pick % len(orders)])
            elif orders:
                price = None if act.price is None else Price(act.price)
                bench.desk.amend(orders[act.pick % len(orders)], Size(act.size), price)
        except Refused:
            pass
        bench.clock.advance(1)
        bench.check()
    records = [record["client_id"] for record in bench.desk.archive]
    still_open = [order.client_id for account in (bench.a, bench.b) for order in account.open_orders()]
    assert len(set(records + still_open)) == len(records) + len(still_open) == bench.names


def test_price_then_time_between_accounts() -> None:
    bench = Bench()
    late_but_better = 6_000_100
    first = bench.place(bench.a, SELL, 10, 6_000_200)
    second = bench.place(bench.b, SELL, 10, 6_000_200)
    best = bench.place(bench.b, SELL, 10, late_but_better)
    bench.market.submit(BUY, 25, None)
    assert (best.filled, first.filled, second.filled) == (10, 10, 5)
    bench.desk.amend(second, Size(9))
    third = bench.place(bench.a, SELL, 10, 6_000_200)
    bench.market.submit(BUY, 5, None)
    assert (second.filled, second.state, third.filled) == (9, OrderState.FILLED, 1)


def test_a_larger_amendment_goes_to_the_back() -> None:
    bench = Bench()
    first = bench.place(bench.a, SELL, 10, 6_000_200)
    second = bench.place(bench.b, SELL, 10, 6_000_200)
    bench.desk.amend(first, Size(11))
    bench.market.submit(BUY, 10, None)
    assert (first.filled, second.filled) == (0, 10)


def test_a_smaller_amendment_may_give_its_place_up() -> None:
    bench = Bench()
    first = bench.place(bench.a, SELL, 10, 6_000_200)
    second = bench.place(bench.b, SELL, 10, 6_000_200)
    bench.desk.amend(first, Size(9), keep_place=False)
    bench.market.submit(BUY, 10, None)
    assert (first.filled, second.filled) == (0, 10)


def test_fees_are_taken_from_what_is_received() -> None:
    bench = Bench()
    maker = bench.place(bench.a, SELL, 10_000, 6_000_000)
    taker = bench.place(bench.b, BUY, 10_000, None)
    (made,), (taken,) = maker.fills, taker.fills
    assert (made.fee, made.fee_asset, made.is_maker) == (Decimal("-0.60000000"), "USDT", True)
    # 0.1 BTC at 60,000 and BNB at 550: 6 less a quarter, in BNB.
    assert (taken.fee, taken.fee_asset) == (Decimal("0.00818182"), "BNB")
    again = bench.place(bench.b, BUY, 10_000, 6_000_000)
    bench.market.submit(SELL, 10_000, 6_000_000)
    assert again.fills[0].fee_asset == "BNB"
    bench.b.wallet.add("BNB", -bench.b.wallet.free("BNB"))
    poor = bench.place(bench.b, BUY, 10_000, 6_000_000)
    bench.market.submit(SELL, 10_000, 6_000_000)
    assert (poor.fills[0].fee, poor.fills[0].fee_asset) == (Decimal("0.00010000"), "BTC")


@pytest.mark.parametrize(
    ("mode", "first", "second"),
    [
        (SelfTrade.EXPIRE_MAKER, OrderState.EXPIRED, OrderState.NEW),
        (SelfTrade.EXPIRE_TAKER, OrderState.NEW, OrderState.EXPIRED),
        (SelfTrade.EXPIRE_BOTH, OrderState.EXPIRED, OrderState.EXPIRED),
        (SelfTrade.ALLOW, OrderState.FILLED, OrderState.FILLED),
    ],
)
def test_orders_of_one_account_meet(mode: SelfTrade, first: OrderState, second: OrderState) -> None:
    bench = Bench()
    maker = bench.place(bench.a, SELL, 10, 6_000_000)
    taker = bench.place(bench.a, BUY, 10, 6_000_000, self_trade=mode)
    assert (maker.state, taker.state) == (first, second)
    for order in (maker, taker):
        assert (order.end is EndReason.SELF_TRADE) is (order.state is OrderState.EXPIRED)
    bench.check()


def test_decrement_takes_from_both() -> None:
    bench = Bench()
    maker = bench.place(bench.a, SELL, 10, 6_000_000)
    taker = bench.place(bench.a, BUY, 4, 6_000_000, self_trade=SelfTrade.DECREMENT)
    assert (maker.state, maker.remaining, taker.state) == (OrderState.NEW, 6, OrderState.EXPIRED)
    bench.check()
    bench.market.submit(BUY, 6, None)
    assert (maker.filled, maker.state) == (6, OrderState.EXPIRED)
    bench.check()


def test_what_cannot_be_paid_is_refused_and_changes_nothing() -> None:
    bench = Bench(max_orders=2, min_notional=Decimal(5), max_size=Size(200_000))
    bench.market.submit(SELL, 300_000, 6_000_000)
    assert bench.refused(bench.a, BUY, 100_000, 6_000_000) is Reason.BALANCE
    assert bench.refused(bench.a, BUY, 100_000, None) is Reason.BALANCE
    assert bench.refused(bench.a, SELL, 100_001, 7_000_000) is Reason.BALANCE
    assert bench.refused(bench.a, BUY, 1, 6_000_000) is Reason.NOTIONAL
    assert bench.refused(bench.a, SELL, 200_001, 7_000_000) is Reason.LARGE
    assert bench.refused(bench.a, BUY, 1_000, 6_000_000, post_only=True) is Reason.WOULD_TAKE
    order = bench.place(bench.a, BUY, 1_000, 5_900_000, client_id="mine")
    assert bench.refused(bench.a, BUY, 1_000, 5_900_000, client_id="mine") is Reason.DUPLICATE_ID
    bench.place(bench.b, BUY, 1_000, 5_900_000, client_id="mine")
    bench.place(bench.a, BUY, 1_000, 5_900_000)
    assert bench.refused(bench.a, BUY, 1_000, 5_900_000) is Reason.TOO_MANY_ORDERS
    bench.desk.cancel(order)
    with pytest.raises(Refused):
        bench.desk.cancel(order)
    again = bench.place(bench.a, BUY, 1_000, 5_900_000, client_id="mine")
    assert bench.a.find(bench.market, client_id="mine") is again
    assert bench.a.find(bench.market, order_id=order.id) is order
    bench.check()


def test_conditional_orders_wait_for_the_last_price() -> None:
    bench = Bench()
    bench.market.submit(SELL, 100, 6_000_100)
    stop = bench.place(bench.a, BUY, 50, None, trigger=Trigger(Decimal("60000.50"), rising=True))
    limit = bench.place(bench.a, BUY, 50, 5_999_000, trigger=Trigger(Decimal(60001), rising=True))
    assert (stop.working_ns, bench.a.wallet.locked("USDT")) == (0, Decimal("29.9950000"))
    bench.market.submit(BUY, 10, None)
    assert stop.filled == 0
    bench.clock.advance(1)
    assert (stop.state, limit.state) == (OrderState.FILLED, OrderState.NEW)
    assert bench.market.engine.size_at(BUY, Price(5_999_000)) == 50
    assert [event for name, event in bench.told if name == limit.client_id] == [
        OrderEvent.NEW,
        OrderEvent.TRIGGERED,
    ]
    bench.check()


def test_a_date_ends_an_order() -> None:
    bench = Bench()
    order = bench.place(bench.a, BUY, 50, 5_999_000, good_till_ns=START_NS + 1000)
    bench.clock.advance(999)
    assert order.is_open
    bench.clock.advance(1)
    assert (order.state, order.end) == (OrderState.EXPIRED, EndReason.DATE)
    bench.check()


def test_what_is_served_is_bounded_and_what_is_archived_is_not() -> None:
    bench = Bench()
    bench.desk.accounts["c"] = account = SpotAccount("c", FEES, START, kept=10)
    for number in range(50):
        order = bench.place(account, BUY, 50, 5_999_000, client_id=f"c{number}")
        bench.desk.cancel(order)
    held = bench.place(account, BUY, 50, 5_999_000)
    assert len(account.orders()) == 11
    assert account.find(bench.market, client_id="c0") is None
    assert account.find(bench.market, client_id="c49") is not None
    assert [record["client_id"] for record in bench.desk.archive] == [f"c{n}" for n in range(50)]
    assert held in account.orders()


def test_a_large_archive_is_on_disk_and_whole() -> None:
    bench = Bench()
    bench.desk.archive = archive = Archive(in_memory=2_000)
    for number in range(20):
        order = bench.place(bench.a, BUY, 50, 5_999_000, client_id=f"c{number}")
        bench.desk.cancel(order)
        assert [record["client_id"] for record in archive] == [f"c{n}" for n in range(number + 1)]
    assert archive.count == 20
    bench.desk.close()


def test_some_exchanges_take_a_post_only_order_that_would_trade_and_let_it_expire() -> None:
    bench = Bench()
    bench.desk.refuses_takers = False
    bench.market.submit(SELL, 1_000, 6_000_000)
    before = bench.balances()
    order = bench.place(bench.a, BUY, 1_000, 6_000_000, post_only=True)
    assert (order.state, order.filled) == (OrderState.EXPIRED, 0)
    assert [event for _, event in bench.told] == [OrderEvent.NEW, OrderEvent.EXPIRED]
    assert bench.balances() == before
