"""The risk engine: the profile's order, the first refusal, and failing closed."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from hft.order import Order
from hft.plugin.risk import APPROVED, Approved, Halt, Refused, RiskRule, RiskView, Verdict
from hft.risk import RiskEngine
from hft.testing.trading import FakeRiskView, make_instrument, make_market
from hft.types import Price, Side, Size

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


def test_rules_prepare_before_the_first_order() -> None:
    engine, rules, _ = make_engine(APPROVED, APPROVED)
    engine.start()
    assert all(rule.started for rule in rules)
