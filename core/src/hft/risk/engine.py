"""Ask every risk rule: before anything is sent, and whenever the account has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from hft.blame import blamed, why
from hft.clock import Clock, Timer
from hft.events import Fill
from hft.instrument import Instrument
from hft.order import Order
from hft.plugin.execution import ApprovedOrder
from hft.plugin.risk import APPROVED, Approved, Halt, KernelRefusal, Refusal, Refused, RiskRule, RiskView
from hft.primitives import copied
from hft.risk.view import AccountView
from hft.types import PositionSide, Price, Size

__all__ = ["RiskEngine", "RiskGate"]


class RiskGate:
    """What orders have to pass before they are sent: by itself, until there is a risk engine, none does."""

    def approve(self, order: Order) -> ApprovedOrder | Refused:
        """Judge a new order."""
        return Refused("risk: there is no risk engine")

    def approve_amendment(self, order: Order, price: Price, size: Size) -> ApprovedOrder | Refused:
        """Judge an open order as it is to be; what is approved is the order, not yet changed."""
        return Refused("risk: there is no risk engine")

    def approve_closing(self, order: Order) -> ApprovedOrder | Refused:
        """Judge an order that is to do nothing but close a position."""
        return Refused("risk: there is no risk engine")

    def on_fill(self, fill: Fill) -> None:
        """Learn of a fill that the ledger has booked."""


class RiskEngine(RiskGate):
    """Approves what every rule approves; the only maker of `ApprovedOrder`.

    ``rules`` are pairs of a name and a rule, in the order of the profile. The first refusal ends the
    chain; its reason begins with the rule's name, and ``refused`` counts it by name and code. A rule that
    raises, or answers anything that is not a verdict, refuses the order and calls ``on_halt``: what cannot
    be checked is not sent.

    `on_fill`, `on_mark` and `on_account` are called when the account has changed. They cost nothing unless
    a rule overrides `RiskRule.review` (``reviews``). The first `Halt` goes to ``on_halt``, once; from then
    on nothing is reviewed and nothing approved but what closes a position.

    With such rules, each day begins on time from `start` until `stop`.
    """

    def __init__(
        self,
        rules: Iterable[tuple[str, RiskRule[Any]]],
        view: AccountView,
        on_halt: Callable[[Halt], None],
        clock: Clock,
    ) -> None:
        self.refused: dict[str, int] = {}
        self._rules = tuple(rules)
        # Answers are taken for anything at all: a plugin need not keep to its types.
        self._checks: list[tuple[str, Callable[[Order, RiskView], object]]]
        self._checks = [(name, rule.check) for name, rule in self._rules]
        self._reviews: list[tuple[str, Callable[[RiskView], object]]]
        self._reviews = [
            (name, rule.review) for name, rule in self._rules if type(rule).review is not RiskRule.review
        ]
        self._view = view
        self._on_halt = on_halt
        self._clock = clock
        self._halted = False
        self._midnight: Timer | None = None

    @property
    def reviews(self) -> bool:
        """Whether any rule wants to know of fills and marks."""
        return bool(self._reviews)

    def start(self) -> None:
        """Let the rules prepare, once the instruments are known; raise `UsageError` if one cannot."""
        for name, rule in self._rules:
            with blamed(f"risk rule {name!r}", type(rule)):
                rule.on_start(self._view)
        if self._reviews:
            self._begin_day()

    def stop(self) -> None:
        """Leave nothing on the clock."""
        if self._midnight is not None:
            self._midnight.cancel()

    # -- orders ----------------------------------------------------------------------------------

    def approve(self, order: Order) -> ApprovedOrder | Refused:
        """Judge a new order."""
        refusal = self._refusal(order) if self._checks else None
        return refusal or _approved(order)

    def approve_amendment(self, order: Order, price: Price, size: Size) -> ApprovedOrder | Refused:
        """Judge an open order as it is to be; what is approved is the order, not yet changed."""
        refusal = self._refusal(_changed(order, price, size)) if self._checks else None
        return refusal or _approved(order)

    def approve_closing(self, order: Order) -> ApprovedOrder | Refused:
        """Judge an order that is to flatten a position, by no rule but this: it can do nothing else.

        Limits do not keep anybody in a position. The order is of the other side and, unless it is
        reduce-only or of a hedge mode's position side, does not reach beyond flat if all else that is open
        fills with it.
        """
        view, side, position_side = self._view, order.side, order.position_side
        hedged = position_side is not PositionSide.BOTH
        held = (
            view.position_of(order.instrument, position_side) if hedged else view.position(order.instrument)
        )
        if held * side.sign < 0:
            bounded = hedged or order.reduce_only
            after = held + side.sign * order.size if bounded else view.worst_case_position(order)
            if order.reduce_only or after * side.sign <= 0:
                return _approved(order)
        size, position = order.instrument.format_size(order.size), order.instrument.format_size(held)
        return self._refuse(
            "closing",
            f"{side} of {size} {order.instrument} could do more than close a position of {position}",
            KernelRefusal.NOT_CLOSING,
        )

    def _refusal(self, order: Order) -> Refused | None:
        view = self._view
        for name, check in self._checks:
            try:
                verdict = check(order, view)
            except Exception as error:  # a rule may raise anything, and then nothing may be sent
                return self._fail(name, f"raised {why(error, check.__module__)}")
            if verdict is APPROVED:
                continue
            if isinstance(verdict, Refused):
                return self._refuse(name, verdict.reason, verdict.code)
            if not isinstance(verdict, Approved):
                return self._fail(name, f"answered {verdict!r}, which is no verdict")
        return None

    def _refuse(self, name: str, reason: str, code: Refusal) -> Refused:
        key = f"{name}: {code}"
        self.refused[key] = self.refused.get(key, 0) + 1
        return Refused(f"{name}: {reason}", code)

    # -- the account -----------------------------------------------------------------------------

    def on_fill(self, fill: Fill) -> None:
        """Review the account after the ledger has booked a fill."""
        if self._reviews:
            self._view.revalue(fill.instrument)
            self._review()

    def on_mark(self, instrument: Instrument) -> None:
        """Review the account after a book has changed, if that changed what anything is worth."""
        if self._reviews and self._view.revalue(instrument):
            self._review()

    def on_account(self) -> None:
        """Review the account after funding, a balance report or an adjustment."""
        if self._reviews:
            self._review()

    def _review(self) -> None:
        if self._halted:
            return
        view = self._view
        for name, review in self._reviews:
            try:
                verdict = review(view)
            except Exception as error:  # as above
                self._fail(name, f"raised {why(error, review.__module__)}")
                return
            if verdict is APPROVED:
                continue
            if isinstance(verdict, Halt):
                self._halt(Halt(f"{name}: {verdict.reason}", verdict.flatten))
                return
            if not isinstance(verdict, Approved):
                self._fail(name, f"answered {verdict!r}, which is no verdict")
                return

    # -- stopping --------------------------------------------------------------------------------

    def _fail(self, name: str, what: str) -> Refused:
        reason = f"risk rule {name!r} {what}"
        self._halt(Halt(reason))
        return self._refuse(name, reason, KernelRefusal.RULE_FAILED)

    def _halt(self, halt: Halt) -> None:
        if not self._halted:
            self._halted = True
            self._checks = [("halted", lambda order, view: Refused(halt.reason, KernelRefusal.HALTED))]
            self._on_halt(halt)

    def _begin_day(self) -> None:
        self._midnight = self._clock.call_at(self._view.roll_day(), self._begin_day)


def _changed(order: Order, price: Price, size: Size) -> Order:
    changed = copied(order)
    changed.price, changed.size = price, size
    return changed


def _approved(order: Order) -> ApprovedOrder:
    # What `ApprovedOrder(order)` returns, without its call.
    return order  # type: ignore[return-value]
