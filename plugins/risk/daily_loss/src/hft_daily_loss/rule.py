"""Halt trading when the day has lost too much."""

from __future__ import annotations

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
    Verdict,
    amount_to_decimal,
)
from hft_daily_loss.config import Config

__all__ = ["Code", "DailyLoss"]


class Code(Refusal):
    """Why `DailyLoss` refuses."""

    LIMIT = "limit", "the day has lost as much as it may"


class DailyLoss(RiskRule[Config]):
    """Halt trading when the loss of the day reaches ``limit``.

    It is net profit since the day began, realized and unrealized, less fees, with funding, in the asset of
    the limit; fees that were paid in another asset are not in it.
    """

    refusals = Code

    _asset: str
    _floor: Amount

    def on_start(self, view: RiskView) -> None:
        self._asset, self._floor = self.config.limit.asset, Amount(-self.config.limit.amount)
        view.settled_in(self._asset)

    def check(self, order: Order, view: RiskView) -> Verdict:
        profit = view.profit_today(self._asset)
        return APPROVED if profit > self._floor else Refused(self._reason(profit), Code.LIMIT)

    def review(self, view: RiskView) -> Review:
        profit = view.profit_today(self._asset)
        return APPROVED if profit > self._floor else Halt(self._reason(profit), self.config.flatten)

    def _reason(self, profit: Amount) -> str:
        return f"today's loss is {amount_to_decimal(-profit):f} {self._asset}, limit is {self.config.limit}"
