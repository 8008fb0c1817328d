"""The suite of risk rules."""

from __future__ import annotations

import contextlib
import inspect
import random
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

from hft.clock import SimulatedClock
from hft.errors import UsageError
from hft.order import Order
from hft.plugin.risk import Approved, Halt, Refused, RiskRule
from hft.profile.model import LoadedPlugin
from hft.registry.discovery import PluginKind
from hft.testing.conformance.cards import Subject, Suite, card, loaded
from hft.testing.conformance.purity import counted_calls, watched
from hft.testing.trading import FakeRiskView, make_instrument, make_market, set_book
from hft.types import OrderState, Price, Side, Size

__all__ = ["RiskRuleSuite", "RiskScene", "RuleUnderTest"]

NS_PER_S = 1_000_000_000

_SEQUENCES = 20
_ORDERS = 15
_OPEN = 10
_MOST_CALLS = 250
"""Of a check with ten open orders, the view's left aside; a call costs about a tenth of a microsecond."""

_VIEW_FILES = frozenset(str(Path(inspect.getfile(each))) for each in (FakeRiskView, SimulatedClock))

_MOST_GROWTH = 64 * 1024
"""Bytes that two thousand checks may leave behind."""

_UNKNOWN = ("mark", "value", "balance", "equity", "gross_exposure", "exposure_growth")


class RiskScene:
    """An account with money and no orders, in markets ``BTC/USDT`` and ``ETH/USDT`` of exchange ``test``.

    ``view`` is what the rule sees; change it as a test needs it.
    """

    def __init__(self, view: type[FakeRiskView] = FakeRiskView) -> None:
        self.markets = [
            make_market(make_instrument(symbol), bids=[(bid, "2")], asks=[(ask, "2")])
            for symbol, bid, ask in (("BTC/USDT", "99.99", "100.01"), ("ETH/USDT", "9.99", "10.01"))
        ]
        self.view = view(self.markets)
        self.view.balances |= {("test", "USDT"): Decimal(1_000_000), ("test", "BTC"): Decimal(1_000)}
        self.view.balances["test", "ETH"] = Decimal(1_000)
        self.view.equities["USDT"] = Decimal(1_000_000)
        self._number = 0

    def order(self, **changes: Any) -> Order:
        """Make an order to buy a little of the first market, near its price."""
        self._number += 1
        values: dict[str, Any] = {
            "client_order_id": f"order{self._number}",
            "strategy": "kit",
            "instrument": self.markets[0].instrument,
            "side": Side.BUY,
            "size": Size(10),
            "price": Price(9_999),
            "state": OrderState.PENDING_NEW,
        }
        return Order(**(values | changes))

    def open(self, **changes: Any) -> Order:
        """Make an order that is open."""
        order = self.order(**{"state": OrderState.NEW, **changes})
        self.view.orders.append(order)
        return order

    def shake(self, rng: random.Random) -> None:
        """Let anything happen: trades, prices, profits, time."""
        view = self.view
        market = rng.choice(self.markets)
        match rng.randrange(6):
            case 0:
                view.positions[market.instrument] = Size(rng.randint(-(10**6), 10**6))
            case 1:
                mid = rng.randint(500, 20_000)
                bid, ask = (f"{(mid + move) / 100:.2f}" for move in (-rng.randint(1, 50), rng.randint(1, 50)))
                set_book(market, [(bid, "3")] if rng.random() < 0.9 else [], [(ask, "3")])
            case 2:
                profit = Decimal(rng.randint(-10_000, 10_000))
                view.profits["USDT"], view.profits_today["USDT"] = profit, profit / 2
                view.peaks["USDT"] = max(view.peaks.get("USDT", Decimal(0)), profit)
            case 3:
                view.balances["test", rng.choice(("USDT", "BTC", "ETH"))] = Decimal(rng.randint(0, 10**6))
            case 4:
                if len(view.orders) < _OPEN:
                    self.open(
                        instrument=market.instrument,
                        side=rng.choice(tuple(Side)),
                        size=Size(rng.randint(1, 10**5)),
                    )
                else:
                    view.orders.pop(0)
            case _:
                view.clock.advance(rng.randint(1, 2 * NS_PER_S))

    def any_order(self, rng: random.Random) -> Order:
        """Make any order."""
        market = rng.choice(self.markets)
        best = market.book.best_bid or 1_000
        return self.order(
            instrument=market.instrument,
            side=rng.choice(tuple(Side)),
            size=Size(int(10 ** rng.uniform(0, 7))),
            price=Price(max(1, int(best * rng.uniform(0.5, 1.5)))),
        )


def _loaded(plugin: str | LoadedPlugin) -> LoadedPlugin:
    return loaded(PluginKind.RISK, plugin)


@attrs.frozen(kw_only=True, eq=False)
class RuleUnderTest(Subject):
    """A risk rule as the suite runs it.

    ``plugin`` is the name of its entry point, ``config`` are the keys of its ``Config``. ``breach`` brings a
    scene to where the rule must halt, and returns orders that are checked one after the other, the last of
    which it must refuse. An order of `RiskScene.order` as it is must be approved in a scene as it is.
    """

    plugin: LoadedPlugin = attrs.field(converter=_loaded)
    breach: Callable[[RiskScene], Sequence[Order]]
    config: Mapping[str, Any] = attrs.Factory(dict)

    @property
    def name(self) -> str:  # type: ignore[override]  # an attribute that is computed
        """What the report calls it."""
        return self.plugin.name

    @property
    def rule(self) -> type[RiskRule[Any]]:
        """Its class."""
        rule = self.plugin.risk_rule()
        assert rule is not None, "the plugin does not implement hft_risk_rule"
        return rule

    @property
    def reviews(self) -> bool:
        """Whether it is about the account as well."""
        return self.rule.review is not RiskRule.review

    def lacks(self, need: str) -> bool:
        return need not in self.declared()

    def declared(self) -> list[str]:
        return ["review"] * self.reviews

    def make(self, scene: RiskScene) -> RiskRule[Any]:
        """Make the rule, ready for a scene."""
        rule = self.rule(self.rule.Config(**self.config))
        rule.on_start(scene.view)
        return rule


class RiskRuleSuite(Suite, about="risk rule", number_of_cards=11, fixtures=("rule",)):
    """What a `RiskRule` has to hold. The one fixture is ``rule``, a `RuleUnderTest`."""

    def subject(self, request: pytest.FixtureRequest) -> RuleUnderTest:
        """Return the rule."""
        rule: RuleUnderTest = request.getfixturevalue("rule")
        return rule

    @card("RR-01")
    def test_what_cannot_be_held_is_said_at_the_start(self, rule: RuleUnderTest) -> None:
        """`on_start` raises `UsageError` for a limit that cannot be held, and nothing else.

        Setup: a run that trades other instruments, of another exchange, than the config names.
        Action: the rule starts.
        Holds: it starts, because it names none, or raises `UsageError`.
        """
        scene = RiskScene()
        stranger = make_market(make_instrument("XRP/EUR", "other"))
        scene.view.markets = {stranger.instrument.id: stranger}
        with contextlib.suppress(UsageError):
            rule.make(scene)

    @card("RR-02")
    def test_it_approves_what_is_within_its_limit(self, rule: RuleUnderTest) -> None:
        """A rule refuses what breaks its limit, and nothing else.

        Setup: an account with money, without positions and orders.
        Action: a small order near the price is checked, and the account reviewed.
        Holds: both are approved.
        """
        scene = RiskScene()
        made = rule.make(scene)
        assert isinstance(made.check(scene.order(), scene.view), Approved)
        assert isinstance(made.review(scene.view), Approved)

    @card("RR-03")
    def test_it_refuses_what_it_is_there_for(self, rule: RuleUnderTest) -> None:
        """What breaks the limit is `Refused`, with the figures and a code of the rule's own.

        Setup: the author's ``breach``.
        Action: its orders are checked.
        Holds: the last is refused, with a reason of one line and one of ``refusals``.
        """
        scene = RiskScene()
        made = rule.make(scene)
        *_, verdict = [made.check(order, scene.view) for order in rule.breach(scene)]
        assert isinstance(verdict, Refused), verdict
        assert verdict.reason
        assert "\n" not in verdict.reason
        assert rule.rule.refusals is not None, "the rule names no codes"
        assert verdict.code in rule.rule.refusals
        assert all(code.doc for code in rule.rule.refusals)

    @card("RR-04", "review")
    def test_it_halts_when_the_account_is_beyond_its_limit(self, rule: RuleUnderTest) -> None:
        """A rule about the account halts trading by itself, also when nothing is ordered.

        Setup: the author's ``breach``.
        Action: the account is reviewed.
        Holds: the answer is `Halt`, with a reason of one line.
        """
        scene = RiskScene()
        made = rule.make(scene)
        rule.breach(scene)
        review = made.review(scene.view)
        assert isinstance(review, Halt), review
        assert review.reason
        assert "\n" not in review.reason

    @card("RR-05")
    def test_every_answer_is_a_verdict(self, rule: RuleUnderTest) -> None:
        """A verdict is `APPROVED` or `Refused`, a review `APPROVED` or `Halt`; never None, never a bool.

        Setup: accounts in every state, with the book of a market empty at times.
        Action: orders of every kind are checked, and the account is reviewed.
        Holds: every answer is a verdict; nothing is raised.
        """
        for made, scene, rng in _sequences(rule):
            verdict: object = made.check(scene.any_order(rng), scene.view)
            assert isinstance(verdict, (Approved, Refused)), verdict
            if isinstance(verdict, Refused):
                assert verdict.reason
            review: object = made.review(scene.view)
            assert isinstance(review, (Approved, Halt)), review

    @card("RR-06")
    def test_it_changes_nothing(self, rule: RuleUnderTest) -> None:
        """`check` and `review` are pure: they change neither order nor account.

        Setup: accounts in every state.
        Action: orders of every kind are checked, and the account is reviewed.
        Holds: order, positions, orders, money and books are afterwards as before.
        """
        for made, scene, rng in _sequences(rule):
            order = scene.any_order(rng)
            before = _everything(scene, order)
            made.check(order, scene.view)
            made.review(scene.view)
            assert _everything(scene, order) == before

    @card("RR-07")
    def test_it_judges_alike(self, rule: RuleUnderTest) -> None:
        """The same orders in the same account get the same verdicts.

        Setup: two of the rule, and the same accounts for both.
        Action: both are asked the same.
        Holds: they answer the same, word for word.
        """
        for first, second in zip(_sequences(rule), _sequences(rule), strict=True):
            answers = []
            for made, scene, rng in (first, second):
                answers.append((made.check(scene.any_order(rng), scene.view), made.review(scene.view)))
            assert answers[0] == answers[1]

    @card("RR-08")
    def test_it_does_nothing_but_compute(self, rule: RuleUnderTest) -> None:
        """A rule does no I/O, never waits, and asks the view for the time, not the system.

        Setup: accounts in every state.
        Action: orders of every kind are checked, and the account is reviewed, while everything is watched.
        Holds: no file, socket, process, thread, printing, sleeping, system time or random number is used.
        """
        # What is imported only when it is needed is read from disk the first time.
        for made, scene, rng in _sequences(rule):
            made.check(scene.any_order(rng), scene.view)
            made.review(scene.view)
        with watched() as found:
            for made, scene, rng in _sequences(rule):
                made.check(scene.any_order(rng), scene.view)
                made.review(scene.view)
        assert not found, found[:3]

    @card("RR-09")
    def test_it_is_quick(self, rule: RuleUnderTest) -> None:
        """A check takes a microsecond or two; it is on the path of every order.

        Setup: an account with ten open orders.
        Action: two thousand orders are checked.
        Holds: a check makes at most 250 calls of functions beside the view's, and keeps nothing for ever.
        """
        scene = RiskScene()
        made = rule.make(scene)
        for _ in range(_OPEN):
            scene.open()
        orders = [scene.order() for _ in range(1_000)]

        def check_all() -> None:
            for order in orders:
                made.check(order, scene.view)
                scene.view.clock.advance(1_000_000)

        calls = counted_calls(check_all, besides=_VIEW_FILES) / len(orders)
        assert calls <= _MOST_CALLS, f"{calls:.0f} calls a check"
        tracemalloc.start()
        try:
            check_all()
            before = tracemalloc.get_traced_memory()[0]
            check_all()
            check_all()
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        assert grown <= _MOST_GROWTH, f"{grown} bytes are kept of 2,000 checks"

    @card("RR-10")
    def test_what_is_not_known_is_refused(self, rule: RuleUnderTest) -> None:
        """A figure that is not known is None, and a rule that needs it refuses.

        Setup: an account whose marks, values, balances and exposures are not known, its books empty.
        Action: the last order of the author's ``breach`` is checked, and others.
        Holds: where such a figure was asked for, the order is not approved.
        """
        for breach in (rule.breach, lambda scene: [scene.order()]):
            scene = RiskScene(_UnknownView)
            made = rule.make(scene)
            *_, order = breach(scene)
            view = scene.view
            assert isinstance(view, _UnknownView)
            for market in scene.markets:
                market.book.clear()
            view.asked.clear()
            verdict = made.check(order, view)
            if view.asked:
                assert isinstance(verdict, Refused), f"approved although {view.asked} are not known"

    @card("RR-11")
    def test_what_fails_is_not_approved(self, rule: RuleUnderTest) -> None:
        """A rule lets what fails be seen: one that raises refuses the order and halts trading.

        Setup: a view every part of which raises, as a bug would.
        Action: an order is checked, and the account is reviewed.
        Holds: where the view was asked anything, the error is raised or the order refused, never approved.
        """
        for ask in ("check", "review"):
            scene = RiskScene()
            made = rule.make(scene)
            *_, order = rule.breach(scene)
            view = _BrokenView(scene.view)
            try:
                # It is no view, but whatever is asked of it.
                answer = made.check(order, view) if ask == "check" else made.review(view)  # type: ignore[arg-type]
            except _BugError:
                continue
            if view.asked:
                assert not isinstance(answer, Approved), f"approved although {view.asked} failed"


class _UnknownView(FakeRiskView):
    """A view whose optional figures are all unknown, and that notes which were asked for."""

    def __init__(self, markets: Any) -> None:
        super().__init__(markets)
        self.asked: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if name not in _UNKNOWN:
            return super().__getattribute__(name)
        self.asked.append(name)
        return lambda *_: None


class _BugError(Exception):
    """What a broken view raises."""


class _BrokenView:
    """A view that raises whatever it is asked."""

    def __init__(self, view: FakeRiskView) -> None:
        self.asked: list[str] = []
        self._view = view

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        raise _BugError(name)


def _sequences(rule: RuleUnderTest) -> Iterator[tuple[RiskRule[Any], RiskScene, random.Random]]:
    """Yield a rule in one account after the other, each changing from step to step; always the same."""
    for seed in range(_SEQUENCES):
        rng = random.Random(seed)
        scene = RiskScene()
        made = rule.make(scene)
        for _ in range(_ORDERS):
            for _ in range(rng.randint(1, 4)):
                scene.shake(rng)
            yield made, scene, rng


def _everything(scene: RiskScene, order: Order) -> list[Any]:
    view = scene.view
    return [
        _fields(order),
        [_fields(each) for each in view.orders],
        *(dict(each) for each in (view.positions, view.sides, view.profits, view.profits_today)),
        *(dict(each) for each in (view.peaks, view.balances, view.equities)),
        view.now_ns,
        [(market.book.state, market.book.bids(9), market.book.asks(9)) for market in scene.markets],
    ]


def _fields(order: Order) -> dict[str, Any]:
    return attrs.asdict(order, recurse=False)
