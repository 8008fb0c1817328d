"""Parent orders on exchanges whose every step the test decides, and on simulated ones."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hft.clock import Clock, SimulatedClock
from hft.errors import OrderError
from hft.events import Fill, OrderReport, ReportKind
from hft.ledger import Ledger
from hft.market import Market
from hft.order import Order
from hft.orders import ClientOrderIds, OrderManager, StrategyTrading, wire_strategy
from hft.paper import FeeSchedule, PaperConfig, PaperExecution
from hft.plugin.execution import ApprovedOrder, ExecutionClient, ExecutionEvents
from hft.plugin.risk import APPROVED, Refused, RiskRule, RiskView, Verdict
from hft.plugin.routing import DEFAULT_STYLE, ParentOrder, ParentState, RoutingStyle
from hft.plugin.strategy import Strategy, Trading
from hft.risk import LiveRiskView, RiskEngine
from hft.routing import ExchangeConditions
from hft.testing.orders import ModelExchange
from hft.testing.trading import make_instrument, make_market, set_book
from hft.types import BookState, Duration, OrderState, Price, Side, Size, TimeInForce

MS = 1_000_000
S = 1_000 * MS
PAUSE_NS = DEFAULT_STYLE.pause_ns


@attrs.frozen(kw_only=True)
class Config:
    pass


class Router(Strategy[Config]):
    """Notes what it is told."""

    def __init__(self, config: Config, trading: Trading) -> None:
        super().__init__(config, trading)
        self.told: list[str] = []
        self.parents: list[tuple[ParentState, Decimal]] = []

    def on_order(self, order: Order) -> None:
        self.told.append(f"{order.instrument.exchange} {order.state.value}")

    def on_fill(self, fill: Fill) -> None:
        self.told.append(f"{fill.instrument.exchange} fill")

    def on_parent(self, parent: ParentOrder) -> None:
        self.parents.append((parent.state, parent.filled))


class Refuse(RiskRule[Config]):
    """Refuses orders to some exchanges."""

    def __init__(self) -> None:
        super().__init__(Config())
        self.exchanges: set[str] = set()

    def check(self, order: Order, view: RiskView) -> Verdict:
        return Refused("not there") if order.instrument.exchange in self.exchanges else APPROVED


class World:
    """A strategy that routes over the markets given, each on an exchange of its own."""

    def __init__(
        self,
        markets: Sequence[Market],
        paper: dict[str, PaperConfig] | None = None,
        *,
        exchange: type[ModelExchange] = ModelExchange,
    ) -> None:
        self.clock = SimulatedClock(1_700_000_000_000_000_000)
        self.ledger = Ledger()
        self.warnings: list[str] = []
        self.manager = OrderManager(
            self.clock,
            ClientOrderIds("test", "1"),
            self.ledger,
            warn=lambda _, line: self.warnings.append(line),
        )
        self.markets = {market.instrument.exchange: market for market in markets}
        self.rule = Refuse()
        self.manager.risk = RiskEngine(
            [("refuse", self.rule)],
            LiveRiskView(self.manager, self.ledger, markets, self.clock),
            lambda halt: self.manager.halt(halt.reason),
            self.clock,
        )
        self.exchanges: dict[str, ModelExchange] = {}
        self.ready = dict.fromkeys(self.markets, True)
        self.budget = dict.fromkeys(self.markets, 10)
        self.conditions = {}
        for key, market in self.markets.items():
            client: ExecutionClient[Any]
            if paper is None:
                client = self.exchanges[key] = exchange(self.manager, self.clock)
                fee = Decimal(0)
            else:
                client = PaperExecution(paper[key], self.manager, self.clock)
                client.attach(market)
                fee = FeeSchedule(paper[key], now_ns=0).taker
            self.manager.add_exchange(key, client)
            self.manager.add_market(market)
            self.conditions[key] = ExchangeConditions(
                taker_fee=fee,
                ready=lambda key=key: self.ready[key],  # type: ignore[misc]
                budget=lambda key=key: self.budget[key],  # type: ignore[misc]
            )
        self.faults: list[Exception] = []
        self.trading = StrategyTrading(
            "sweep",
            markets,
            self.manager,
            self.ledger,
            clock=self.clock,
            random=random.Random(1),
            log=lambda line: None,
            on_fault=lambda name, error: self.faults.append(error),
            conditions=self.conditions,
        )
        self.strategy = Router(Config(), self.trading)
        self.wired = wire_strategy(self.strategy, self.trading)
        self.wired.start()

    def route(
        self,
        size: str,
        limit: str | None = None,
        *,
        side: Side = Side.BUY,
        deadline_ns: int = 10 * S,
        style: RoutingStyle = DEFAULT_STYLE,
    ) -> ParentOrder:
        return self.trading.route(
            [market.instrument for market in self.markets.values()],
            side,
            Decimal(size),
            None if limit is None else Decimal(limit),
            deadline_ns=self.clock.now_ns() + deadline_ns,
            style=style,
        )

    def can_send(self, key: str) -> bool:
        return self.markets[key].book.state is BookState.LIVE and self.ready[key] and self.budget[key] > 0

    def settle(self) -> None:
        for exchange in self.exchanges.values():
            exchange.settle()
        self.clock.advance(2_000)

    def trade(self, order: Order, lots: int | None = None) -> None:
        """Let a child arrive, trade, and be ended by the exchange as immediate-or-cancel is."""
        exchange = self.exchanges[order.instrument.exchange]
        self.settle()
        lots = order.size if lots is None else lots
        if lots:
            exchange.fill(order.client_order_id, lots)
        if lots < order.size:
            exchange.end(order.client_order_id, ReportKind.CANCELED)
        self.settle()


def market(exchange: str, *asks: tuple[str, str], bids: Sequence[tuple[str, str]] = (("99", "1"),)) -> Market:
    return make_market(make_instrument(exchange=exchange, lot_size="0.001"), bids, asks)


def two() -> World:
    return World([market("a", ("100", "1"), ("102", "1")), market("b", ("101", "1"))])


def sent(parent: ParentOrder) -> list[tuple[str, str, int]]:
    return [
        (child.instrument.exchange, child.instrument.format_price(child.price or 0), child.size)
        for child in parent.children
    ]


# -- splitting and ending ------------------------------------------------------------------------------


def test_the_children_are_immediate_or_cancel_at_the_worst_price_planned() -> None:
    world = two()
    parent = world.route("1.5")
    assert sent(parent) == [("a", "100.00", 1000), ("b", "101.00", 500)]
    assert {child.time_in_force for child in parent.children} == {TimeInForce.IOC}
    for child in parent.children:
        world.trade(child)
    assert parent.state is ParentState.FILLED
    assert (parent.filled, parent.remaining, parent.notional) == (Decimal("1.5"), 0, Decimal("150.5"))
    assert parent.average_price == pytest.approx(100.3333, abs=1e-4)
    assert world.strategy.parents[-1] == (ParentState.FILLED, Decimal("1.5"))
    assert "a fill" in world.strategy.told
    assert not world.faults


def test_a_remainder_goes_to_where_it_is_best_then() -> None:
    world = two()
    parent = world.route("1")
    set_book(world.markets["a"], [], [("105", "1")])
    world.trade(parent.children[0], 400)
    assert len(parent.children) == 1  # books get time to show what was taken
    world.clock.advance(PAUSE_NS)
    assert sent(parent)[1:] == [("b", "101.00", 600)]
    world.trade(parent.children[1])
    assert parent.state is ParentState.FILLED
    assert parent.rounds == 2


def test_an_unknown_child_holds_its_size_until_there_is_evidence() -> None:
    world = two()
    parent = world.route("1")
    child = parent.children[0]
    world.exchanges["a"].report(child.client_order_id, ReportKind.UNKNOWN)
    world.exchanges["a"].requests.clear()
    world.settle()
    assert child.state is OrderState.UNKNOWN
    world.clock.advance(5 * S)
    assert (len(parent.children), parent.state) == (1, ParentState.WORKING)
    world.exchanges["a"].requests.clear()
    world.exchanges["a"].report(child.client_order_id, ReportKind.REJECTED)
    world.settle()
    assert child.state is OrderState.REJECTED
    assert sent(parent)[1:] == [("b", "101.00", 1000)]  # and not to the exchange that did not take it


def test_an_unknown_child_that_turns_out_filled_was_not_sent_again() -> None:
    world = two()
    parent = world.route("1")
    child = parent.children[0]
    world.exchanges["a"].arrive()
    world.exchanges["a"].answers.clear()
    world.exchanges["a"].report(child.client_order_id, ReportKind.UNKNOWN)
    world.exchanges["a"].settle()
    world.clock.advance(5 * S)
    world.exchanges["a"].fill(child.client_order_id, 1000)
    world.settle()
    assert parent.state is ParentState.FILLED
    assert len(parent.children) == 1


def test_a_child_that_ended_without_a_word_on_its_fills_holds_its_size() -> None:
    world = two()
    parent = world.route("1")
    child = parent.children[0]
    world.settle()
    late = world.exchanges["a"].fill(child.client_order_id, 400)
    world.exchanges["a"].answers.clear()
    world.exchanges["a"].report(child.client_order_id, ReportKind.CANCELED)
    world.settle()
    assert child.state is OrderState.CANCELED
    world.clock.advance(S)
    assert len(parent.children) == 1
    assert (parent.state, parent.reason.partition(":")[0]) == (ParentState.INCOMPLETE, "unsettled")
    world.manager.on_fill(late)
    world.manager.on_fill(late)
    world.settle()
    assert (parent.filled, parent.notional) == (Decimal("0.4"), Decimal(40))
    assert world.strategy.parents[-1] == (ParentState.INCOMPLETE, Decimal("0.4"))


def test_a_refused_child_is_not_sent_to_that_exchange_again() -> None:
    world = two()
    world.rule.exchanges = {"a"}
    parent = world.route("1")
    world.clock.advance(PAUSE_NS)
    assert sent(parent) == [("a", "100.00", 1000), ("b", "101.00", 1000)]
    set_book(world.markets["b"], [], [])
    world.trade(parent.children[1], 300)
    world.clock.advance(PAUSE_NS)
    assert (parent.state, parent.filled) == (ParentState.INCOMPLETE, Decimal("0.3"))


def test_every_exchange_refusing_ends_it_with_the_reason() -> None:
    world = two()
    world.rule.exchanges = {"a", "b"}
    parent = world.route("1", style=RoutingStyle(wait=True))
    world.clock.advance(S)
    assert (parent.state, parent.reason) == (ParentState.INCOMPLETE, "refuse: not there")
    assert len(parent.children) == 2


@pytest.mark.parametrize("wait", [False, True])
def test_without_anything_within_the_limit_it_ends_or_waits(wait: bool) -> None:
    world = two()
    parent = world.route("1", "99.5", style=RoutingStyle(wait=wait))
    assert parent.children == []
    world.clock.advance(S)
    if not wait:
        assert (parent.state, parent.reason.partition(":")[0]) == (ParentState.INCOMPLETE, "liquidity")
        return
    assert parent.state is ParentState.WORKING
    set_book(world.markets["b"], [], [("99.5", "2")])
    world.clock.advance(PAUSE_NS)
    assert sent(parent) == [("b", "99.50", 1000)]


def test_the_deadline_ends_it_when_the_children_have_ended() -> None:
    world = two()
    parent = world.route("1", deadline_ns=S)
    world.exchanges["a"].arrive()
    world.clock.advance(S)
    assert parent.state is ParentState.STOPPING
    world.settle()
    assert (parent.state, parent.reason.partition(":")[0]) == (ParentState.INCOMPLETE, "deadline")
    assert world.manager.open_count == 0


def test_it_is_split_so_often_and_no_more() -> None:
    world = two()
    parent = world.route("1", style=RoutingStyle(max_rounds=3))
    for number in range(3):
        world.trade(parent.children[number], 1)
        world.clock.advance(PAUSE_NS)
    assert (len(parent.children), parent.state) == (3, ParentState.INCOMPLETE)
    assert parent.reason == "rounds: it was split 3 times"


def test_a_canceled_parent_sends_nothing_more() -> None:
    world = two()
    parent = world.route("1")
    world.trading.cancel_parent(parent)
    assert parent.state is ParentState.STOPPING
    world.exchanges["a"].arrive()
    world.settle()
    world.clock.advance(S)
    assert parent.state is ParentState.CANCELED
    assert len(parent.children) == 1
    world.trading.cancel_parent(parent)
    assert world.strategy.parents[-1] == (ParentState.CANCELED, 0)


def test_a_stopped_strategy_leaves_no_parent_working() -> None:
    world = two()
    parent = world.route("1")
    world.wired.stop()
    world.settle()
    world.clock.advance(S)
    assert parent.state is ParentState.CANCELED
    assert world.manager.open_count == 0
    assert world.clock.next_timer_ns() is None


def test_a_child_is_not_touched_by_itself() -> None:
    world = two()
    parent = world.route("1")
    with pytest.raises(OrderError, match="cancel its parent order"):
        world.trading.cancel(parent.children[0])


# -- where nothing may be sent -------------------------------------------------------------------------


@pytest.mark.parametrize("why", ["stale", "not ready", "no budget", "halted product", "our own order"])
def test_what_cannot_take_orders_is_left_out(why: str) -> None:
    world = two()
    if why == "stale":
        world.markets["a"].book.state = BookState.STALE
    elif why == "not ready":
        world.ready["a"] = False
    elif why == "no budget":
        world.budget["a"] = 0
    elif why == "halted product":
        closed = attrs.evolve(world.markets["a"].instrument, tradable=False)
        world = World([make_market(closed, [], [("100", "1")]), world.markets["b"]])
    else:
        world.trading.place(world.markets["a"].instrument, Side.SELL, Size(1), Price(10_000))
    assert {exchange for exchange, _, _ in sent(world.route("1"))} == {"b"}


def test_what_our_orders_are_taking_already_is_not_taken_again() -> None:
    world = two()
    world.route("0.7")
    assert sent(world.route("0.5")) == [("a", "100.00", 300), ("b", "101.00", 200)]


def test_two_accounts_of_one_exchange_take_from_one_book() -> None:
    world = World([market("a", ("100", "1")), market("b", ("100", "1"))])
    for conditions in world.conditions.values():
        conditions.pool = "both"
    world.conditions["a"].taker_fee = Decimal("0.001")
    parent = world.route("2")
    assert sent(parent) == [("b", "100.00", 1000)]


def test_the_time_of_answers_is_measured_and_can_be_given_a_price() -> None:
    world = World([market("a", ("100", "1")), market("b", ("100.05", "1"))])
    parent = world.route("0.5")
    world.clock.advance(100 * MS)
    world.trade(parent.children[0])
    latency_ns = world.conditions["a"].latency_ns
    assert latency_ns == pytest.approx(100 * MS, rel=0.05)
    assert sent(world.route("0.5"))[0][0] == "a"
    world = World([market("a", ("100", "1")), market("b", ("100.05", "1"))])
    world.conditions["a"].acknowledgements.record(100 * MS)
    assert sent(world.route("0.5", style=RoutingStyle(latency_cost=Decimal("0.01"))))[0][0] == "b"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"instruments": []}, "at least one"),
        ({"size": Decimal(0)}, "size"),
        ({"size": Decimal("NaN")}, "size"),
        ({"size": 1.5}, "size"),
        ({"size": None}, "size"),
        ({"limit": Decimal(-1)}, "limit"),
        ({"deadline_ns": 5}, "deadline"),
    ],
)
def test_a_request_that_cannot_be_worked_is_refused(change: dict[str, Any], words: str) -> None:
    world = two()
    request: dict[str, Any] = {
        "instruments": [each.instrument for each in world.markets.values()],
        "size": Decimal(1),
        "limit": None,
        "deadline_ns": world.clock.now_ns() + S,
    } | change
    with pytest.raises(OrderError, match=words):
        world.trading.route(
            request["instruments"],
            Side.BUY,
            request["size"],
            request["limit"],
            deadline_ns=request["deadline_ns"],
        )
    assert world.manager.open_count == 0


def test_instruments_must_be_the_strategys_and_one_symbol() -> None:
    other = make_market(make_instrument("ETH/USDT", "b"), [], [("100", "1")])
    world = World([market("a", ("100", "1")), other])
    a, b = (each.instrument for each in world.markets.values())
    for instruments, words in (
        ([a, b], "one symbol"),
        ([a, a], "twice"),
        ([make_instrument(exchange="a")], "not given"),
    ):
        with pytest.raises(OrderError, match=words):
            world.trading.route(instruments, Side.BUY, Decimal(1), deadline_ns=world.clock.now_ns() + S)
    world.conditions.clear()


# -- laws ----------------------------------------------------------------------------------------------


def traded(world: World) -> Decimal:
    """Return what has really traded, told or not."""
    return sum(
        (
            exchange.position * world.markets[key].instrument.base_per_lot
            for key, exchange in world.exchanges.items()
        ),
        Decimal(0),
    )


ACTIONS = (
    *["arrive", "fill", "tell", "wait"] * 4,
    *["end", "end silently", "unknown", "lose answer", "tell twice"] * 2,
    *["refuse", "lose request", "wait long", "cancel", "book", "stale", "ready", "budget"],
)


class Chaos:
    """Does to a world what exchanges and networks do."""

    def __init__(self, world: World, data: st.DataObject) -> None:
        self.world = world
        self.draw = data.draw

    def do(self, action: str) -> None:
        """Do it at an exchange where it can be done, if there is one."""
        exchanges = self.world.exchanges
        keys = sorted(exchanges)
        if action in ("arrive", "refuse", "lose request"):
            keys = [key for key in keys if exchanges[key].requests]
        elif action in ("fill", "end", "end silently"):
            keys = [key for key in keys if exchanges[key].resting]
        elif action in ("tell", "tell twice", "lose answer"):
            keys = [key for key in keys if exchanges[key].answers]
        if not keys:
            return
        key = self.draw(st.sampled_from(keys))
        exchange = exchanges[key]
        if action in ("arrive", "refuse"):
            exchange.refuse_next = "no" if action == "refuse" else ""
            exchange.arrive()
        elif action == "lose request":
            exchange.requests.popleft()
        elif action == "fill":
            order_id = self.draw(st.sampled_from(sorted(exchange.resting)))
            left = exchange.resting[order_id].left
            exchange.fill(order_id, self.draw(st.sampled_from([left, left, (left + 1) // 2, 1])))
        elif action in ("end", "end silently"):
            order_id = self.draw(st.sampled_from(sorted(exchange.resting)))
            filled = Size(exchange.resting.pop(order_id).filled)
            kind = self.draw(st.sampled_from([ReportKind.CANCELED, ReportKind.EXPIRED]))
            exchange.report(order_id, kind, filled=filled if action == "end" else None)
        elif action in ("tell", "tell twice"):
            index = self.draw(st.integers(0, len(exchange.answers) - 1))
            if action == "tell twice":
                exchange.answers.append(exchange.answers[index])
            exchange.tell(index)
        elif action == "lose answer":
            exchange.answers.pop(self.draw(st.integers(0, len(exchange.answers) - 1)))
        elif action == "unknown":
            for order in self.world.manager.open_orders(self.world.markets[key].instrument):
                self.world.manager.on_report(
                    OrderReport(client_order_id=order.client_order_id, kind=ReportKind.UNKNOWN)
                )
        else:
            self.change(action, key)

    def change(self, action: str, key: str) -> None:
        """Change what can be sent, or let time pass."""
        if action == "book":
            prices = self.draw(st.lists(st.integers(9_995, 10_005), min_size=1, max_size=3, unique=True))
            asks = [(f"{price / 100:.2f}", self.draw(st.integers(1, 9))) for price in prices]
            set_book(self.world.markets[key], [], [(price, f"0.00{lots}") for price, lots in asks])
        elif action == "stale":
            self.world.markets[key].lose(BookState.STALE)
        elif action == "ready":
            self.world.ready[key] = not self.world.ready[key]
        elif action == "budget":
            self.world.budget[key] = self.draw(st.integers(0, 2))
        elif action == "wait":
            self.world.clock.advance(PAUSE_NS)
        elif action == "wait long":
            self.world.clock.advance(S)

    def end(self) -> None:
        """Let everything under way come to an end, and say of what never arrived that it did not."""
        for key, exchange in self.world.exchanges.items():
            while exchange.requests or exchange.answers or exchange.resting:
                exchange.settle()
                for order_id in sorted(exchange.resting):
                    exchange.end(order_id, ReportKind.CANCELED)
            assert isinstance(exchange, Watched)
            for fill in exchange.filled:
                self.world.manager.on_fill(fill)
            for order in self.world.manager.open_orders(self.world.markets[key].instrument):
                order_id = order.client_order_id
                if order_id in exchange.arrived:
                    exchange.report(order_id, ReportKind.CANCELED, filled=order.filled)
                else:
                    exchange.report(order_id, ReportKind.UNKNOWN)
                    exchange.report(order_id, ReportKind.NOT_FOUND)
            exchange.settle()


class Watched(ModelExchange):
    """Notes what really happened."""

    def __init__(self, events: ExecutionEvents, clock: Clock) -> None:
        super().__init__(events, clock)
        self.arrived: set[str] = set()
        self.filled: list[Fill] = []
        self.sent: list[Order] = []

    def place(self, order: ApprovedOrder) -> None:
        super().place(order)
        self.sent.append(order)

    def arrive(self) -> None:
        super().arrive()
        self.arrived.update(self.resting)

    def fill(self, client_order_id: str, size: int) -> Fill:
        self.filled.append(super().fill(client_order_id, size))
        return self.filled[-1]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_never_is_more_traded_than_wanted_whatever_happens(data: st.DataObject) -> None:
    markets = [
        make_market(
            make_instrument(exchange=key, lot_size="0.001", min_size=Size(data.draw(st.integers(1, 4)))),
            [],
            [(f"100.0{index}", "0.006")],
        )
        for index, key in enumerate("abc")
    ]
    world = World(markets, exchange=Watched)
    style = RoutingStyle(max_rounds=data.draw(st.integers(1, 6)), wait=data.draw(st.booleans()))
    size = Decimal(data.draw(st.integers(1, 20))) / 1000
    chaos = Chaos(world, data)
    parent = world.route(str(size), "100.05", deadline_ns=5 * S, style=style)
    seen = 0
    for _ in range(data.draw(st.integers(1, 60))):
        action = data.draw(st.sampled_from(ACTIONS))
        if action == "cancel":
            if data.draw(st.integers(0, 9)) == 0:
                world.trading.cancel_parent(parent)
        else:
            could_send = {key: world.can_send(key) for key in world.markets}
            chaos.do(action)
            for child in parent.children[seen:]:
                assert could_send[child.instrument.exchange]
            seen = len(parent.children)
        assert traded(world) <= size
        assert parent.filled <= size
        for key, market_ in world.markets.items():
            children = [child for child in parent.children if child.instrument is market_.instrument]
            assert not any(child.is_open for child in children[:-1]), f"two at once at {key}"
            assert not any(child.state is OrderState.REJECTED for child in children[:-1])
    for child in parent.children:
        assert child.size >= child.instrument.min_size
        assert child.price is not None
        assert child.instrument.price_to_decimal(child.price) <= Decimal("100.05")
    assert parent.rounds <= style.max_rounds

    # Until the exchange has said of the last lost request that it cannot arrive any more.
    for _ in range(60):
        chaos.end()
        world.clock.advance(S)
    assert parent.state.is_final
    assert parent.filled == traded(world) <= size
    assert (parent.state is ParentState.FILLED) <= (parent.filled == size)
    assert not world.faults
    assert world.manager.open_count == 0


@settings(deadline=None)
@given(st.data(), st.sampled_from(Side))
def test_with_everything_filling_the_average_is_the_best_there_is(data: st.DataObject, side: Side) -> None:
    markets, paper = [], {}
    for key in "abc"[: data.draw(st.integers(1, 3))]:
        prices = data.draw(st.lists(st.integers(9_900, 10_000), min_size=1, max_size=4, unique=True))
        levels = [(f"{price / 100:.2f}", f"0.0{data.draw(st.integers(10, 99))}") for price in prices]
        books = ([], levels) if side is Side.BUY else (levels, [])
        markets.append(make_market(make_instrument(exchange=key, lot_size="0.001"), *books))
        paper[key] = PaperConfig(
            order_latency=Duration(data.draw(st.integers(0, 5)) * MS),
            taker_fee=data.draw(st.sampled_from([Decimal("0.001"), Decimal("0.0004"), Decimal("-0.0001")])),
        )
    world = World(markets, paper)
    lots = [
        market_.instrument.price_to_decimal(price) * (side.sign + FeeSchedule(paper[key], now_ns=0).taker)
        for key, market_ in world.markets.items()
        for price, size in market_.book.levels(side.opposite)
        for _ in range(size)
    ]
    wanted = data.draw(st.integers(1, len(lots)))
    parent = world.route(str(Decimal(wanted) / 1000), side=side)
    world.clock.advance(S)
    assert parent.state is ParentState.FILLED
    best = sum(sorted(lots)[:wanted], Decimal(0)) / 1000
    assert side.sign * parent.notional + parent.fees["USDT"] == best
