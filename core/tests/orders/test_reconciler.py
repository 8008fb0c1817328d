"""What a comparison of the account with its exchange finds, does, and leaves alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hft import seen
from hft.errors import TransportError
from hft.events import BalanceReport, Fill, Funding, PositionReport
from hft.order import Order
from hft.orders import ClientOrderIds
from hft.orders.config import AccountConfig, OnDifference
from hft.orders.orphanage import Orphanage
from hft.orders.reconciler import OVERLAP_NS, Outcome, Reconciler
from hft.testing.orders import ModelExchange, NotedOwner, OrderWorld
from hft.testing.trading import make_instrument, make_market
from hft.types import InstrumentKind, OrderState, Price, Side, Size

S = 1_000_000_000


class AccountExchange(ModelExchange):
    """A model exchange that also states what the account has, as a test says."""

    stated: list[PositionReport]
    balances_stated: list[BalanceReport]
    silent = False

    async def positions(self) -> list[PositionReport]:
        if self.silent:
            raise TransportError("no answer")
        return self.stated

    async def balances(self) -> list[BalanceReport]:
        return self.balances_stated


class World(OrderWorld):
    """An order world with a reconciler."""

    def __init__(self, config: AccountConfig | None = None, *, is_first_run: bool = False) -> None:
        instrument = attrs.evolve(
            make_instrument("BTC/USDT:USDT"), kind=InstrumentKind.PERPETUAL, quote="USDT", settle="USDT"
        )
        super().__init__(make_market(instrument), AccountExchange)
        assert isinstance(self.exchange, AccountExchange)
        self.account = self.exchange
        self.account.stated, self.account.balances_stated = [], []
        self.alerts: list[str] = []
        self.fundings: list[Funding] = []

        async def sleep(delay_ns: int) -> None:
            self.clock.advance(delay_ns)

        self.clock.sleep = sleep  # type: ignore[method-assign]
        self.reconciler = Reconciler(
            "test",
            self.exchange,
            self.manager,
            self.ledger,
            ClientOrderIds("test", "1"),
            config or AccountConfig(),
            self.clock,
            watermark_ns=self.clock.now_ns(),
            is_first_run=is_first_run,
            owner_of=Orphanage,
            on_funding=self.fundings.append,
            on_balance=self.ledger.on_balance,  # type: ignore[arg-type]
            alert=self.alerts.append,
        )

    def place(self, owner: NotedOwner, price: int = 9_000) -> Order:
        return self.manager.place(owner, self.instrument, Side.BUY, Size(10), Price(price))

    async def compare(self) -> Outcome:
        outcome = await self.reconciler.compare()
        self.exchange.settle()
        return outcome


async def test_fills_that_were_missed_are_booked_once() -> None:
    world, owner = World(), NotedOwner()
    order = world.place(owner)
    world.exchange.settle()
    world.exchange.fill(order.client_order_id, 4)
    world.exchange.answers.clear()
    world.account.stated = [PositionReport(instrument=world.instrument, size=Size(4))]
    assert (await world.compare()).fills == 1
    assert (await world.compare()).fills == 0
    assert world.ledger.position(world.instrument) == 4
    assert owner.told.count(("fill", order.client_order_id)) == 1


async def test_fills_are_asked_for_from_before_the_last_comparison() -> None:
    world = World()
    asked: list[int] = []

    async def executions(instrument: object, since_ns: int) -> list[Fill]:
        asked.append(since_ns)
        return []

    world.exchange.executions = executions  # type: ignore[method-assign]
    began_ns = world.clock.now_ns()
    world.clock.advance(1_000 * S)
    await world.compare()
    await world.compare()
    assert asked == [began_ns - OVERLAP_NS, began_ns + 1_000 * S - OVERLAP_NS]


async def test_without_an_answer_the_next_comparison_asks_from_where_this_one_did() -> None:
    world = World()
    began_ns = world.reconciler.watermark_ns
    world.clock.advance(S)
    world.account.silent = True
    with pytest.raises(TransportError):
        await world.compare()
    assert world.reconciler.watermark_ns == began_ns


async def test_fills_are_booked_once_however_long_no_comparison_succeeds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(seen, "SEEN_NUMBER", 3)
    world, owner = World(), NotedOwner()
    world.ledger.keep_since("test", world.reconciler.watermark_ns)
    for _ in range(12):
        world.clock.advance(600 * S)
        order = world.place(owner)
        world.exchange.settle()
        world.exchange.fill(order.client_order_id, 10)
        world.exchange.settle()
    world.account.stated = [PositionReport(instrument=world.instrument, size=Size(120))]
    assert (await world.compare()).fills == 0
    assert world.ledger.position(world.instrument) == 120
    assert world.ledger.duplicates == 12


async def test_the_fills_of_an_open_order_are_never_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "SEEN_NUMBER", 3)
    world, owner = World(), NotedOwner()
    world.ledger.keep_since("test", world.reconciler.watermark_ns)
    resting = world.place(owner, 8_000)
    world.exchange.settle()
    world.exchange.fill(resting.client_order_id, 1)
    world.exchange.settle()
    told = list(world.ledger.fills)
    for lots in range(1, 13):
        world.account.stated = [PositionReport(instrument=world.instrument, size=Size(10 * lots - 9))]
        await world.compare()
        world.clock.advance(600 * S)
        order = world.place(owner)
        world.exchange.settle()
        world.exchange.fill(order.client_order_id, 10)
        world.exchange.settle()
    for fill in told:
        world.manager.on_fill(fill)
    assert world.ledger.position(world.instrument) == 121


async def test_an_order_that_ended_unheard_of_is_asked_about() -> None:
    world, owner = World(), NotedOwner()
    order = world.place(owner)
    world.exchange.settle()
    del world.exchange.resting[order.client_order_id]
    world.clock.advance(2 * S)
    outcome = await world.compare()
    assert outcome.doubted == 1
    for _ in range(150):
        world.clock.advance(S // 5)
        world.exchange.settle()
    assert order.state is OrderState.CANCELED


async def test_an_order_of_an_earlier_run_is_taken_over_and_cancelled() -> None:
    world, owner = World(), NotedOwner()
    order = world.place(owner)
    world.exchange.settle()
    earlier = f"{ClientOrderIds('test', 'another').prefix}7"
    world.exchange.resting[earlier] = attrs.evolve(world.exchange.resting[order.client_order_id])
    outcome = await world.compare()
    assert outcome.adopted == 1
    assert set(world.exchange.resting) == {order.client_order_id}
    assert ("cancel", earlier) in world.exchange.messages


async def test_orders_and_fills_of_others_are_left_alone() -> None:
    world, owner = World(), NotedOwner()
    order = world.place(owner)
    world.exchange.settle()
    world.exchange.resting["web_123"] = attrs.evolve(world.exchange.resting[order.client_order_id])
    world.exchange.fill("web_123", 3)
    world.exchange.answers.clear()
    outcome = await world.compare()
    assert outcome.foreign == 2
    assert "web_123" in world.exchange.resting
    assert world.ledger.position(world.instrument) == 0


async def test_an_order_that_ended_while_the_list_was_on_its_way_is_no_stray() -> None:
    world, owner = World(), NotedOwner()
    order = world.place(owner)
    world.exchange.settle()
    listed = await world.exchange.open_orders()
    world.manager.cancel(order)
    world.exchange.settle()

    async def open_orders() -> list[Any]:
        return listed

    world.exchange.open_orders = open_orders  # type: ignore[method-assign]
    assert (await world.compare()).adopted == 0
    assert (await world.compare()).adopted == 1  # listed again: the exchange means it


@pytest.mark.parametrize("policy", OnDifference)
async def test_a_position_that_differs_is_treated_as_the_policy_says(policy: OnDifference) -> None:
    world = World(AccountConfig(positions=policy))
    world.account.stated = [
        PositionReport(instrument=world.instrument, size=Size(5), entry_price=Decimal("90.00"))
    ]
    outcome = await world.compare()
    assert len(outcome.differences) == 1
    assert "0.00005" in outcome.differences[0]
    assert bool(world.manager.halted) is (policy is OnDifference.HALT)
    assert world.ledger.position(world.instrument) == (5 if policy is OnDifference.ADOPT else 0)
    assert bool(world.alerts) is (policy is not OnDifference.HALT)


async def test_the_first_run_takes_over_the_position_it_finds() -> None:
    world = World(is_first_run=True)
    world.account.stated = [
        PositionReport(instrument=world.instrument, size=Size(5), entry_price=Decimal("90.00"))
    ]
    await world.compare()
    assert world.ledger.position(world.instrument) == 5
    assert not world.manager.halted
    world.account.stated = [PositionReport(instrument=world.instrument, size=Size(6))]
    await world.compare()
    assert "0.00006" in world.manager.halted


async def test_a_fill_that_explains_a_difference_is_no_difference() -> None:
    world, owner = World(), NotedOwner()
    order = world.place(owner)
    world.exchange.settle()
    fill = world.exchange.fill(order.client_order_id, 2)
    world.exchange.answers.clear()
    world.exchange.fills.clear()
    world.account.stated = [PositionReport(instrument=world.instrument, size=Size(2))]
    looks = 0

    async def executions(instrument: object, since_ns: int) -> list[Fill]:
        nonlocal looks
        looks += 1
        return [fill] if looks > 1 else []  # the exchange lists it a moment late

    world.exchange.executions = executions  # type: ignore[method-assign]
    assert (await world.compare()).differences == []
    assert not world.manager.halted


# -- the law: whatever was missed, one comparison and its questions bring back the truth -------------------

STEPS = st.lists(
    st.tuples(st.sampled_from(["place", "cancel", "fill", "deaf", "hearing", "wait"]), st.integers(0, 4)),
    max_size=30,
)


@settings(max_examples=100, deadline=None)
@given(STEPS)
async def test_whatever_was_missed_a_comparison_brings_it_back(steps: list[tuple[str, int]]) -> None:
    world, owner = World(), NotedOwner()
    exchange, deaf = world.exchange, False
    orders: list[Order] = []
    for what, n in steps:
        if what == "place":
            orders.append(world.place(owner, 9_000 - n))
        elif what == "cancel" and orders:
            world.manager.cancel(orders[n % len(orders)])
        elif what == "fill" and exchange.resting:
            chosen = list(exchange.resting)[n % len(exchange.resting)]
            exchange.fill(chosen, min(4, exchange.resting[chosen].left))
        elif what in ("deaf", "hearing"):
            deaf = what == "deaf"
        else:
            world.clock.advance(n * S)
        while exchange.requests:
            exchange.arrive()
        if deaf:
            exchange.answers.clear()
        exchange.settle()
    world.clock.advance(30 * S)
    world.account.stated = [PositionReport(instrument=world.instrument, size=Size(exchange.position))]
    await world.compare()
    for _ in range(60):
        world.clock.advance(S)
        exchange.settle()
    assert world.ledger.position(world.instrument) == exchange.position
    assert {order.client_order_id for order in world.manager.open_orders(world.instrument)} == set(
        exchange.resting
    )
    again = await world.compare()
    assert not again.changed_something
    assert not world.manager.halted


async def test_a_balance_that_is_not_listed_any_more_is_gone_from_its_wallet_alone() -> None:
    world = World()
    stated = BalanceReport(exchange="test", wallet="a", asset="USDT", total=Decimal(1000), exchange_ns=1)
    other = attrs.evolve(stated, wallet="b")
    world.ledger.on_balance(attrs.evolve(stated, exchange="elsewhere"))
    world.account.balances_stated = [stated, other]
    assert (await world.compare()).differences == []
    world.account.balances_stated = [attrs.evolve(other, total=Decimal(2000), exchange_ns=2)]
    assert (await world.compare()).differences == [
        "balance of USDT@test (b) is 1000 in the ledger and 2000 at the exchange, which has +1000",
        "balance of USDT@test (a) is 1000 in the ledger and 0 at the exchange, which has -1000",
    ]
    assert (await world.compare()).differences == []
    assert {(each.exchange, each.wallet): each.total for each in world.ledger.balances()} == {
        ("elsewhere", "a"): 1000,
        ("test", "a"): 0,
        ("test", "b"): 2000,
    }


async def test_what_an_exchange_rounds_is_no_difference() -> None:
    world = World(AccountConfig(balances=OnDifference.HALT))
    stated = BalanceReport(exchange="test", asset="USDT", total=Decimal(1000), exchange_ns=1)
    world.ledger.on_balance(stated)
    world.account.balances_stated = [attrs.evolve(stated, total=Decimal("1000.00001"), exchange_ns=2)]
    assert (await world.compare()).differences == []
    world.account.balances_stated = [attrs.evolve(stated, total=Decimal("1000.01"), exchange_ns=3)]
    assert len((await world.compare()).differences) == 1
    assert world.manager.halted
