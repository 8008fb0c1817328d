"""The order manager: what is sent, what is refused, and what every order of reports leads to."""

from __future__ import annotations

import enum
import itertools

import attrs
import pytest

from hft.errors import OrderError, UsageError
from hft.events import Fill, ReportKind
from hft.instrument import Instrument
from hft.latency import Trace
from hft.market import Market
from hft.order import Order
from hft.orders import ClientOrderIds, OrderManager, SelfTradePolicy
from hft.orders.interfaces import NoJournal
from hft.plugin.risk import APPROVED, Refused, RiskRule, RiskView, Verdict
from hft.testing.orders import (
    ModelExchange,
    ModelExchangeWithoutAmend,
    NotedOwner,
    OrderWorld,
)
from hft.testing.trading import make_instrument, make_market
from hft.types import BookState, OrderState, OrderType, PositionSide, Price, Side, Size, TimeInForce


@attrs.frozen
class NoConfig:
    """For rules that have nothing to set."""


def make_world(
    exchange: type[ModelExchange] = ModelExchange, instrument: Instrument | None = None
) -> OrderWorld:
    return OrderWorld(make_market(instrument or make_instrument()), exchange)


def place(
    world: OrderWorld, owner: NotedOwner, side: Side = Side.BUY, size: int = 10, price: int | None = 9_000
) -> Order:
    limit = None if price is None else Price(price)
    return world.manager.place(owner, world.instrument, side, Size(size), limit)


def place_and_acknowledge(
    world: OrderWorld, owner: NotedOwner, side: Side = Side.BUY, size: int = 10, price: int = 9_000
) -> Order:
    order = place(world, owner, side, size, price)
    world.exchange.settle()
    assert order.state is OrderState.NEW
    return order


def exposure(world: OrderWorld, side: Side = Side.BUY) -> int:
    return world.manager.exposure(world.instrument, side)


# -- the ordinary course -------------------------------------------------------------------------


def test_an_order_is_acknowledged_filled_in_parts_and_finished() -> None:
    world, owner = make_world(), NotedOwner()
    order = place(world, owner)
    assert order.state is OrderState.PENDING_NEW
    assert exposure(world) == 10
    world.exchange.settle()
    key = order.client_order_id
    world.exchange.fill(key, 4)
    world.exchange.settle()
    assert (order.state, order.filled, exposure(world)) == (OrderState.PARTIALLY_FILLED, 4, 6)
    world.exchange.fill(key, 6)
    world.exchange.settle()
    assert order.state is OrderState.FILLED
    assert exposure(world) == 0
    assert world.manager.open_count == 0
    assert world.ledger.position(world.instrument) == 10
    assert owner.told == [
        ("new", key), ("fill", key), ("partially-filled", key), ("fill", key), ("filled", key),
    ]  # fmt: skip


def test_an_order_is_what_its_class_makes_of_the_same() -> None:
    world, owner = make_world(), NotedOwner()
    asked = {
        "side": Side.SELL, "size": Size(7), "price": Price(9_100), "type": OrderType.STOP_LIMIT,
        "time_in_force": TimeInForce.GTD, "post_only": True, "reduce_only": True,
        "trigger_price": Price(9_050), "expire_ns": 10**18, "position_side": PositionSide.LONG,
        "replaces": "another",
    }  # fmt: skip
    plain, full = place(world, owner), world.manager.place(owner, world.instrument, **asked)  # type: ignore[arg-type]
    for order, wanted in (
        (plain, {"side": Side.BUY, "size": Size(10), "price": Price(9_000)}),
        (full, {**asked, "state": OrderState.REJECTED}),
    ):
        assert order.client_order_id
        same = Order(
            client_order_id=order.client_order_id,
            strategy=owner.name,
            instrument=world.instrument,
            created_ns=world.clock.now_ns(),
            stamps=order.stamps,
            reason=order.reason,
            **wanted,  # type: ignore[arg-type]
        )
        assert attrs.asdict(order, recurse=False) == attrs.asdict(same, recurse=False)


def test_the_ledger_has_a_fill_before_its_owner() -> None:
    world = make_world()
    seen: list[tuple[int, int]] = []

    class Curious(NotedOwner):
        def on_fill(self, fill: object) -> None:
            seen.append((world.ledger.position(world.instrument), exposure(world)))

    order = place_and_acknowledge(world, Curious())
    world.exchange.fill(order.client_order_id, 4)
    world.exchange.settle()
    assert seen == [(4, 6)]


def test_requests_are_counted_and_stamped_after_they_were_sent() -> None:
    world, owner = make_world(), NotedOwner()
    ticks = iter(range(100))
    world.manager.trace = trace = Trace(lambda: next(ticks) + 10 * len(world.exchange.messages))
    trace.begin(5)
    order = place_and_acknowledge(world, owner)
    assert order.stamps is not None
    # The third look at the clock saw one message sent, the first two none.
    stamps = order.stamps
    assert (stamps.recv_ns, stamps.decided_ns, stamps.approved_ns, stamps.written_ns) == (5, 0, 1, 12)
    assert stamps.acknowledged_ns > 0
    world.manager.amend(order, Price(9_001), Size(10))
    stamps = order.stamps
    assert (stamps.decided_ns, stamps.approved_ns, stamps.written_ns) == (13, 14, 25)
    assert not stamps.acknowledged_ns
    world.exchange.settle()
    assert stamps.acknowledged_ns > 0
    world.manager.cancel(order)
    stamps = order.stamps
    assert (stamps.decided_ns, stamps.approved_ns, stamps.written_ns) == (26, 0, 37)
    world.exchange.settle()
    assert stamps.acknowledged_ns > 0
    trace.end()
    assert {stage.value: each.count for stage, each in trace.stages.items()} == {
        "feed": 0, "decode": 0, "book": 0, "strategy": 2, "risk": 2, "send": 3, "acknowledge": 3,
    }  # fmt: skip
    counters = world.manager.counters
    assert (counters.sent, counters.amended, counters.cancelled) == (1, 1, 1)


def test_what_is_refused_is_not_stamped() -> None:
    world, owner = make_world(), NotedOwner()
    world.manager.halt("test")
    assert place(world, owner).stamps is None


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize("state", [state for state in BookState if state is not BookState.LIVE])
def test_nothing_is_sent_on_a_book_that_is_not_live(state: BookState) -> None:
    world, owner = make_world(), NotedOwner()
    resting = place_and_acknowledge(world, owner)
    world.market.book.state = state
    order = place(world, owner)
    assert order.state is OrderState.REJECTED
    assert state.value in order.reason
    assert not world.manager.amend(resting, Price(9_001), Size(10))
    assert world.manager.counters.refused == {"book": 2}
    assert len(world.exchange.messages) == 1
    world.manager.cancel(resting)
    assert world.exchange.messages[-1] == ("cancel", resting.client_order_id)


def test_what_waits_to_be_sent_is_refused_once_it_is_not_to_be_sent_any_more() -> None:
    world, owner = make_world(), NotedOwner()
    waiting = place(world, owner)
    assert world.manager.refusal(waiting) == ""
    world.market.book.state = BookState.STALE
    assert "STALE" in world.manager.refusal(waiting)
    world.market.book.state = BookState.LIVE
    world.manager.on_lost("test", "the stream broke")
    assert "the stream broke" in world.manager.refusal(waiting)
    world.manager.on_ready("test")
    assert world.manager.refusal(waiting) == ""
    world.manager.cancel(waiting)
    assert world.manager.refusal(waiting) == "it is not wanted any more"
    world.exchange.settle()
    amended = place_and_acknowledge(world, owner)
    world.manager.amend(amended, Price(9_001), Size(10))
    assert world.manager.refusal(amended) == ""
    world.manager.cancel(amended)
    assert world.manager.refusal(amended) == "it is not wanted any more"


class SlowToClose(ModelExchange):
    """Says nothing of market orders."""

    def place(self, order: Order) -> None:
        if order.type is not OrderType.MARKET:
            super().place(order)


def test_a_halt_keeps_back_what_waits_to_be_sent_and_not_what_closes_a_position() -> None:
    world, owner = make_world(SlowToClose), NotedOwner()
    fill_some(world, owner)
    waiting = place(world, owner)
    world.manager.halt("test")
    assert world.manager.refusal(waiting)
    closing = world.manager.close_position(owner, world.instrument, Side.SELL, Size(4), PositionSide.BOTH)
    assert world.manager.refusal(closing) == ""


def test_what_closes_a_position_has_the_times_of_its_own() -> None:
    world, owner = make_world(SlowToClose), NotedOwner()
    fill_some(world, owner)
    ticks = iter(range(100))
    world.manager.trace = trace = Trace(lambda: next(ticks))
    closing = world.manager.close_position(owner, world.instrument, Side.SELL, Size(4), PositionSide.BOTH)
    assert closing.stamps is not None
    assert (closing.stamps.decided_ns, closing.stamps.approved_ns, closing.stamps.written_ns) == (0, 1, 2)
    assert {stage.value: each.maximum_ns for stage, each in trace.stages.items()}["send"] == 1


def fill_some(world: OrderWorld, owner: NotedOwner) -> None:
    order = place_and_acknowledge(world, owner, size=4)
    world.exchange.fill(order.client_order_id, 4)
    world.exchange.settle()


@pytest.mark.parametrize(
    ("size", "price", "subject"),
    [(4, 9_000, "size"), (1001, 9_000, "size"), (5, 100, "notional"), (5, 0, "price"), (5, -1, "price")],
)
def test_the_exchanges_limits_are_kept(size: int, price: int, subject: str) -> None:
    instrument = make_instrument(lot_size="0.01", min_size=Size(5), max_size=Size(1000), min_notional="0.06")
    world, owner = make_world(instrument=instrument), NotedOwner()
    # 5 lots of 0.01 at 1.20 are worth 0.06 exactly.
    assert place(world, owner, size=5, price=120).state is OrderState.PENDING_NEW
    order = place(world, owner, size=size, price=price)
    assert order.state is OrderState.REJECTED
    assert world.manager.counters.refused == {subject: 1}


def test_a_price_with_too_many_figures_is_refused() -> None:
    world, owner = make_world(instrument=make_instrument(price_figures=4)), NotedOwner()
    assert place(world, owner, price=9_000).state is OrderState.PENDING_NEW
    order = place(world, owner, price=10_001)
    assert order.state is OrderState.REJECTED
    assert order.reason == "price: 100.01 has more than 4 figures and is no whole number"
    assert place(world, owner, price=10_000).state is OrderState.PENDING_NEW


@pytest.mark.parametrize(("side", "reason"), [(Side.BUY, "notional"), (Side.SELL, "book")])
def test_a_market_order_is_judged_by_the_price_it_meets(side: Side, reason: str) -> None:
    world = OrderWorld(make_market(make_instrument(lot_size="0.01", min_notional="1.1"), bids=()))
    order = world.manager.place(NotedOwner(), world.instrument, side, Size(1), type=OrderType.MARKET)
    assert order.state is OrderState.REJECTED
    assert world.manager.counters.refused == {reason: 1}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"post_only": True, "time_in_force": TimeInForce.IOC}, "cannot rest"),
        ({"time_in_force": TimeInForce.GTD}, "GTD is not offered"),
        ({"type": OrderType.MARKET}, "has no price"),
    ],
)
def test_what_the_exchange_does_not_offer_is_refused(fields: dict[str, object], reason: str) -> None:
    world, owner = make_world(), NotedOwner()
    order = world.manager.place(
        owner, world.instrument, Side.BUY, Size(10), Price(9_000), **fields  # type: ignore[arg-type]
    )  # fmt: skip
    assert order.state is OrderState.REJECTED
    assert reason in order.reason


def test_a_limit_order_needs_a_price() -> None:
    world, owner = make_world(), NotedOwner()
    assert "needs a price" in place(world, owner, price=None).reason


def test_a_refusal_is_told_later_and_never_from_inside_the_call() -> None:
    world, owner = make_world(), NotedOwner()
    world.market.book.state = BookState.STALE
    order = place(world, owner)
    assert owner.told == []
    world.clock.advance(1_000_000)
    assert owner.told == [("rejected", order.client_order_id)]


def test_a_strategy_that_answers_every_refusal_does_not_stop_a_simulated_clock() -> None:
    world = make_world()
    world.market.book.state = BookState.STALE

    class Stubborn(NotedOwner):
        def on_order(self, order: Order) -> None:
            place(world, self)

    place(world, Stubborn())
    world.clock.advance(50_000)
    assert world.manager.counters.refused["book"] == 51


def test_without_a_risk_engine_nothing_is_sent() -> None:
    world, owner = make_world(), NotedOwner()
    ids = ClientOrderIds("test", "2")
    manager = OrderManager(world.clock, ids, world.ledger, warn=lambda _, line: world.warnings.append(line))
    manager.add_exchange("test", world.exchange)
    manager.add_market(world.market)
    order = manager.place(owner, world.instrument, Side.BUY, Size(10), Price(9_000))
    assert (order.state, order.reason) == (OrderState.REJECTED, "risk: there is no risk engine")
    assert not world.exchange.messages


def test_what_risk_refuses_is_not_sent() -> None:
    class NoSells(RiskRule[NoConfig]):
        def check(self, order: Order, view: RiskView) -> Verdict:
            return Refused("no") if order.side is Side.SELL else APPROVED

    world = OrderWorld(make_market(make_instrument()), rules={"no_sells": NoSells(NoConfig())})
    owner = NotedOwner()
    order = place(world, owner, Side.SELL)
    assert (order.state, order.reason) == (OrderState.REJECTED, "no_sells: no")
    assert (exposure(world, Side.SELL), world.manager.counters.refused) == (0, {"no_sells": 1})
    assert place(world, owner).state is OrderState.PENDING_NEW


def test_a_market_of_an_exchange_without_client_is_a_fault_of_the_profile() -> None:
    world = make_world()
    with pytest.raises(UsageError, match="'other' has no execution client"):
        world.manager.add_market(Market(make_instrument(exchange="other")))


def test_a_halt_cancels_everything_refuses_everything_and_keeps_its_first_reason() -> None:
    world, owner = make_world(), NotedOwner()
    halts: list[str] = []
    world.manager.on_halt = halts.append
    order = place_and_acknowledge(world, owner)
    world.manager.halt("too much was lost")
    world.manager.halt("something else")
    assert halts == ["too much was lost"]
    assert order.state is OrderState.PENDING_CANCEL
    assert place(world, owner).reason == "halted: too much was lost"
    assert world.manager.halted == "too much was lost"


def test_stopping_cancels_what_is_open_and_refuses_what_comes() -> None:
    world, owner = make_world(), NotedOwner()
    order = place_and_acknowledge(world, owner)
    world.manager.stop()
    assert place(world, owner).reason.startswith("stopping")
    world.exchange.settle()
    assert order.state is OrderState.CANCELED
    assert world.manager.open_count == 0


@pytest.mark.parametrize("unsent", [False, True])
def test_what_must_go_is_cancelled_until_it_is_gone(unsent: bool) -> None:
    """A cancel that is refused, or cannot be sent while the line is down, leaves a live order."""
    world, owner = make_world(), NotedOwner()
    order = place_and_acknowledge(world, owner)
    world.exchange.messages.clear()
    if unsent:
        world.exchange.send_error = OrderError("no connection")
    world.manager.halt("too much was lost")
    sent_s: list[float] = []
    start_ns = world.clock.now_ns()
    for _ in range(6_000):
        if world.exchange.requests:
            sent_s.append((world.clock.now_ns() - start_ns) / 1e9)
            world.exchange.refuse_next = "busy"
            world.exchange.settle()
        assert order.state is OrderState.NEW
        world.clock.advance(10_000_000)
    world.exchange.send_error = None
    if not unsent:
        gaps_s = [b - a for a, b in itertools.pairwise(sent_s)]
        assert gaps_s[0] <= 0.06, "soon"
        assert 2.5 <= max(gaps_s) <= 5.1, "and ever more rarely, for ever"
        assert len(sent_s) <= 40
    for _ in range(600):
        world.exchange.settle()
        world.clock.advance(10_000_000)
    assert order.state is OrderState.CANCELED
    assert world.clock.next_timer_ns() is None


def test_an_order_that_filled_while_its_cancel_was_refused_is_left_alone() -> None:
    world, owner = make_world(), NotedOwner()
    order = place_and_acknowledge(world, owner)
    world.manager.stop()
    world.exchange.fill(order.client_order_id, 10)
    world.exchange.arrive()
    assert len(world.exchange.answers) == 2
    world.exchange.tell(1)
    world.exchange.tell()
    world.exchange.messages.clear()
    world.clock.advance(60_000_000_000)
    assert order.state is OrderState.FILLED
    assert world.exchange.messages == []


def test_a_fill_that_cannot_be_booked_halts_trading(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on the position is wrong; the order at least must not count as open any more."""
    world, owner = make_world(), NotedOwner()
    order, resting = place_and_acknowledge(world, owner), place_and_acknowledge(world, owner)

    def fail(fill: Fill) -> None:
        raise ArithmeticError("inexact")

    monkeypatch.setattr(world.ledger, "on_fill", fail)
    world.exchange.fill(order.client_order_id, 10)
    world.exchange.tell()
    assert world.manager.halted == "BTC/USDT@test: fill '1' cannot be booked: ArithmeticError: inexact"
    assert order.state is OrderState.FILLED
    assert resting.state is OrderState.PENDING_CANCEL
    assert exposure(world) == 10


def test_cancel_all_takes_a_strategys_orders_and_no_others() -> None:
    world = make_world()
    one, other = NotedOwner("one"), NotedOwner("other")
    mine, theirs = place_and_acknowledge(world, one), place_and_acknowledge(world, other)
    assert world.manager.cancel_all(strategy="one") == 1
    world.exchange.settle()
    assert mine.state is OrderState.CANCELED
    assert theirs.state is OrderState.NEW
    assert world.manager.cancel_all(instrument=make_instrument()) == 0
    assert world.manager.cancel_all(instrument=world.instrument) == 1


# -- reports in every order ----------------------------------------------------------------------


def test_a_fill_before_the_acknowledgement_proves_it() -> None:
    world, owner = make_world(), NotedOwner()
    order = place(world, owner)
    world.exchange.arrive()
    world.exchange.fill(order.client_order_id, 4)
    world.exchange.tell(1)
    assert (order.state, order.filled) == (OrderState.PARTIALLY_FILLED, 4)
    world.exchange.tell()
    assert order.state is OrderState.PARTIALLY_FILLED
    assert world.manager.counters.illegal == 0


def test_a_fill_is_booked_once_however_often_it_is_told() -> None:
    world, owner = make_world(), NotedOwner()
    order = place_and_acknowledge(world, owner)
    fill = world.exchange.fill(order.client_order_id, 10)
    for _ in range(3):
        world.manager.on_fill(fill)
    assert world.ledger.position(world.instrument) == 10
    assert world.manager.counters.duplicates == 2
    assert len(world.ledger.fills) == world.manager.counters.fills == 1


def test_both_orders_of_a_trade_with_ourselves_are_filled() -> None:
    world, owner = make_world(), NotedOwner()
    world.manager.self_trade.policy = SelfTradePolicy.ALLOW
    buy, sell = place_and_acknowledge(world, owner), place_and_acknowledge(world, owner, Side.SELL)
    for order in (buy, sell):
        fill = world.exchange.fill(order.client_order_id, 10)
        fill.trade_id = "the same"
        world.manager.on_fill(fill)
    assert (buy.state, sell.state) == (OrderState.FILLED, OrderState.FILLED)
    assert world.ledger.position(world.instrument) == 0


def test_a_cancel_that_meets_a_fill_is_refused_and_the_fill_counts() -> None:
    world, owner = make_world(), NotedOwner()
    order = place_and_acknowledge(world, owner)
    world.manager.cancel(order)
    world.exchange.fill(order.client_order_id, 10)
    world.exchange.arrive()
    world.exchange.tell(1)
    assert order.state is OrderState.NEW
    assert exposure(world) == 10
    world.exchange.tell()
    assert order.state is OrderState.FILLED


def test_a_final_report_waits_for_the_fills_it_knows_of() -> None:
    world, owner = make_world(), NotedOwner()
    order = place_and_acknowledge(world, owner)
    world.exchange.fill(order.client_order_id, 4)
    world.manager.cancel(order)
    world.exchange.arrive()
    world.exchange.tell(1)
    assert order.state is OrderState.PENDING_CANCEL
    assert exposure(world) == 4
    world.exchange.tell()
    assert (order.state, order.filled, exposure(world)) == (OrderState.CANCELED, 4, 0)
    assert [state for state, _ in owner.told] == ["new", "fill", "canceled"]


def test_a_fill_that_comes_after_the_end_still_counts() -> None:
    world, owner = make_world(), NotedOwner()
    order = place_and_acknowledge(world, owner)
    fill = world.exchange.fill(order.client_order_id, 4)
    world.exchange.answers.clear()
    world.exchange.report(order.client_order_id, ReportKind.CANCELED)
    world.exchange.settle()
    assert order.state is OrderState.CANCELED
    world.manager.on_fill(fill)
    assert (order.state, order.filled) == (OrderState.CANCELED, 4)
    assert world.ledger.position(world.instrument) == 4
    assert exposure(world) == 0


def test_a_cancel_waits_for_the_acknowledgement() -> None:
    world, owner = make_world(), NotedOwner()
    order = place(world, owner)
    world.manager.cancel(order)
    world.manager.cancel(order)
    assert [what for what, _ in world.exchange.messages] == ["place"]
    world.exchange.settle()
    assert [what for what, _ in world.exchange.messages] == ["place", "cancel"]
    assert order.state is OrderState.CANCELED


def test_a_request_without_answer_keeps_its_exposure_until_there_is_evidence() -> None:
    world, owner = make_world(), NotedOwner()
    order = place(world, owner)
    world.exchange.report(order.client_order_id, ReportKind.UNKNOWN)
    world.exchange.tell()
    assert order.state is OrderState.UNKNOWN
    world.exchange.report(order.client_order_id, ReportKind.CANCEL_REJECTED)
    world.exchange.tell()
    assert (order.state, exposure(world)) == (OrderState.UNKNOWN, 10)
    world.exchange.settle()
    assert (order.state, exposure(world)) == (OrderState.NEW, 10)


def test_an_unknown_order_that_was_to_be_cancelled_is_cancelled_when_it_turns_up() -> None:
    world, owner = make_world(), NotedOwner()
    order = place(world, owner)
    world.exchange.report(order.client_order_id, ReportKind.UNKNOWN)
    world.exchange.tell()
    arrival = world.exchange.requests.popleft()
    world.manager.cancel(order)
    world.exchange.settle()  # the cancel overtakes the order and finds nothing
    assert order.state is OrderState.UNKNOWN
    arrival()
    world.exchange.settle()
    assert order.state is OrderState.CANCELED


def test_a_late_time_out_changes_nothing() -> None:
    world, owner = make_world(), NotedOwner()
    order = place_and_acknowledge(world, owner)
    world.exchange.report(order.client_order_id, ReportKind.UNKNOWN)
    world.exchange.settle()
    assert order.state is OrderState.NEW


def test_a_rejection_after_any_sign_of_life_is_refused_counted_and_reported() -> None:
    world, owner = make_world(), NotedOwner()
    order = place_and_acknowledge(world, owner)
    world.exchange.report(order.client_order_id, ReportKind.REJECTED, reason="duplicate client id")
    world.exchange.settle()
    assert (order.state, exposure(world)) == (OrderState.NEW, 10)
    assert world.manager.counters.illegal == 1
    assert "cannot take 'rejected'" in world.warnings[0]
    world.manager.cancel(order)
    world.exchange.report(order.client_order_id, ReportKind.UNKNOWN)
    world.exchange.tell()
    world.exchange.report(order.client_order_id, ReportKind.REJECTED)
    world.exchange.tell()
    assert (order.state, exposure(world)) == (OrderState.UNKNOWN, 10)
    assert world.manager.counters.illegal == 2


def test_more_fills_than_were_ordered_are_booked_and_reported() -> None:
    world, owner = make_world(), NotedOwner()
    order = place_and_acknowledge(world, owner)
    fill = world.exchange.fill(order.client_order_id, 10)
    fill.size = Size(12)
    world.exchange.settle()
    assert order.state is OrderState.FILLED
    assert world.ledger.position(world.instrument) == 12
    assert world.manager.counters.illegal == 1
    assert exposure(world) == 0


def test_orders_of_others_are_not_touched() -> None:
    world, owner = make_world(), NotedOwner()
    order = place_and_acknowledge(world, owner)
    fill = world.exchange.fill(order.client_order_id, 1)
    fill.client_order_id = "x-web-1"
    world.exchange.report("x-web-2", ReportKind.CANCELED)
    world.exchange.settle()
    assert world.manager.counters.foreign == 2
    assert world.ledger.position(world.instrument) == 0
    assert "x-web-1" in world.warnings[0]


def test_finished_orders_are_forgotten_after_a_while() -> None:
    world, owner = make_world(), NotedOwner()
    first = place(world, owner)
    world.exchange.settle()
    world.manager.cancel(first)
    world.exchange.settle()
    for _ in range(10_000):
        order = place(world, owner)
        world.exchange.requests.clear()
        world.exchange.report(order.client_order_id, ReportKind.REJECTED)
        world.exchange.tell()
    assert len(world.manager.store.finished) == 10_000
    assert first.client_order_id not in world.manager.store.finished


# -- amendments ----------------------------------------------------------------------------------


def test_an_amendment_counts_with_the_larger_of_both_sizes_until_it_is_settled() -> None:
    world, owner = make_world(), NotedOwner()
    order = place_and_acknowledge(world, owner)
    assert world.manager.amend(order, Price(9_001), Size(4))
    assert (order.state, exposure(world)) == (OrderState.PENDING_REPLACE, 10)
    world.exchange.settle()
    assert (order.state, order.price, order.size, exposure(world)) == (OrderState.NEW, 9_001, 4, 4)
    world.manager.amend(order, Price(9_001), Size(15))
    assert exposure(world) == 15
    world.exchange.refuse_next = "no"
    world.exchange.settle()
    assert (order.state, order.size, exposure(world), order.reason) == (OrderState.NEW, 4, 4, "no")


def test_a_replacement_that_states_no_price_leaves_it() -> None:
    world, owner = make_world(), NotedOwner()
    order = place_and_acknowledge(world, owner)
    world.exchange.report(order.client_order_id, ReportKind.REPLACED, size=Size(4))
    world.exchange.settle()
    assert (order.price, order.size) == (9_000, 4)


def test_an_owner_may_say_why_it_refuses_in_any_kind_of_text() -> None:
    class Why(enum.StrEnum):
        OFF = "strategy: it is switched off"

    world, owner = make_world(), NotedOwner()
    order = place_and_acknowledge(world, owner)
    owner.refusal = Why.OFF
    assert not world.manager.amend(order, Price(8_999), Size(10))
    assert order.reason == Why.OFF
    assert place(world, owner).state is OrderState.REJECTED
    assert world.manager.counters.refused == {"strategy": 2}


@pytest.mark.parametrize("shared", [True, False])
def test_when_an_order_was_made_and_asked_for_is_by_the_manager_s_clock(shared: bool) -> None:
    world, owner = make_world(), NotedOwner()
    world.manager.trace = Trace(world.clock.now_ns if shared else lambda: 7)
    order = place(world, owner)
    record = world.manager.store.open[order.client_order_id]
    assert order.created_ns == record.requested_ns == world.clock.now_ns()
    world.exchange.settle()
    world.clock.advance(1_000)
    world.manager.amend(order, Price(9_001), Size(10))
    assert record.requested_ns == world.clock.now_ns()
    world.exchange.settle()
    world.clock.advance(1_000)
    world.manager.cancel(order)
    assert record.requested_ns == world.clock.now_ns()
    assert order.stamps is not None
    assert order.stamps.decided_ns == (world.clock.now_ns() if shared else 7)


def test_of_several_amendments_that_wait_the_newest_counts() -> None:
    world, owner = make_world(), NotedOwner()
    order = place(world, owner)
    for price in (9_001, 9_002):
        world.manager.amend(order, Price(price), Size(10))
    assert len(world.exchange.messages) == 1
    world.exchange.arrive()
    world.exchange.tell()
    for price in (9_003, 9_004):
        world.manager.amend(order, Price(price), Size(10))
    world.exchange.settle()
    assert (order.price, order.state) == (9_004, OrderState.NEW)
    assert [what for what, _ in world.exchange.messages] == ["place", "amend", "amend"]


def test_an_amendment_that_meets_a_fill() -> None:
    world, owner = make_world(), NotedOwner()
    order = place_and_acknowledge(world, owner)
    world.manager.amend(order, Price(9_001), Size(20))
    world.exchange.fill(order.client_order_id, 10)
    world.exchange.arrive()
    world.exchange.tell()
    # The exchange may have made it larger before it was filled: only its answer tells.
    assert (order.state, exposure(world)) == (OrderState.PENDING_REPLACE, 10)
    world.exchange.tell()
    assert (order.state, exposure(world)) == (OrderState.FILLED, 0)


def test_a_refusal_told_twice_is_not_taken_for_the_answer_to_the_next_amendment() -> None:
    world, owner = make_world(), NotedOwner()
    order = place_and_acknowledge(world, owner)
    key = order.client_order_id
    for again in (False, True):
        world.manager.amend(order, Price(9_001), Size(20))
        world.exchange.report(key, ReportKind.REPLACE_REJECTED, exchange_ns=5)
        world.exchange.tell()
        assert order.state is (OrderState.PENDING_REPLACE if again else OrderState.NEW)
    assert (exposure(world), world.manager.counters.duplicates) == (20, 1)


def test_a_replacement_told_twice_is_not_taken_for_the_next() -> None:
    world, owner = make_world(), NotedOwner()
    order = place_and_acknowledge(world, owner)
    world.manager.amend(order, Price(9_001), Size(8))
    world.exchange.settle()
    world.manager.amend(order, Price(9_002), Size(20))
    world.exchange.report(order.client_order_id, ReportKind.REPLACED, price=Price(9_001), size=Size(8))
    world.exchange.tell()
    assert (order.state, order.pending_size, exposure(world)) == (OrderState.PENDING_REPLACE, 20, 20)
    world.exchange.settle()
    assert (order.state, order.price, order.size) == (OrderState.NEW, 9_002, 20)


def test_an_amendment_without_answer_counts_with_the_larger_size_until_a_query_tells() -> None:
    world, owner = make_world(), NotedOwner()
    order = place_and_acknowledge(world, owner)
    world.manager.amend(order, Price(9_001), Size(20))
    world.exchange.requests.clear()
    world.exchange.report(order.client_order_id, ReportKind.UNKNOWN)
    world.exchange.tell()
    assert (order.state, exposure(world)) == (OrderState.UNKNOWN, 20)
    world.exchange.query(order)
    world.exchange.settle()
    assert (order.state, order.size, exposure(world)) == (OrderState.NEW, 10, 10)


def test_amendments_are_judged_as_what_the_order_is_to_be() -> None:
    judged: list[tuple[int | None, int]] = []

    class Limit(RiskRule[NoConfig]):
        def check(self, order: Order, view: RiskView) -> Verdict:
            judged.append((order.price, order.size))
            return Refused("too large") if order.size > 10 else APPROVED

    world = OrderWorld(make_market(make_instrument()), rules={"limit": Limit(NoConfig())})
    owner = NotedOwner()
    order = place_and_acknowledge(world, owner)
    assert not world.manager.amend(order, Price(9_001), Size(11))
    assert (order.state, order.reason, exposure(world)) == (OrderState.NEW, "limit: too large", 10)
    world.clock.advance(1_000_000)
    assert owner.told[-1] == ("new", order.client_order_id)
    assert world.manager.amend(order, Price(9_001), Size(9))
    assert judged == [(9_000, 10), (9_001, 11), (9_001, 9)]


def test_where_the_exchange_cannot_amend_the_order_is_cancelled_and_placed_anew() -> None:
    world, owner = make_world(ModelExchangeWithoutAmend), NotedOwner()
    order = place_and_acknowledge(world, owner)
    world.exchange.fill(order.client_order_id, 3)
    world.exchange.settle()
    assert world.manager.amend(order, Price(9_001), Size(12))
    assert [what for what, _ in world.exchange.messages] == ["place", "cancel"]
    assert exposure(world) == 9
    world.exchange.settle()
    (successor,) = world.manager.open_orders(world.instrument)
    assert order.state is OrderState.CANCELED
    assert (successor.price, successor.size, successor.replaces) == (9_001, 9, order.client_order_id)
    assert [told for told in owner.told if told[1] == successor.client_order_id] == [
        ("pending-new", successor.client_order_id),
        ("new", successor.client_order_id),
    ]
    assert exposure(world) == 9


def test_nothing_is_placed_anew_when_the_order_was_filled_or_is_no_longer_wanted() -> None:
    world, owner = make_world(ModelExchangeWithoutAmend), NotedOwner()
    filled, unwanted = place_and_acknowledge(world, owner), place_and_acknowledge(world, owner)
    world.manager.amend(filled, Price(9_001), Size(12))
    world.manager.amend(unwanted, Price(9_001), Size(12))
    world.exchange.fill(filled.client_order_id, 10)
    world.manager.cancel(unwanted)
    world.exchange.settle()
    assert (filled.state, unwanted.state) == (OrderState.FILLED, OrderState.CANCELED)
    assert [what for what, _ in world.exchange.messages] == ["place", "place", "cancel", "cancel"]
    assert exposure(world) == 0


# -- clients that fail ---------------------------------------------------------------------------


def test_an_order_that_was_certainly_not_sent_is_refused() -> None:
    world, owner = make_world(), NotedOwner()
    world.exchange.send_error = OrderError("no connection")
    order = place(world, owner)
    assert (order.state, order.reason) == (OrderState.REJECTED, "not sent: no connection")
    assert exposure(world) == 0
    assert not world.manager.halted


def test_a_cancel_that_was_certainly_not_sent_leaves_the_order_as_it_was() -> None:
    world, owner = make_world(), NotedOwner()
    order = place_and_acknowledge(world, owner)
    world.exchange.send_error = OrderError("no connection")
    world.manager.cancel(order)
    assert order.state is OrderState.NEW
    world.manager.amend(order, Price(9_001), Size(20))
    assert (order.state, exposure(world)) == (OrderState.NEW, 10)


class NotedJournal(NoJournal):
    """Keeps the newest word on each order, as the next run would find it."""

    def __init__(self) -> None:
        self.states: dict[str, OrderState] = {}

    def intend_place(self, order: Order) -> None:
        self.states[order.client_order_id] = OrderState.PENDING_NEW

    def intend_amend(self, order: Order, price: Price, size: Size) -> None:
        self.states[order.client_order_id] = OrderState.PENDING_REPLACE

    def intend_cancel(self, order: Order) -> None:
        self.states[order.client_order_id] = OrderState.PENDING_CANCEL

    def order(self, order: Order) -> None:
        self.states[order.client_order_id] = order.state


def test_the_journal_hears_that_what_was_intended_was_not_sent() -> None:
    world, owner = make_world(), NotedOwner()
    journal = world.manager.journal = NotedJournal()
    order = place_and_acknowledge(world, owner)
    assert journal.states == {order.client_order_id: OrderState.NEW}
    world.exchange.send_error = OrderError("no connection")
    for ask in (
        lambda: world.manager.cancel(order),
        lambda: world.manager.amend(order, Price(9_001), Size(20)),
    ):
        ask()
        assert journal.states == {order.client_order_id: OrderState.NEW}
    refused = place(world, owner)
    assert journal.states[refused.client_order_id] is OrderState.REJECTED


def test_a_client_that_breaks_leaves_the_order_unknown_and_halts_trading() -> None:
    world, owner = make_world(), NotedOwner()
    resting = place_and_acknowledge(world, owner)
    world.exchange.send_error = KeyError("bug")
    order = place(world, owner)
    assert order.state is OrderState.UNKNOWN
    assert resting.state is OrderState.UNKNOWN  # its cancel broke as well
    assert exposure(world) == 20
    assert "execution client failed placing: KeyError" in world.manager.halted


# -- whether a fill can still be on its way ------------------------------------------------------


@pytest.mark.parametrize("stated", [True, False])
def test_an_order_is_settled_once_the_exchange_has_said_how_much_was_filled_and_it_came(stated: bool) -> None:
    world, owner = make_world(), NotedOwner()
    order = place_and_acknowledge(world, owner)
    world.exchange.report(order.client_order_id, ReportKind.ACCEPTED, filled=Size(0))
    world.exchange.tell()
    assert not order.is_settled
    fill = world.exchange.fill(order.client_order_id, 4)
    world.exchange.report(order.client_order_id, ReportKind.CANCELED, filled=Size(4) if stated else None)
    world.exchange.tell(1)
    assert not order.is_settled
    world.exchange.tell()
    assert (order.state, order.filled) == (OrderState.CANCELED, fill.size)
    assert order.is_settled is stated


def test_an_order_that_was_filled_or_refused_is_settled() -> None:
    world, owner = make_world(), NotedOwner()
    order = place_and_acknowledge(world, owner)
    world.exchange.fill(order.client_order_id, 10)
    world.exchange.settle()
    assert order.is_settled
    assert place(world, owner, price=0).is_settled
