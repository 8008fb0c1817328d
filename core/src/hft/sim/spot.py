"""Accounts that own assets and trade them: spot."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Protocol

from hft.clock import Clock
from hft.money import difference, product
from hft.sim.account import KEPT, DeskAccount
from hft.sim.desk import Desk
from hft.sim.fees import FeeRates
from hft.sim.market import SyntheticMarket
from hft.sim.matching import Execution
from hft.sim.orders import ClientOrder, Fill
from hft.sim.wallet import Wallet
from hft.types import Price, Side, Size

__all__ = ["SpotAccount", "SpotDesk", "TransferListener"]


class SpotAccount(DeskAccount):
    """An account with a wallet; open orders lock what they would spend."""

    def __init__(self, id: str, fees: FeeRates, balances: Mapping[str, Decimal], *, kept: int = KEPT) -> None:
        super().__init__(id, fees, kept=kept)
        self.wallet = Wallet(balances)


class TransferListener(Protocol):
    """Is told of deposits and withdrawals."""

    def on_transfer(self, account: SpotAccount, asset: str, amount: Decimal) -> None:
        """Take note of a transfer; a negative amount left the account."""
        ...


class SpotDesk(Desk[SpotAccount]):
    """Takes orders of a spot product: the fee comes off what is received."""

    def __init__(self, clock: Clock, *, first_order_id: int = 1) -> None:
        super().__init__(clock, first_order_id=first_order_id)
        self.transfer_listeners: list[TransferListener] = []

    def transfer(self, account: SpotAccount, asset: str, amount: Decimal) -> None:
        """Deposit, or withdraw a negative amount; raise `Refused` if that is not free."""
        account.wallet.add(asset, amount)
        account.updated_ns = self._clock.now_ns()
        for listener in self.transfer_listeners:
            listener.on_transfer(account, asset, amount)

    def _reserve(self, order: ClientOrder) -> None:
        wallet, asset = _wallet(order), _spent(order)
        if order.price is None and order.side is Side.BUY:
            if order.trigger is not None and not order.working_ns:
                return  # what it will cost is known when it goes to the market
            _, cost = order.market.engine.sweep(self.draft(order))
            amount = product(cost, order.market.instrument.point_value)
        else:
            amount = _needed(order, order.remaining, order.price)
        wallet.lock(asset, amount)
        order.reserved = amount

    def _reserve_again(self, order: ClientOrder, size: Size, price: Price) -> None:
        needed = _needed(order, Size(size - order.filled - order.prevented), price)
        more = difference(needed, order.reserved)
        if more > 0:
            _wallet(order).lock(_spent(order), more)
        else:
            _wallet(order).unlock(_spent(order), -more)
        order.reserved = needed

    def _release(self, order: ClientOrder) -> None:
        if order.reserved:
            _wallet(order).unlock(_spent(order), order.reserved)
            order.reserved = Decimal(0)

    def _settle(self, order: ClientOrder, execution: Execution, *, is_maker: bool, now_ns: int) -> Fill:
        instrument, wallet = order.market.instrument, _wallet(order)
        price, size = execution.price, execution.size
        base = instrument.size_to_decimal(size)
        quote = product(price * size, instrument.point_value)
        if order.side is Side.BUY:
            spent, (got_asset, got) = quote, (instrument.base, base)
        else:
            spent, (got_asset, got) = base, (instrument.quote, quote)
        wallet.spend(_spent(order), spent)
        order.reserved = difference(order.reserved, spent)
        if order.side is Side.BUY and order.price is not None:
            # It paid less than it had locked: what stays locked is its limit times what is left.
            better = product((order.price - price) * size, instrument.point_value)
            wallet.unlock(instrument.quote, better)
            order.reserved = difference(order.reserved, better)
        fee_asset, fee = self._fee(order, got_asset, got, is_maker=is_maker)
        wallet.add(got_asset, got)
        wallet.add(fee_asset, -fee)
        return Fill(execution.trade_id, order, price, size, fee, fee_asset, is_maker, now_ns)

    def _fee(self, order: ClientOrder, asset: str, amount: Decimal, *, is_maker: bool) -> tuple[str, Decimal]:
        fees, other = order.account.fees, order.account.fees.discount_asset
        if other is not None and other != asset:
            price = self._price_of(other, asset)
            if price is not None:
                fee = fees.discounted(amount, price, is_maker=is_maker)
                if fee <= _wallet(order).free(other):
                    return other, fee
        return asset, fees.fee(amount, is_maker=is_maker)

    def _price_of(self, base: str, quote: str) -> Decimal | None:
        """Return what an asset costs in another, from a market of the two or through a common quote."""
        if base == quote:
            return Decimal(1)
        direct = self._last_price(base, quote)
        if direct is not None:
            return direct
        for market in self.filters:
            instrument = market.instrument
            if instrument.base == quote:
                through, back = self._last_price(base, instrument.quote), self._last_of(market)
                if through is not None and back is not None:
                    return through / back
        return None

    def _last_price(self, base: str, quote: str) -> Decimal | None:
        for market in self.filters:
            if (market.instrument.base, market.instrument.quote) == (base, quote):
                return self._last_of(market)
        return None

    @staticmethod
    def _last_of(market: SyntheticMarket) -> Decimal | None:
        last, best = market.statistics.last, market.engine.best(Side.BUY)
        if last is not None:
            return market.instrument.price_to_decimal(last.price)
        return None if best is None else market.instrument.price_to_decimal(best[0])


def _wallet(order: ClientOrder) -> Wallet:
    assert isinstance(order.account, SpotAccount)
    return order.account.wallet


def _spent(order: ClientOrder) -> str:
    instrument = order.market.instrument
    return instrument.quote if order.side is Side.BUY else instrument.base


def _needed(order: ClientOrder, lots: Size, price: Price | None) -> Decimal:
    instrument = order.market.instrument
    if order.side is Side.SELL:
        return instrument.size_to_decimal(lots)
    assert price is not None
    return product(price * lots, instrument.point_value)
