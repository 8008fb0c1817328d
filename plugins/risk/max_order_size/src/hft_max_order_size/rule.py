"""Refuse orders that are larger than one order may be."""

from __future__ import annotations

from decimal import ROUND_FLOOR

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
    UsageError,
    Verdict,
)
from hft_max_order_size.config import Config

__all__ = ["Code", "MaxOrderSize"]


class Code(Refusal):
    """Why `MaxOrderSize` refuses."""

    SIZE = "size", "the order is larger than one order may be"
    NOTIONAL = "notional", "the order is worth more than one order may be"
    NO_PRICE = "no-price", "a market order that meets an empty book cannot be valued"


class MaxOrderSize(RiskRule[Config]):
    """Refuse an order, or an amendment to one, whose size or value is beyond its limit.

    The whole size counts, also of what has traded of it. A market order is valued at the best price it
    can meet; one that meets an empty book cannot be valued and is refused where values are limited.
    """

    refusals = Code

    _instrument: Instrument
    _limit: Size | None
    _value_limit: int | None

    def on_start(self, view: RiskView) -> None:
        config = self.config
        self._instrument = instrument = view.instrument(config.instrument)
        if config.limit is None and config.notional_limit is None:
            raise UsageError("max_order_size: there is no limit, give 'limit', 'notional_limit' or both")
        self._limit = None
        if config.limit is not None:
            self._limit = instrument.size_option(config.limit, "max_order_size: limit")
        self._value_limit = None
        if config.notional_limit is not None:
            if instrument.inverse:
                raise UsageError(
                    f"max_order_size: notional_limit does not apply to {instrument}, whose contracts are"
                    " sized in quote currency: leave it out and set limit"
                )
            # In ticks times lots, so that the check multiplies two integers.
            ratio = config.notional_limit / instrument.point_value
            self._value_limit = int(ratio.to_integral_value(ROUND_FLOOR))

    def check(self, order: Order, view: RiskView) -> Verdict:
        instrument = self._instrument
        if order.instrument is not instrument:
            return APPROVED
        if self._limit is not None and order.size > self._limit:
            size, limit = instrument.format_size(order.size), instrument.format_size(self._limit)
            return Refused(f"size for {instrument} is {size}, limit is {limit}", Code.SIZE)
        if self._value_limit is None:
            return APPROVED
        price = order.price
        if price is None:
            book = view.market(instrument).book
            price = book.best_ask if order.side is Side.BUY else book.best_bid
            if price is None:
                return Refused(
                    f"market order for {instrument} cannot be valued, the book is empty", Code.NO_PRICE
                )
        if price * order.size > self._value_limit:
            value = instrument.notional(price, order.size)
            return Refused(
                f"value for {instrument} is {value:f}, limit is {self.config.notional_limit:f}", Code.NOTIONAL
            )
        return APPROVED
