"""Ask every risk rule, in the order of the profile, before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs

from hft.blame import blamed, why
from hft.order import Order
from hft.plugin.execution import ApprovedOrder
from hft.plugin.risk import APPROVED, Approved, Refused, RiskRule, RiskView
from hft.types import Price, Size

__all__ = ["RiskEngine"]


class RiskEngine:
    """Approves what every rule approves; the only maker of `ApprovedOrder`.

    ``rules`` are pairs of a name and a rule, in the order of the profile. The first refusal ends the
    chain; its reason begins with the rule's name. A rule that raises, or answers anything that is not
    a verdict, refuses the order and calls ``on_halt(reason)``: what cannot be checked is not sent.
    """

    def __init__(
        self, rules: Iterable[tuple[str, RiskRule[Any]]], view: RiskView, on_halt: Callable[[str], None]
    ) -> None:
        self._rules = tuple(rules)
        # Answers are taken for anything at all: a plugin need not keep to its types.
        self._checks: list[tuple[str, Callable[[Order, RiskView], object]]]
        self._checks = [(name, rule.check) for name, rule in self._rules]
        self._view = view
        self._on_halt = on_halt

    def start(self) -> None:
        """Let the rules prepare, once the instruments are known; raise `UsageError` if one cannot."""
        for name, rule in self._rules:
            with blamed(f"risk rule {name!r}", type(rule)):
                rule.on_start(self._view)

    def approve(self, order: Order) -> ApprovedOrder | Refused:
        """Judge a new order."""
        return self._refusal(order) or ApprovedOrder(order)

    def approve_amendment(self, order: Order, price: Price, size: Size) -> ApprovedOrder | Refused:
        """Judge an open order as it is to be; what is approved is the order, not yet changed."""
        wanted = attrs.evolve(order, price=price, size=size)
        return self._refusal(wanted) or ApprovedOrder(order)

    def _refusal(self, order: Order) -> Refused | None:
        view = self._view
        for name, check in self._checks:
            try:
                verdict = check(order, view)
            except Exception as error:
                return self._fail(name, f"raised {why(error, check.__module__)}")
            if verdict is APPROVED:
                continue
            if isinstance(verdict, Refused):
                return Refused(f"{name}: {verdict.reason}")
            if not isinstance(verdict, Approved):
                return self._fail(name, f"answered {verdict!r}, which is no verdict")
        return None

    def _fail(self, name: str, what: str) -> Refused:
        reason = f"risk rule {name!r} {what}"
        self._on_halt(reason)
        return Refused(f"{name}: {reason}")
