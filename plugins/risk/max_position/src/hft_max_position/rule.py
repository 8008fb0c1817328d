"""Refuse orders that would take a position past its limit."""

from __future__ import annotations

from hft import (
    APPROVED,
    Instrument,
    Order,
    Refusal,
    Refused,
    RiskRule,
    RiskView,
    Side,
    Size,
    Verdict,
)
from hft_max_position.config import Config

__all__ = ["Code", "MaxPosition"]


class Code(Refusal):
    """Why `MaxPosition` refuses."""

    LIMIT = "limit", "the position could pass its limit"


class MaxPosition(RiskRule[Config]):
    """Refuse an order whose fill would leave the position beyond ``limit``, long or short.

    Open orders of the same side count as filled, so two orders that fit singly must fit together. An
    order that brings a position back which is beyond the limit already is approved: it is what is
    wanted. In hedge mode the position is the net of long and short.
    """

    refusals = Code

    _instrument: Instrument
    _limit: Size

    def on_start(self, view: RiskView) -> None:
        config = self.config
        self._instrument = instrument = view.instrument(config.instrument)
        self._limit = instrument.size_option(config.limit, "max_position: limit")

    def check(self, order: Order, view: RiskView) -> Verdict:
        instrument = self._instrument
        if order.instrument is not instrument:
            return APPROVED
        after = view.worst_case_position(order)
        if after <= self._limit if order.side is Side.BUY else after >= -self._limit:
            return APPROVED
        limit, position = instrument.format_size(self._limit), instrument.format_size(after)
        return Refused(f"position in {instrument} would be {position}, limit is {limit}", Code.LIMIT)
