"""The desk of linear perpetuals: margin before an order, profit and fees after a trade."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Protocol

from hft.clock import Clock
from hft.money import difference, product, total
from hft.sim.desk import Desk
from hft.sim.fees import rounded
from hft.sim.margin import IncomeKind, MarginAccount, mark_of
from hft.sim.market import Mark, SyntheticMarket
from hft.sim.matching import Execution
from hft.sim.orders import ClientOrder, EndReason, Fill, Leg, TriggerPrice
from hft.sim.positions import Position
from hft.sim.refusals import Reason, Refused
from hft.types import Price, Side, Size

__all__ = ["LinearDesk", "MoneyListener"]

_NOTHING = Decimal(0)


class MoneyListener(Protocol):
    """Is told what happens to wallets and positions besides trades."""

    def on_money(
        self,
        account: MarginAccount,
        kind: IncomeKind,
        asset: str,
        amount: Decimal,
        market: SyntheticMarket | None,
    ) -> None:
        """Take note of funding, transfers and insurance."""
        ...

    def on_margin_call(self, account: MarginAccount, asset: str) -> None:
        """Take note that the margin in an asset is nearly gone."""
        ...


class LinearDesk(Desk[MarginAccount]):
    """Takes orders of linear perpetuals; the fee is paid in the settlement asset.

    A reduce-only order stands in the book with no more than there is to reduce; what it was given
    beyond that expires.
    """

    refuses_fok = True

    def __init__(
        self,
        clock: Clock,
        *,
        first_order_id: int = 1,
        maintenance_rate: Decimal = Decimal("0.004"),
        liquidation_rate: Decimal = Decimal("0.0125"),
    ) -> None:
        super().__init__(clock, first_order_id=first_order_id)
        self.maintenance_rate = maintenance_rate
        self.liquidation_rate = liquidation_rate
        self.money_listeners: list[MoneyListener] = []

    def on_mark(self, market: SyntheticMarket, settled: Mark | None) -> None:
        """Follow the mark price: pay funding that is due, set off what waits for it."""
        if market not in self.filters:
            return
        if settled is not None:
            self.pay_funding(market, settled)
        assert market.mark is not None
        self.triggers.check(market, TriggerPrice.MARK, market.mark.mark)

    def pay_funding(self, market: SyntheticMarket, settled: Mark, rate: Decimal | None = None) -> None:
        """Let every position pay, or be paid, its worth times the rate."""
        instrument = market.instrument
        rate = settled.funding_rate if rate is None else rate
        for account in self.accounts.values():
            for held, _, position in list(account.legs()):
                if held is not market or not position.size:
                    continue
                worth = position.value(settled.mark, instrument.tick_size)
                amount = -rounded(product(worth, rate))
                self.book_money(account, IncomeKind.FUNDING, instrument.settle, amount, market)

    def liquidation_price(self, account: MarginAccount, market: SyntheticMarket, leg: Leg) -> Decimal:
        """Return the mark price at which a position would be liquidated; 0 where there is none."""
        position, instrument = account.position(market, leg), market.instrument
        if not position.size:
            return _NOTHING
        if market in account.isolated:
            margin = position.isolated
        else:
            asset = instrument.settle
            cross = difference(account.wallets.get(asset, _NOTHING), account.isolated_margin(asset))
            others = difference(
                account.unrealised(asset, cross_only=True),
                position.unrealised(mark_of(market), instrument.tick_size),
            )
            margin = total((cross, others))
        # margin + size * price - cost = |size| * price * rate
        units = product(position.size, instrument.point_value) / instrument.tick_size
        price = difference(position.cost, margin) / (units - abs(units) * self.maintenance_rate)
        return max(_NOTHING, round(price, 8))

    def transfer(self, account: MarginAccount, asset: str, amount: Decimal) -> None:
        """Deposit, or withdraw a negative amount; raise `Refused` if that is not available."""
        if amount < 0 and account.available(asset) + amount < 0:
            raise Refused(Reason.BALANCE, account.available(asset))
        self.book_money(account, IncomeKind.TRANSFER, asset, amount, None)

    # -- before a trade --------------------------------------------------------------------------

    def check(self, order: ClientOrder) -> None:
        account = _account(order)
        if account.is_hedged is (order.leg is Leg.NET):
            raise Refused(Reason.POSITION_SIDE)
        if is_closing(order) and order.trigger is None and self.reducible(order) <= 0:
            raise Refused(Reason.REDUCE_ONLY)
        super().check(order)

    def reducible(self, order: ClientOrder) -> int:
        """Return how many lots a closing order may close: those that no other order is to close."""
        account = _account(order)
        position = account.positions.get((order.market, order.leg))
        size = 0 if position is None else -order.side.sign * position.size
        return size - sum(
            self._in_book(other)
            for other in account.open_orders(order.market)
            if other is not order and is_closing(other) and (other.side, other.leg) == (order.side, order.leg)
        )

    def _reserve(self, order: ClientOrder) -> None:
        if not is_closing(order):
            self._set_pending(order, self._worth(order, order.remaining, order.price), check=True)

    def _reserve_again(self, order: ClientOrder, size: Size, price: Price) -> None:
        if not is_closing(order):
            left = Size(size - order.filled - order.prevented)
            self._set_pending(order, self._worth(order, left, price), check=True)

    def _release(self, order: ClientOrder) -> None:
        self._set_pending(order, _NOTHING, check=False)

    def _book_size(self, order: ClientOrder) -> Size:
        if not is_closing(order):
            return order.size
        return Size(min(order.size, order.filled + max(1, self.reducible(order))))

    @staticmethod
    def _in_book(order: ClientOrder) -> int:
        return order.remaining if order.resting is None else order.resting.remaining

    def _worth(self, order: ClientOrder, lots: Size, price: Price | None) -> Decimal:
        market = order.market
        if price is not None:
            return product(price * lots, market.instrument.point_value)
        found, cost = market.engine.sweep(self.draft(order))
        worth = product(cost, market.instrument.point_value)
        return worth if found else _NOTHING

    def _set_pending(self, order: ClientOrder, worth: Decimal, *, check: bool) -> None:
        account, before = _account(order), order.reserved
        key = order.market, order.leg, order.side
        asset = order.market.instrument.settle
        margin_before = account.order_margin(order.market)
        held = account.pending.get(key, _NOTHING)
        account.pending[key] = total((held, difference(worth, before)))
        order.reserved = worth
        if check and not order.by_exchange:
            more = account.order_margin(order.market) > margin_before
            if more and account.available(asset) < 0:
                account.pending[key], order.reserved = held, before
                raise Refused(Reason.MARGIN, account.available(asset))

    # -- after a trade ---------------------------------------------------------------------------

    def _settle(self, order: ClientOrder, execution: Execution, *, is_maker: bool, now_ns: int) -> Fill:
        account, instrument = _account(order), order.market.instrument
        price, size, asset = execution.price, execution.size, instrument.settle
        position = account.position(order.market, order.leg)
        before = position.size
        notional = product(price * size, instrument.point_value)
        fee = account.fees.fee(notional, is_maker=is_maker)
        if order.by_exchange:
            fee = rounded(product(notional, self.liquidation_rate))
        profit = position.trade(order.side.sign * size, price)
        if position.size:
            position.fees = total((position.fees, fee))
        position.updated_ns = now_ns
        account.book(IncomeKind.PROFIT, asset, profit, now_ns, order.market, execution.trade_id)
        account.book(IncomeKind.FEE, asset, -fee, now_ns, order.market, execution.trade_id)
        if order.market in account.isolated:
            self._set_aside(account, order.market, position, before, notional)
        if order.reserved:
            left = Size(order.remaining - size)
            share = self._worth(order, left, order.price) if order.price is not None else _NOTHING
            self._set_pending(order, share, check=False)
        return Fill(execution.trade_id, order, price, size, fee, asset, is_maker, now_ns, profit)

    @staticmethod
    def _set_aside(
        account: MarginAccount, market: SyntheticMarket, position: Position, before: int, notional: Decimal
    ) -> None:
        """Move margin to an isolated position that grew, and back from one that shrank."""
        if before and abs(position.size) < abs(before) and position.size * before >= 0:
            position.isolated = rounded(position.isolated * abs(position.size) / abs(before))
        elif before * position.size < 0:
            position.isolated = rounded(abs(position.cost) / account.leverage(market))
        else:
            position.isolated = total((position.isolated, rounded(notional / account.leverage(market))))

    def _after_fills(self, orders: Iterable[ClientOrder]) -> None:
        for account, market in {(_account(order), order.market) for order in orders}:
            self._expire_uncovered(account, market)

    def _expire_uncovered(self, account: MarginAccount, market: SyntheticMarket) -> None:
        """Expire reduce-only orders, the newest first, that would close more than there is."""
        room: dict[tuple[Leg, Side], int] = {}
        for order in account.open_orders(market):
            if not is_closing(order) or order.resting is None:
                continue
            position = account.position(market, order.leg)
            key = order.leg, order.side
            left = room.get(key, max(0, -order.side.sign * position.size)) - self._in_book(order)
            if left < 0:
                self.cancel(order, EndReason.REDUCE_ONLY)
            else:
                room[key] = left

    def book_money(
        self,
        account: MarginAccount,
        kind: IncomeKind,
        asset: str,
        amount: Decimal,
        market: SyntheticMarket | None,
    ) -> None:
        """Change a wallet for another reason than a trade, and tell of it."""
        now_ns = account.updated_ns = self._clock.now_ns()
        account.book(kind, asset, amount, now_ns, market)
        for listener in self.money_listeners:
            listener.on_money(account, kind, asset, amount, market)


def is_closing(order: ClientOrder) -> bool:
    """Whether an order may only make its position smaller."""
    if order.leg is Leg.NET:
        return order.reduce_only
    return (order.leg is Leg.LONG) is (order.side is Side.SELL)


def _account(order: ClientOrder) -> MarginAccount:
    assert isinstance(order.account, MarginAccount)
    return order.account
