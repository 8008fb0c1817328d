"""Refuse orders whose price is far from the book."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hft import (
    APPROVED,
    Instrument,
    Order,
    OrderBook,
    Refusal,
    Refused,
    RiskRule,
    RiskView,
    Side,
    Verdict,
)
from hft_price_collar.config import Config

__all__ = ["Code", "PriceCollar"]

_LEVELS = 20
"""Levels of the book that are looked at first for a market order; most are filled by fewer."""


class Code(Refusal):
    """Why `PriceCollar` refuses."""

    TOO_AGGRESSIVE = "too-aggressive", "a buy far above the book, or a sell far below it"
    TOO_PASSIVE = "too-passive", "a buy far below the book, or a sell far above it"
    TOO_LARGE = "too-large", "a market order that the levels inside the collar cannot fill"
    NO_BOOK = "no-book", "the book has no middle, so that no price can be judged"


class PriceCollar(RiskRule[Config]):
    """Refuse a price that is too far from the middle of the book, compared exactly."""

    refusals = Code

    _instrument: Instrument | None = None
    _numerator: int
    _denominator: int
    _passive: tuple[int, int] | None

    def on_start(self, view: RiskView) -> None:
        config = self.config
        if config.instrument is not None:
            self._instrument = view.instrument(config.instrument)
        self._numerator, self._denominator = _ratio(config.percent)
        self._passive = None if config.passive_percent is None else _ratio(config.passive_percent)

    def check(self, order: Order, view: RiskView) -> Verdict:
        instrument = order.instrument
        if self._instrument is not None and instrument is not self._instrument:
            return APPROVED
        if order.trigger_price is not None:
            if order.price is None:
                return APPROVED
            twice_middle = 2 * order.trigger_price
        else:
            book = view.market(instrument).book
            bid, ask = book.best_bid, book.best_ask
            if bid is None or ask is None:
                return Refused(f"book of {instrument} has no middle", Code.NO_BOOK)
            twice_middle = bid + ask
            if order.price is None:
                return self._judge_market_order(order, book, twice_middle)
        # All is multiplied by twice the denominator, so that nothing is divided.
        beyond = (2 * order.price - twice_middle) * order.side.sign
        if beyond * self._denominator > twice_middle * self._numerator:
            return self._refuse(order, twice_middle, Code.TOO_AGGRESSIVE, self.config.percent)
        if self._passive is not None:
            numerator, denominator = self._passive
            if -beyond * denominator > twice_middle * numerator:
                return self._refuse(order, twice_middle, Code.TOO_PASSIVE, self.config.passive_percent)
        return APPROVED

    def _judge_market_order(self, order: Order, book: OrderBook, twice_middle: int) -> Verdict:
        sign = order.side.sign
        for count in (_LEVELS, None):
            missing: int = order.size
            for price, size in book.asks(count) if order.side is Side.BUY else book.bids(count):
                if (2 * price - twice_middle) * sign * self._denominator > twice_middle * self._numerator:
                    return self._refuse_market_order(order, missing)
                missing -= size
                if missing <= 0:
                    return APPROVED
        return self._refuse_market_order(order, missing)

    def _refuse_market_order(self, order: Order, missing: int) -> Refused:
        instrument = order.instrument
        return Refused(
            f"market order for {instrument.format_size(order.size)} {instrument} is"
            f" {instrument.format_size(missing)} more than the book has within {self.config.percent:f}%",
            Code.TOO_LARGE,
        )

    def _refuse(self, order: Order, twice_middle: int, code: Code, percent: Decimal | None) -> Refused:
        assert order.price is not None
        away = Decimal(abs(2 * order.price - twice_middle)) / twice_middle * 100
        price = order.instrument.format_price(order.price)
        return Refused(
            f"{order.side} of {order.instrument} at {price} is {away:.3f}% from the book,"
            f" limit is {percent:f}%",
            code,
        )


def _ratio(percent: Decimal) -> tuple[int, int]:
    return (Fraction(percent) / 100).as_integer_ratio()
