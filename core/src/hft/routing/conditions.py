"""What the router knows of an exchange beside its books."""

from __future__ import annotations

import sys
from collections.abc import Callable
from decimal import Decimal

import attrs

from hft.latency import Histogram

__all__ = ["ExchangeConditions"]


def _always() -> bool:
    return True


def _unlimited() -> int:
    return sys.maxsize


@attrs.define(kw_only=True)
class ExchangeConditions:
    """On what terms an exchange of the profile takes orders, one object for all strategies of the process.

    ``taker_fee`` is the rate that the account pays. ``ready`` says whether orders can be sent, ``budget``
    how many may be sent now under the published rate limits. ``pool`` is the same for two keys that are
    two accounts of one exchange: their books show the same lots, which can be had once; empty for none.
    ``acknowledgements`` is how long the exchange took to answer the router's orders.
    """

    taker_fee: Decimal
    ready: Callable[[], bool] = _always
    budget: Callable[[], int] = _unlimited
    pool: str = ""
    acknowledgements: Histogram = attrs.Factory(Histogram)
    _counted: int = 0
    _latency_ns: int = 0

    @property
    def latency_ns(self) -> int:
        """The median time until the exchange's answer, 0 before the first."""
        counted = self.acknowledgements.count
        if counted != self._counted:
            self._counted = counted
            self._latency_ns = self.acknowledgements.percentile_ns(50) or 0
        return self._latency_ns
