"""A risk rule with one defect at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import attrs

from hft import (
    APPROVED,
    Halt,
    InstrumentId,
    Order,
    Refusal,
    Refused,
    Review,
    RiskRule,
    RiskView,
    Size,
    Verdict,
    option,
    to_amount,
)
from hft.testing.conformance import RiskScene, RuleUnderTest

__all__ = ["DEFECTS", "HEALTHY"]


@attrs.frozen(kw_only=True)
class Config:
    """A limit in lots, and one on the day's loss."""

    instrument: InstrumentId = option(doc="the instrument")
    limit: int = option(1_000, doc="largest order")


class Code(Refusal):
    """Why `Rule` refuses."""

    TOO_LARGE = "too-large", "the order is too large"
    NO_BALANCE = "no-balance", "the balance is not known"


class Rule(RiskRule[Config]):
    """Refuses large orders, and any without a known balance; halts at a loss."""

    refusals = Code

    def on_start(self, view: RiskView) -> None:
        self.instrument = view.instrument(self.config.instrument)
        self.loss = to_amount(Decimal(-100))

    def check(self, order: Order, view: RiskView) -> Verdict:
        if view.balance("test", "USDT") is None:
            return Refused("the balance is not known", Code.NO_BALANCE)
        if order.size > self.config.limit:
            return Refused(f"size is {order.size}, limit is {self.config.limit}", Code.TOO_LARGE)
        return APPROVED

    def review(self, view: RiskView) -> Review:
        return Halt("loss") if view.profit_today("USDT") < self.loss else APPROVED


def breach(scene: RiskScene) -> list[Order]:
    scene.view.profits_today["USDT"] = Decimal(-101)
    return [scene.order(size=Size(1_001))]


@attrs.frozen
class Plugin:
    """One rule."""

    rule: type[RiskRule[Any]]
    name: str = "rule"

    def market_data(self) -> None:
        return None

    execution = simulator = strategy = market_data

    def risk_rule(self) -> type[RiskRule[Any]]:
        return self.rule


def subject(rule: type[RiskRule[Any]]) -> RuleUnderTest:
    config = {"instrument": InstrumentId("BTC/USDT", "test")}
    return RuleUnderTest(plugin=Plugin(rule), config=config, breach=breach)


HEALTHY = subject(Rule)
DEFECTS: dict[str, RuleUnderTest] = {}


def defect(card: str) -> Callable[[type[Rule]], type[Rule]]:
    """Register a rule as one that a card refuses."""

    def register(rule: type[Rule]) -> type[Rule]:
        DEFECTS[card] = subject(rule)
        return rule

    return register


@defect("RR-01")
class LooksUp(Rule):
    def on_start(self, view: RiskView) -> None:
        known = {each.id: each for each in view.instruments}
        self.instrument = known[self.config.instrument]
        self.loss = to_amount(Decimal(-100))


@defect("RR-02")
class RefusesAll(Rule):
    def check(self, order: Order, view: RiskView) -> Verdict:
        return Refused("no", Code.TOO_LARGE)


@defect("RR-03")
class ApprovesAll(Rule):
    def check(self, order: Order, view: RiskView) -> Verdict:
        return APPROVED


@defect("RR-04")
class NeverHalts(Rule):
    def review(self, view: RiskView) -> Review:
        return APPROVED


@defect("RR-05")
class AnswersNone(Rule):
    def check(self, order: Order, view: RiskView) -> Any:
        return super().check(order, view) if order.side.sign > 0 else None


@defect("RR-06")
class Shrinks(Rule):
    def check(self, order: Order, view: RiskView) -> Verdict:
        order.size = Size(min(order.size, self.config.limit))
        return super().check(order, view)


_asked = 0


@defect("RR-07")
class Remembers(Rule):
    def check(self, order: Order, view: RiskView) -> Verdict:
        global _asked
        _asked += 1
        verdict = super().check(order, view)
        return attrs.evolve(verdict, reason=f"number {_asked}") if isinstance(verdict, Refused) else verdict


@defect("RR-08")
class LooksAtTheSystemsTime(Rule):
    def check(self, order: Order, view: RiskView) -> Verdict:
        assert time.time() > 0
        return super().check(order, view)


@defect("RR-09")
class KeepsEverything(Rule):
    def check(self, order: Order, view: RiskView) -> Verdict:
        self.__dict__.setdefault("seen", []).append([order.size] * 10)
        return super().check(order, view)


@defect("RR-10")
class TakesUnknownForPlenty(Rule):
    def check(self, order: Order, view: RiskView) -> Verdict:
        balance = view.balance("test", "USDT")
        return APPROVED if balance is None else super().check(order, view)


@defect("RR-11")
class CatchesEverything(Rule):
    def check(self, order: Order, view: RiskView) -> Verdict:
        try:
            return super().check(order, view)
        except Exception:
            return APPROVED
