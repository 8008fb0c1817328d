"""Refuse orders that come too fast."""

from __future__ import annotations

from collections import deque

from hft import APPROVED, Order, Refusal, Refused, RiskRule, RiskView, Verdict
from hft_order_rate.config import Config

__all__ = ["Code", "OrderRate"]


class Code(Refusal):
    """Why `OrderRate` refuses."""

    TOO_FAST = "too-fast", "as many orders and amendments were approved within the interval as may be"


class OrderRate(RiskRule[Config]):
    """Refuse an order or amendment that would be one too many in any interval that ends now.

    What this rule approved counts, also what a later rule of the profile then refused.
    """

    refusals = Code

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._approved: deque[int] = deque(maxlen=config.limit)

    def check(self, order: Order, view: RiskView) -> Verdict:
        now_ns, approved, limit = view.now_ns, self._approved, self.config.limit
        if len(approved) == limit and now_ns - approved[0] < self.config.interval:
            seconds = self.config.interval / 1e9
            return Refused(f"{limit} orders and amendments in {seconds:g} s are the limit", Code.TOO_FAST)
        approved.append(now_ns)
        return APPROVED
