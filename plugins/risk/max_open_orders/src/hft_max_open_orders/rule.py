"""Refuse orders when too many are open."""

from __future__ import annotations

from hft import (
    APPROVED,
    Instrument,
    Order,
    OrderState,
    Refusal,
    Refused,
    RiskRule,
    RiskView,
    Verdict,
)
from hft_max_open_orders.config import Config

__all__ = ["Code", "MaxOpenOrders"]


class Code(Refusal):
    """Why `MaxOpenOrders` refuses."""

    TOO_MANY = "too-many", "as many orders are open as may be"


class MaxOpenOrders(RiskRule[Config]):
    """Refuse a new order while ``limit`` orders may still trade, UNKNOWN ones included.

    An amendment is approved: it adds no order.
    """

    refusals = Code

    _instrument: Instrument | None = None

    def on_start(self, view: RiskView) -> None:
        if self.config.instrument is not None:
            self._instrument = view.instrument(self.config.instrument)

    def check(self, order: Order, view: RiskView) -> Verdict:
        instrument = self._instrument
        if instrument is not None and order.instrument is not instrument:
            return APPROVED
        count = view.open_order_count(instrument)
        if count < self.config.limit or order.state is not OrderState.PENDING_NEW:
            return APPROVED
        of = "" if instrument is None else f" of {instrument}"
        return Refused(f"{count} orders{of} are open, limit is {self.config.limit}", Code.TOO_MANY)
