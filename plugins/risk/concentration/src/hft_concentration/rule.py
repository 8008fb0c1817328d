"""Refuse orders that would let too much of the capital depend on one base currency."""

from __future__ import annotations

from fractions import Fraction

from hft import (
    APPROVED,
    Amount,
    Instrument,
    Order,
    Refusal,
    Refused,
    RiskRule,
    RiskView,
    Side,
    Verdict,
    amount_to_decimal,
    to_amount,
)
from hft_concentration.config import Config

__all__ = ["Code", "Concentration"]


class Code(Refusal):
    """Why `Concentration` refuses."""

    LIMIT = "limit", "one base currency could make up too much of the capital"
    NO_MARK = "no-mark", "an instrument of the base currency cannot be valued: its book never had both sides"
    NO_EQUITY = "no-equity", "no exchange has stated a balance of the asset, and no capital is given"


class Concentration(RiskRule[Config]):
    """Refuse an order whose fill would take a base currency's net value beyond its share of the capital.

    The order is judged with all open orders of its side, in all instruments of that base currency that
    settle in ``asset``. One that leads back from beyond the limit is approved.
    """

    refusals = Code

    _numerator: int
    _denominator: int
    _capital: Amount | None
    _same_base: dict[Instrument, list[Instrument]]

    def on_start(self, view: RiskView) -> None:
        config = self.config
        instruments = view.settled_in(config.asset)
        # The limit is compared multiplied out: share of the capital without dividing.
        self._numerator, self._denominator = (Fraction(config.percent) / 100).as_integer_ratio()
        self._capital = None if config.capital is None else to_amount(config.capital)
        self._same_base = {
            one: [other for other in instruments if other.base == one.base] for one in instruments
        }

    def check(self, order: Order, view: RiskView) -> Verdict:
        instruments = self._same_base.get(order.instrument)
        if instruments is None:
            return APPROVED
        sign = order.side.sign
        end = 1 if order.side is Side.BUY else 0
        worst = view.worst_case_position(order)
        if worst == view.extremes(order.instrument)[end]:
            return APPROVED
        net = 0
        for instrument in instruments:
            lots = worst if instrument is order.instrument else view.extremes(instrument)[end]
            value = view.value(instrument, lots) if lots else 0
            if value is None:
                return Refused(f"{instrument} cannot be valued, its book has no middle", Code.NO_MARK)
            net += value
        net *= sign
        if net <= 0:
            return APPROVED
        asset = self.config.asset
        equity = view.equity(asset) if self._capital is None else self._capital + view.net_profit(asset)
        if equity is None:
            return Refused(f"equity in {asset} is not known, no exchange has stated it", Code.NO_EQUITY)
        if net * self._denominator <= equity * self._numerator:
            return APPROVED
        return Refused(
            f"{order.instrument.base} would be {amount_to_decimal(net * sign):f} {asset} of a capital of"
            f" {amount_to_decimal(equity):f}, limit is {self.config.percent:f}%",
            Code.LIMIT,
        )
