"""What an exchange does when the margin of an account is gone."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from hft.clock import Clock
from hft.money import total
from hft.sim.linear import LinearDesk
from hft.sim.margin import IncomeKind, MarginAccount
from hft.sim.market import Mark, SyntheticMarket
from hft.sim.orders import ClientOrder, EndReason, Leg
from hft.sim.refusals import Refused
from hft.types import Side, Size

__all__ = ["Liquidations"]

_CALL = Decimal("1.25")
"""Margin is called for when it is within this multiple of where liquidation begins."""

_NOTHING = Decimal(0)


class Liquidations:
    """Watches margin at every mark price, warns, and closes positions.

    ``make`` makes the exchange's own market order for (account, market, leg, side, size), in the
    dialect's words. What a liquidation leaves of a wallet below zero is paid by the insurance.
    """

    def __init__(
        self,
        desk: LinearDesk,
        clock: Clock,
        make: Callable[[MarginAccount, SyntheticMarket, Leg, Side, Size], ClientOrder],
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._make = make

    def on_mark(self, market: SyntheticMarket, _settled: Mark | None) -> None:
        """Look at every account that holds what has a new mark price."""
        asset = market.instrument.settle
        for account in self._desk.accounts.values():
            held = [
                (leg, position)
                for other, leg, position in account.legs(asset)
                if other is market and position.size
            ]
            if not held:
                continue
            if market in account.isolated:
                for leg, position in held:
                    mark = market.mark
                    assert mark is not None
                    left = position.isolated + position.unrealised(mark.mark, market.instrument.tick_size)
                    if left <= account.maintenance(market, leg, self._desk.maintenance_rate):
                        self._close(account, asset, [(market, leg)])
            else:
                self._watch(account, asset)

    def liquidate(self, account: MarginAccount) -> None:
        """Close everything that an account holds."""
        for asset in list(account.wallets):
            legs = [(market, leg) for market, leg, position in account.legs(asset) if position.size]
            if legs:
                self._close(account, asset, legs)

    def _watch(self, account: MarginAccount, asset: str) -> None:
        legs = [
            (market, leg)
            for market, leg, position in account.legs(asset)
            if position.size and market not in account.isolated
        ]
        needed = total(account.maintenance(*one, self._desk.maintenance_rate) for one in legs)
        margin = total(
            (
                account.wallets.get(asset, _NOTHING),
                -account.isolated_margin(asset),
                account.unrealised(asset, cross_only=True),
            )
        )
        if margin <= needed:
            self._close(account, asset, legs)
        elif margin > needed * _CALL:
            account.warned.discard(asset)
        elif asset not in account.warned:
            account.warned.add(asset)
            for listener in self._desk.money_listeners:
                listener.on_margin_call(account, asset)

    def _close(self, account: MarginAccount, asset: str, legs: list[tuple[SyntheticMarket, Leg]]) -> None:
        for market in {market for market, _ in legs}:
            for order in account.open_orders(market):
                self._desk.cancel(order, EndReason.LIQUIDATION)
        for market, leg in legs:
            position = account.position(market, leg)
            set_aside = position.isolated if market in account.isolated else None
            side = Side.SELL if position.size > 0 else Side.BUY
            before = account.wallets.get(asset, _NOTHING)
            try:
                self._desk.place(self._make(account, market, leg, side, Size(abs(position.size))))
            except Refused:  # nobody trades with it: it is tried again at the next mark price
                continue
            if set_aside is not None and not position.size:
                lost = before - account.wallets.get(asset, _NOTHING)
                self._insure(account, asset, max(_NOTHING, lost - set_aside), market)
        flat = not any(position.size for _, _, position in account.legs(asset))
        if flat:
            account.warned.discard(asset)
            self._insure(account, asset, max(_NOTHING, -account.wallets.get(asset, _NOTHING)), None)

    def _insure(
        self, account: MarginAccount, asset: str, amount: Decimal, market: SyntheticMarket | None
    ) -> None:
        if amount:
            self._desk.book_money(account, IncomeKind.INSURANCE, asset, amount, market)
