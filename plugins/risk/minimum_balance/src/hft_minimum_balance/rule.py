"""Refuse orders that could leave too little in an account."""

from __future__ import annotations

import attrs

from hft import (
    APPROVED,
    Amount,
    Instrument,
    InstrumentKind,
    Order,
    Refusal,
    Refused,
    RiskRule,
    RiskView,
    Side,
    UsageError,
    Verdict,
    amount_to_decimal,
    to_amount,
)
from hft_minimum_balance.config import Config

__all__ = ["Code", "MinimumBalance"]


class Code(Refusal):
    """Why `MinimumBalance` refuses."""

    TOO_LITTLE = "too-little", "less than the minimum could be left in the account"
    NO_BALANCE = "no-balance", "the exchange has not stated the balance"
    NO_PRICE = "no-price", "a market order that meets an empty book cannot be valued"


@attrs.frozen
class _Spending:
    """A spot instrument whose orders of one side spend the asset: by value in quote, or by size in base."""

    instrument: Instrument
    side: Side
    by_value: bool
    unit: Amount
    """What one tick on a lot costs, or one lot."""


class MinimumBalance(RiskRule[Config]):
    """Refuse an order that could leave less than ``minimum`` in the account.

    What all wallets of the account have counts together. Every open order that spends the asset there counts
    as filled, so orders that fit singly must fit together. It adds up those orders: of many open ones each
    costs 0.2 us.
    """

    refusals = Code

    _minimum: Amount
    _spending: dict[Instrument, _Spending]
    _derivatives: frozenset[Instrument]

    def on_start(self, view: RiskView) -> None:
        exchange, asset = self.config.exchange, self.config.minimum.asset
        instruments = [each for each in view.instruments if each.exchange == exchange]
        self._minimum = self.config.minimum.amount
        self._spending = {}
        for instrument in instruments:
            if instrument.kind is not InstrumentKind.SPOT:
                continue
            if instrument.quote == asset:
                unit = to_amount(instrument.point_value)
                self._spending[instrument] = _Spending(instrument, Side.BUY, True, unit)
            elif instrument.base == asset:
                unit = to_amount(instrument.lot_size)
                self._spending[instrument] = _Spending(instrument, Side.SELL, False, unit)
        self._derivatives = frozenset(
            each for each in instruments if each.kind is not InstrumentKind.SPOT and each.settle == asset
        )
        if not self._spending and not self._derivatives:
            raise UsageError(
                f"minimum_balance: no instrument of this run spends {asset} of exchange {exchange!r}, take"
                " the rule out or correct it"
            )

    def check(self, order: Order, view: RiskView) -> Verdict:
        instrument = order.instrument
        spending = self._spending.get(instrument)
        if spending is None:
            if instrument not in self._derivatives or view.exposure_growth(order) == 0:
                return APPROVED
            spent: int | None = 0
        elif order.side is not spending.side:
            return APPROVED
        else:
            spent = self._spent(order, spending, view)
        exchange, asset = self.config.exchange, self.config.minimum.asset
        balance = view.balance(exchange, asset)
        if balance is None:
            return Refused(f"balance of {asset} is not known, {exchange} has not stated it", Code.NO_BALANCE)
        if spent is None:
            return Refused(
                f"market order for {instrument} cannot be valued, the book is empty", Code.NO_PRICE
            )
        if balance - spent >= self._minimum:
            return APPROVED
        left = amount_to_decimal(balance - spent)
        return Refused(
            f"{left:f} {asset} could be left at {exchange}, minimum is {self.config.minimum}", Code.TOO_LITTLE
        )

    def _spent(self, order: Order, spending: _Spending, view: RiskView) -> int | None:
        """Return what this order and all that are open could spend; None where that has no price."""
        price = order.price
        if spending.by_value and price is None:
            price = view.market(order.instrument).book.best_ask
            if price is None:
                return None
        new = order.size - order.filled
        mine = new * (price or 0) if spending.by_value else new
        total = 0
        for each in self._spending.values():
            lots = 0
            for other in view.open_orders(each.instrument):
                if other.side is each.side:
                    worth = _worth(other, each, view)
                    if worth is None:
                        return None
                    if other.client_order_id == order.client_order_id:
                        mine = max(mine, worth)
                    else:
                        lots += worth
            total += lots * each.unit
        return total + mine * spending.unit


def _worth(order: Order, spending: _Spending, view: RiskView) -> int | None:
    """Return ticks times lots, or lots, that an open order could still spend."""
    left = order.largest_size - order.filled
    if not spending.by_value:
        return left
    price = order.price
    if price is None:
        price = view.market(order.instrument).book.best_ask
        return None if price is None else left * price
    pending = order.pending_price
    return left * (price if pending is None or pending < price else pending)
