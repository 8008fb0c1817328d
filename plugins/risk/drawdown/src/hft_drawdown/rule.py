"""Halt trading when the profit has fallen too far below its highest."""

from __future__ import annotations

from fractions import Fraction

from hft import (
    APPROVED,
    Amount,
    Halt,
    Order,
    Refusal,
    Refused,
    Review,
    RiskRule,
    RiskView,
    UsageError,
    Verdict,
    amount_to_decimal,
    to_amount,
)
from hft_drawdown.config import Config

__all__ = ["Code", "Drawdown"]


class Code(Refusal):
    """Why `Drawdown` refuses."""

    LIMIT = "limit", "the profit has fallen as far below its highest as it may"


class Drawdown(RiskRule[Config]):
    """Halt trading when the net profit is ``limit``, or ``percent``, below the highest it was.

    The highest is what this rule has seen, at least 0; it is kept across restarts, and begins anew when a
    person resets the kill switch.
    """

    refusals = Code

    _asset: str
    _limit: Amount | None
    _capital: Amount
    _numerator: int
    _denominator: int

    def on_start(self, view: RiskView) -> None:
        config = self.config
        self._asset = config.asset
        view.settled_in(config.asset)
        if config.limit is None and config.percent is None:
            raise UsageError("drawdown: there is no limit, give 'limit', or 'percent' and 'capital'")
        if (config.percent is None) is not (config.capital is None):
            raise UsageError("drawdown: 'percent' is of 'capital', give both or neither")
        self._limit = None if config.limit is None else to_amount(config.limit)
        self._capital, self._numerator, self._denominator = Amount(0), 0, 0
        if config.percent is not None and config.capital is not None:
            self._capital = to_amount(config.capital)
            self._numerator, self._denominator = (Fraction(config.percent) / 100).as_integer_ratio()

    def check(self, order: Order, view: RiskView) -> Verdict:
        reason = self._reached(view)
        return Refused(reason, Code.LIMIT) if reason else APPROVED

    def review(self, view: RiskView) -> Review:
        reason = self._reached(view)
        return Halt(reason, self.config.flatten) if reason else APPROVED

    def _reached(self, view: RiskView) -> str:
        peak = view.peak_profit(self._asset)
        fall = peak - view.net_profit(self._asset)
        if self._limit is not None and fall >= self._limit:
            limit = f"{self.config.limit:f} {self._asset}"
        elif self._denominator and fall * self._denominator >= (self._capital + peak) * self._numerator:
            limit = f"{self.config.percent:f}% of {amount_to_decimal(self._capital + peak):f} {self._asset}"
        else:
            return ""
        return (
            f"profit is {amount_to_decimal(fall):f} {self._asset} below its highest of"
            f" {amount_to_decimal(peak):f}, limit is {limit}"
        )
