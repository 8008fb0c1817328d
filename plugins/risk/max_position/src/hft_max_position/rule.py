"""Refuse orders that would take a position past its limit."""

from __future__ import annotations

from hft import (
    APPROVED,
    GridError,
    Instrument,
    Order,
    Refused,
    RiskRule,
    RiskView,
    Side,
    Size,
    UsageError,
    Verdict,
)
from hft_max_position.config import Config

__all__ = ["MaxPosition"]


class MaxPosition(RiskRule[Config]):
    """Refuse an order whose fill would leave the position beyond ``limit``, long or short.

    Open orders of the same side count as filled, so two orders that fit singly must fit together. An
    order that brings a position back which is beyond the limit already is approved: it is what is
    wanted.
    """

    _instrument: Instrument
    _limit: Size

    def on_start(self, view: RiskView) -> None:
        config = self.config
        self._instrument = instrument = view.instrument(config.instrument)
        try:
            self._limit = instrument.size(f"{config.limit:f}")
        except GridError:
            raise UsageError(
                f"max_position: limit {config.limit} of {instrument} is not a multiple of its lot size"
                f" {instrument.lot_size:f}, write it as one"
            ) from None

    def check(self, order: Order, view: RiskView) -> Verdict:
        instrument = self._instrument
        if order.instrument is not instrument:
            return APPROVED
        after = view.worst_case_position(order)
        if after <= self._limit if order.side is Side.BUY else after >= -self._limit:
            return APPROVED
        limit, position = instrument.format_size(self._limit), instrument.format_size(after)
        return Refused(f"position in {instrument} would be {position}, limit is {limit}")
