"""The desk of linear perpetuals: margin, profit, reduce-only orders, funding, liquidation."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hft import OrderState, Price, Side, SimulatedClock, Size, TimeInForce
from hft.sim import (
    ClientOrder,
    EndReason,
    FeeRates,
    Filters,
    IncomeKind,
    Leg,
    LinearDesk,
    Liquidations,
    MarginAccount,
    Mark,
    Reason,
    Refused,
    SelfTrade,
    SyntheticMarket,
    Trigger,
    TriggerPrice,
)
from hft.sim.instruments import synthetic_product

BUY, SELL = Side.BUY, Side.SELL
START_NS = 1_700_000_000_000_000_000
FEES = FeeRates(maker=Decimal("0.0002"), taker=Decimal("0.0005"))
START = Decimal(10_000)


class Bench:
    """A desk with one market at 60,000 and two accounts of 10,000 USDT."""

    def __init__(self) -> None:
        self.clock = SimulatedClock(START_NS)
        self.desk = LinearDesk(self.clock)
        self.market = SyntheticMarket(synthetic_product("BTC/USDT:USDT", "sim").instrument, self.clock)
        self.desk.trade(self.market, Filters())
        self.calls: list[str] = []
        self.paid: list[tuple[IncomeKind, Decimal]] = []
        self.desk.money_listeners.append(self)
        self.a, self.b = (MarginAccount(name, FEES, {"USDT": START}) for name in "ab")
        for account in (self.a, self.b):
            self.desk.accounts[account.id] = account
        self.liquidations = Liquidations(self.desk, self.clock, self.make)
        self.names = 0
        self.mark(60_000)

    def on_money(
        self, account: MarginAccount, kind: IncomeKind, asset: str, amount: Decimal, market: Any
    ) -> None:
        self.paid.append((kind, amount))

    def on_margin_call(self, account: MarginAccount, asset: str) -> None:
        self.calls.append(account.id)

    def make(
        self, account: MarginAccount, market: SyntheticMarket, leg: Leg, side: Side, size: Size
    ) -> ClientOrder:
        return self.order(account, side, size, None, leg=leg, reduce_only=leg is Leg.NET, by_exchange=True)

    def mark(self, price: int) -> None:
        self.market.mark = Mark(Decimal(price), Decimal(price), Decimal("0.0001"), START_NS + 10**15)
        self.desk.on_mark(self.market, None)
        self.liquidations.on_mark(self.market, None)

    def order(
        self, account: MarginAccount, side: Side, size: int, price: int | None, **more: Any
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
        with pytest.raises(Refused) as caught:
            self.place(*args, **more)
        return caught.value.reason

    def size(self, account: MarginAccount, leg: Leg = Leg.NET) -> int:
        return account.position(self.market, leg).size

    def hold(self, account: MarginAccount, lots: int, price: int = 600_000, **more: Any) -> None:
        """Let an account buy (or sell) from a stranger."""
        side = BUY if lots > 0 else SELL
        self.market.submit(side.opposite, abs(lots), price)
        self.place(account, side, abs(lots), price, **more)

    def check(self) -> None:
        point = self.market.instrument.point_value
        for account in self.desk.accounts.values():
            cash = START - sum(fill.fee for fill in account.fills)
            cash += sum(income.amount for income in account.incomes if income.kind is IncomeKind.INSURANCE)
            for leg in Leg:
                position = account.position(self.market, leg)
                fills = [fill for fill in account.fills if fill.order.leg is leg]
                assert position.size == sum(fill.order.side.sign * fill.size for fill in fills)
                cash -= sum(fill.order.side.sign * fill.size * fill.price * point for fill in fills)
                cash += position.cost
                assert position.realised == sum(fill.realised for fill in fills)
            assert account.wallets["USDT"] == cash
            assert account.wallets["USDT"] == START + sum(income.amount for income in account.incomes)
            for order in account.orders():
                assert sum(fill.size for fill in order.fills) == order.filled <= order.size
            for (market, leg, side), pending in account.pending.items():
                assert pending == sum(
                    (order.price or 0) * order.remaining * point
                    for order in account.open_orders(market)
                    if (order.leg, order.side) == (leg, side)
                    and not order.reduce_only
                    and (leg is Leg.NET or (leg is Leg.LONG) is (side is BUY))
                )


@attrs.frozen
class Act:
    kind: str
    who: int
    side: Side
    size: int
    price: int | None
    reduce_only: bool
    tif: TimeInForce
    mode: SelfTrade
    pick: int


ACTS = st.builds(
    Act,
    kind=st.sampled_from(["place"] * 5 + ["cancel", "amend", "stranger", "mark"]),
    who=st.integers(0, 1),
    side=st.sampled_from([BUY, SELL]),
    size=st.integers(1, 700),
    price=st.one_of(st.none(), st.integers(599_980, 600_020)),
    reduce_only=st.booleans(),
    tif=st.sampled_from([TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK]),
    mode=st.sampled_from(list(SelfTrade)),
    pick=st.integers(0, 5),
)


@given(st.booleans(), st.booleans(), st.lists(ACTS, max_size=40))
@settings(max_examples=150, deadline=None)
def test_money_is_kept_whatever_is_asked(hedged: bool, isolated: bool, acts: list[Act]) -> None:
    bench = Bench()
    for account in (bench.a, bench.b):
        account.is_hedged = hedged
        if isolated:
            account.isolated.add(bench.market)
    for act in acts:
        account = (bench.a, bench.b)[act.who]
        leg = Leg.NET if not hedged else (Leg.LONG, Leg.SHORT)[act.reduce_only]
        orders = account.open_orders()
        try:
            if act.kind == "place":
                bench.place(
                    account,
                    act.side,
                    act.size,
                    act.price,
                    leg=leg,
                    reduce_only=act.reduce_only and not hedged,
                    time_in_force=act.tif,
                    self_trade=act.mode,
                )
            elif act.kind == "stranger":
                bench.market.submit(act.side, act.size, act.price)
            elif act.kind == "mark":
                bench.mark(60_000 + 100 * (act.pick - 3))
            elif orders and act.kind == "cancel":
                bench.desk.cancel(orders[act.pick % len(orders)])
            elif orders:
                price = None if act.price is None else Price(act.price)
                bench.desk.amend(orders[act.pick % len(orders)], Size(act.size), price)
        except Refused:
            pass
        bench.clock.advance(1)
        bench.check()
        for account in (bench.a, bench.b):
            assert account.position(bench.market, Leg.LONG).size >= 0
            assert account.position(bench.market, Leg.SHORT).size <= 0
            assert isolated or account.isolated_margin("USDT") == 0
            if isolated:
                flat = not any(position.size for _, _, position in account.legs())
                assert (account.isolated_margin("USDT") == 0) is flat


def test_two_accounts_win_what_they_lose_less_fees() -> None:
    bench = Bench()
    for price in (600_000, 600_013, 599_871, 600_402):
        for lots in (7, 3, 11):
            side = BUY if price % 2 else SELL
            bench.place(bench.a, side, lots, price)
            bench.place(bench.b, side.opposite, lots, price)
    worth = sum(
        account.wallets["USDT"] + account.unrealised("USDT") + sum(fill.fee for fill in account.fills)
        for account in (bench.a, bench.b)
    )
    assert worth == 2 * START
    bench.check()


def test_margin_is_needed_for_what_could_be_held() -> None:
    bench = Bench()
    bench.a.set_leverage(bench.market, 10)
    # 10,000 at tenfold leverage is 100,000: 1.666 BTC at 60,000.
    assert bench.refused(bench.a, BUY, 1_667, 600_000) is Reason.MARGIN
    bench.place(bench.a, BUY, 1_600, 600_000)
    assert bench.a.available("USDT") == Decimal(400)
    assert bench.refused(bench.a, BUY, 100, 600_000) is Reason.MARGIN
    bench.place(bench.a, SELL, 1_600, 600_100)  # either side alone is what could be held
    assert bench.a.available("USDT") < Decimal(400)
    bench.check()


def test_closing_needs_no_margin() -> None:
    bench = Bench()
    bench.hold(bench.a, 3_000)
    bench.mark(59_000)
    assert bench.a.available("USDT") < 0
    assert bench.refused(bench.a, BUY, 1, 590_000) is Reason.MARGIN
    order = bench.place(bench.a, SELL, 3_000, 591_000)
    bench.market.submit(BUY, 3_000, 591_000)
    assert (order.state, bench.size(bench.a)) == (OrderState.FILLED, 0)


def test_reduce_only_orders_never_enlarge_or_turn() -> None:
    bench = Bench()
    assert bench.refused(bench.a, SELL, 5, 600_000, reduce_only=True) is Reason.REDUCE_ONLY
    bench.hold(bench.a, 10)
    assert bench.refused(bench.a, BUY, 5, 590_000, reduce_only=True) is Reason.REDUCE_ONLY
    first = bench.place(bench.a, SELL, 6, 600_100, reduce_only=True)
    second = bench.place(bench.a, SELL, 9, 600_200, reduce_only=True)
    assert bench.refused(bench.a, SELL, 1, 600_300, reduce_only=True) is Reason.REDUCE_ONLY
    bench.market.submit(BUY, 30, None)
    assert (first.filled, second.filled, bench.size(bench.a)) == (6, 4, 0)
    assert (second.state, second.end) == (OrderState.EXPIRED, EndReason.REDUCE_ONLY)
    bench.hold(bench.a, 10, 600_500)
    third = bench.place(bench.a, SELL, 10, 601_000, reduce_only=True)
    bench.hold(bench.a, -10, 600_500)
    assert (third.state, third.end, bench.size(bench.a)) == (
        OrderState.EXPIRED,
        EndReason.REDUCE_ONLY,
        0,
    )
    bench.check()


def test_sides_of_hedge_mode() -> None:
    bench = Bench()
    assert bench.refused(bench.a, BUY, 5, 600_000, leg=Leg.LONG) is Reason.POSITION_SIDE
    bench.a.is_hedged = True
    assert bench.refused(bench.a, BUY, 5, 600_000) is Reason.POSITION_SIDE
    assert bench.refused(bench.a, SELL, 5, 600_000, leg=Leg.LONG) is Reason.REDUCE_ONLY
    bench.hold(bench.a, 10, leg=Leg.LONG)
    bench.hold(bench.a, -4, leg=Leg.SHORT)
    assert (bench.size(bench.a, Leg.LONG), bench.size(bench.a, Leg.SHORT)) == (10, -4)
    bench.check()


def test_funding_is_paid_by_longs_and_kept_in_the_books() -> None:
    bench = Bench()
    bench.hold(bench.a, 1_000)
    bench.hold(bench.b, -500)
    before = bench.a.wallets["USDT"], bench.b.wallets["USDT"]
    assert bench.market.mark is not None
    bench.desk.on_mark(bench.market, bench.market.mark)
    # 1 BTC at 60,000 and 0.01 %.
    assert bench.a.wallets["USDT"] - before[0] == Decimal(-6)
    assert bench.b.wallets["USDT"] - before[1] == Decimal(3)
    assert bench.paid == [(IncomeKind.FUNDING, Decimal(-6)), (IncomeKind.FUNDING, Decimal(3))]


@pytest.mark.parametrize("isolated", [False, True])
def test_an_account_without_margin_is_liquidated(isolated: bool) -> None:
    bench = Bench()
    if isolated:
        bench.a.isolated.add(bench.market)
    bench.hold(bench.a, 3_000)
    order = bench.place(bench.a, BUY, 1, 590_000)
    ends = bench.desk.liquidation_price(bench.a, bench.market, Leg.NET)
    assert Decimal(56_000) < ends < Decimal(60_000)
    bench.market.submit(BUY, 5_000, int(ends * 10) - 300)
    bench.mark(int(ends) + 50)
    assert bench.size(bench.a) == 3_000
    bench.mark(int(ends) - 1)
    assert bench.size(bench.a) == 0
    assert (order.state, order.end) == (OrderState.EXPIRED, EndReason.LIQUIDATION)
    last = bench.a.fills[-1].order
    assert last.by_exchange
    assert bench.a.wallets["USDT"] >= 0
    assert (bench.calls == ["a"]) is not isolated
    bench.check()


def test_insurance_pays_what_is_below_zero() -> None:
    bench = Bench()
    bench.hold(bench.a, 3_000)
    bench.market.submit(BUY, 5_000, 500_000)
    bench.mark(50_000)
    assert bench.a.wallets["USDT"] == 0
    assert [kind for kind, _ in bench.paid] == [IncomeKind.INSURANCE]
    bench.check()


def test_a_mark_price_sets_off_a_stop() -> None:
    bench = Bench()
    bench.hold(bench.a, 10)
    stop = bench.place(
        bench.a,
        SELL,
        10,
        None,
        reduce_only=True,
        trigger=Trigger(Decimal(59_500), rising=False, by=TriggerPrice.MARK),
    )
    bench.market.submit(BUY, 100, 594_000)
    bench.market.submit(SELL, 1, 594_000)
    bench.clock.advance(1)
    assert stop.working_ns == 0
    bench.mark(59_499)
    bench.clock.advance(1)
    assert (stop.state, bench.size(bench.a)) == (OrderState.FILLED, 0)
