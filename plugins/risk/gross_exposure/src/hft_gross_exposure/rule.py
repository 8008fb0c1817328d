"""Refuse orders that would take the value of all positions past its limit."""

from __future__ import annotations

from hft import (
    APPROVED,
    Amount,
    Order,
    Refusal,
    Refused,
    RiskRule,
    RiskView,
    Verdict,
    amount_to_decimal,
)
from hft_gross_exposure.config import Config

__all__ = ["Code", "GrossExposure"]


class Code(Refusal):
    """Why `GrossExposure` refuses."""

    LIMIT = "limit", "the value of all positions could pass its limit"
    NO_MARK = "no-mark", "something that is held or ordered cannot be valued: its book never had both sides"


class GrossExposure(RiskRule[Config]):
    """Refuse an order that raises the gross exposure of its settlement asset beyond ``limit``.

    Positions that the market has taken beyond the limit are not closed: only what raises the exposure
    further is refused.
    """

    refusals = Code

    _asset: str
    _limit: Amount

    def on_start(self, view: RiskView) -> None:
        self._asset, self._limit = self.config.limit.asset, self.config.limit.amount
        view.settled_in(self._asset)

    def check(self, order: Order, view: RiskView) -> Verdict:
        if order.instrument.settle != self._asset:
            return APPROVED
        growth = view.exposure_growth(order)
        if growth == 0:
            return APPROVED
        exposure = view.gross_exposure(self._asset)
        if growth is None or exposure is None:
            return Refused(f"exposure in {self._asset} cannot be valued, a book has no middle", Code.NO_MARK)
        if exposure + growth <= self._limit:
            return APPROVED
        after = amount_to_decimal(exposure + growth)
        return Refused(f"exposure would be {after:f} {self._asset}, limit is {self.config.limit}", Code.LIMIT)
