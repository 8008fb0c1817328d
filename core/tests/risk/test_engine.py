"""The risk engine: the profile's order, the first refusal, and failing closed."""

from __future__ import annotations

import enum
from decimal import Decimal
from typing import Any

import attrs
import pytest

from hft.events import Fill
from hft.instrument import Instrument
from hft.order import Order
from hft.plugin.risk import (
    APPROVED,
    Approved,
    Halt,
    KernelRefusal,
    Refusal,
    Refused,
    Review,
    RiskRule,
    RiskView,
    Verdict,
)
from hft.risk import RiskEngine
from hft.testing.trading import FakeRiskView, make_instrument, make_market
from hft.types import Liquidity, PositionSide, Price, Side, Size

MARKET = make_market(make_instrument())


@attrs.frozen(kw_only=True)
class Config:
    answer: Any = APPROVED


class Rule(RiskRule[Config]):
    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.judged: list[Order] = []
        self.started = False

    def on_start(self, view: RiskView) -> None:
        self.started = True

    def check(self, order: Order, view: RiskView) -> Verdict:
        self.judged.append(order)
        if isinstance(self.config.answer, Exception):
            raise self.config.answer
        answer: Verdict = self.config.answer
        return answer


def make_order() -> Order:
    return Order(
        client_order_id="1",
        strategy="s",
        instrument=MARKET.instrument,
        side=Side.BUY,
        size=Size(10),
        price=Price(100),
    )


def make_engine(*answers: Any) -> tuple[RiskEngine, list[Rule], list[Halt]]:
    rules = [Rule(Config(answer=answer)) for answer in answers]
    halts: list[Halt] = []
    named = [(f"rule{number}", rule) for number, rule in enumerate(rules)]
    view = FakeRiskView([MARKET])
    return RiskEngine(named, view, halts.append, view.clock), rules, halts


def test_what_every_rule_approves_is_approved() -> None:
    engine, rules, halts = make_engine(APPROVED, Approved(), APPROVED)
    order = make_order()
    assert engine.approve(order) is order
    assert [len(rule.judged) for rule in rules] == [1, 1, 1]
    assert halts == []


def test_the_first_refusal_ends_the_chain_and_names_its_rule() -> None:
    engine, rules, halts = make_engine(APPROVED, Refused("too much"), APPROVED)
    assert engine.approve(make_order()) == Refused("rule1: too much")
    assert [len(rule.judged) for rule in rules] == [1, 1, 0]
    assert halts == []


@pytest.mark.parametrize("answer", [ValueError("a bug"), None, True, "approved"])
def test_what_cannot_be_checked_is_not_sent_and_halts(answer: object) -> None:
    engine, rules, halts = make_engine(answer, APPROVED)
    assert isinstance(engine.approve(make_order()), Refused)
    assert len(halts) == 1
    assert "'rule0'" in halts[0].reason
    assert rules[1].judged == []


def test_an_amendment_is_judged_as_it_is_to_be_and_changes_nothing() -> None:
    engine, rules, _ = make_engine(APPROVED)
    order = make_order()
    assert engine.approve_amendment(order, Price(101), Size(20)) is order
    (judged,) = rules[0].judged
    assert (judged.price, judged.size, judged.client_order_id) == (101, 20, "1")
    assert (order.price, order.size) == (100, 10)


def test_an_amendment_is_judged_with_all_else_as_it_is() -> None:
    engine, rules, _ = make_engine(APPROVED)
    marked: dict[str, Any] = {field.name: object() for field in attrs.fields(Order)}
    engine.approve_amendment(Order(**marked), Price(101), Size(20))
    (judged,) = rules[0].judged
    assert attrs.asdict(judged, recurse=False) == marked | {"price": 101, "size": 20}


def test_rules_prepare_before_the_first_order() -> None:
    engine, rules, _ = make_engine(APPROVED, APPROVED)
    engine.start()
    assert all(rule.started for rule in rules)


# -- the account -----------------------------------------------------------------------------------


class Watching(Rule):
    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.reviews = 0

    def review(self, view: RiskView) -> Review:
        self.reviews += 1
        if isinstance(self.config.answer, Exception):
            raise self.config.answer
        answer: Review = self.config.answer
        return answer


class QuietView(FakeRiskView):
    """A view that counts what the engine makes it do."""

    revalued = 0
    moved = True

    def revalue(self, instrument: Instrument) -> bool:
        self.revalued += 1
        return self.moved


def make_watching(*answers: Any) -> tuple[RiskEngine, list[Watching], list[Halt], QuietView]:
    rules = [Watching(Config(answer=answer)) for answer in answers]
    halts: list[Halt] = []
    view = QuietView([MARKET])
    named = [(f"rule{number}", rule) for number, rule in enumerate(rules)]
    return RiskEngine(named, view, halts.append, view.clock), rules, halts, view


def make_fill() -> Fill:
    return Fill(
        client_order_id="1",
        instrument=MARKET.instrument,
        trade_id="1",
        side=Side.BUY,
        price=Price(100),
        size=Size(1),
        liquidity=Liquidity.MAKER,
        fee=Decimal(0),
        fee_asset="USDT",
    )


def test_nothing_is_valued_when_no_rule_reviews() -> None:
    view = QuietView([MARKET])
    engine = RiskEngine([("rule", Rule(Config()))], view, lambda halt: None, view.clock)
    engine.start()
    engine.on_fill(make_fill())
    engine.on_mark(MARKET.instrument)
    engine.on_account()
    assert (engine.reviews, view.revalued, view.clock.next_timer_ns()) == (False, 0, None)


def test_the_account_is_reviewed_when_it_changed_and_only_then() -> None:
    engine, (rule,), halts, view = make_watching(APPROVED)
    engine.on_fill(make_fill())
    engine.on_account()
    engine.on_mark(MARKET.instrument)
    assert (engine.reviews, rule.reviews, view.revalued) == (True, 3, 2)
    view.moved = False
    engine.on_mark(MARKET.instrument)
    assert (rule.reviews, view.revalued) == (3, 3)
    engine.on_fill(make_fill())
    assert rule.reviews == 4
    assert halts == []


def test_the_first_halt_ends_it_all() -> None:
    engine, rules, halts, _ = make_watching(Approved(), Halt("lost too much", flatten=True), APPROVED)
    engine.on_account()
    engine.on_account()
    assert halts == [Halt("rule1: lost too much", flatten=True)]
    assert [rule.reviews for rule in rules] == [1, 1, 0]
    refused = engine.approve(make_order())
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.code) == ("halted: rule1: lost too much", KernelRefusal.HALTED)


@pytest.mark.parametrize("answer", [ValueError("a bug"), None, True, Refused("no")])
def test_what_cannot_be_reviewed_halts(answer: object) -> None:
    engine, rules, halts, _ = make_watching(answer, APPROVED)
    engine.on_mark(MARKET.instrument)
    assert len(halts) == 1
    assert "'rule0'" in halts[0].reason
    assert not halts[0].flatten
    assert rules[1].reviews == 0
    assert isinstance(engine.approve(make_order()), Refused)


def test_each_day_begins_on_time_until_the_end() -> None:
    engine, _, _, view = make_watching(APPROVED)
    day = 86_400_000_000_000
    engine.start()
    for _ in range(3):
        due = view.clock.next_timer_ns()
        assert due == (view.now_ns // day + 1) * day
        view.clock.advance_to(due)
    engine.stop()
    assert view.clock.next_timer_ns() is None


class Code(Refusal):
    MINE = "mine", "for a reason of its own"


def test_refusals_are_counted_by_rule_and_code() -> None:
    engine, _, _ = make_engine(Refused("once", Code.MINE))
    assert engine.approve(make_order()) == Refused("rule0: once", Code.MINE)
    engine.approve(make_order())
    assert engine.refused == {"rule0: mine": 2}
    assert (Code("mine"), Code.MINE.doc, str(Code.MINE)) == (Code.MINE, "for a reason of its own", "mine")


@pytest.mark.parametrize(
    ("position", "side", "size", "changes", "approved"),
    [
        (10, Side.SELL, 10, {}, True),
        (10, Side.SELL, 11, {}, False),
        (10, Side.SELL, 11, {"reduce_only": True}, True),
        (10, Side.BUY, 1, {}, False),
        (10, Side.BUY, 1, {"reduce_only": True}, False),
        (-10, Side.BUY, 10, {}, True),
        (-10, Side.BUY, 11, {}, False),
        (0, Side.BUY, 1, {}, False),
    ],
)
def test_only_what_closes_a_position_is_approved_beside_the_rules(
    position: int, side: Side, size: int, changes: dict[str, bool], approved: bool
) -> None:
    view = FakeRiskView([MARKET])
    view.positions[MARKET.instrument] = Size(position)
    engine = RiskEngine([("no", Rule(Config(answer=Refused("never"))))], view, lambda halt: None, view.clock)
    order = attrs.evolve(make_order(), side=side, size=Size(size), **changes)
    assert isinstance(engine.approve(order), Refused)
    verdict = engine.approve_closing(order)
    assert (verdict is order) is approved
    if isinstance(verdict, Refused):
        assert verdict.code is KernelRefusal.NOT_CLOSING


def test_closing_counts_what_is_open_and_knows_hedge_mode() -> None:
    view = FakeRiskView([MARKET])
    view.positions[MARKET.instrument] = Size(10)
    engine = RiskEngine([], view, lambda halt: None, view.clock)
    view.orders = [attrs.evolve(make_order(), client_order_id="2", side=Side.SELL, size=Size(4))]
    assert isinstance(
        engine.approve_closing(attrs.evolve(make_order(), side=Side.SELL, size=Size(7))), Refused
    )
    six = attrs.evolve(make_order(), side=Side.SELL, size=Size(6))
    assert engine.approve_closing(six) is six
    view.positions, view.orders = {}, []
    view.sides = {(MARKET.instrument, PositionSide.SHORT): Size(-5)}
    close = attrs.evolve(make_order(), side=Side.BUY, size=Size(5), position_side=PositionSide.SHORT)
    assert engine.approve_closing(close) is close
    assert isinstance(engine.approve_closing(attrs.evolve(close, size=Size(6))), Refused)
    assert isinstance(engine.approve_closing(attrs.evolve(close, position_side=PositionSide.LONG)), Refused)


def test_a_reason_may_be_of_any_kind_of_text() -> None:
    class Reason(enum.StrEnum):
        LARGE = "too large"

    engine, _, halts = make_engine(Refused(Reason.LARGE))
    refused = engine.approve(make_order())
    assert isinstance(refused, Refused)
    assert refused.reason == "rule0: too large"
    assert not halts
