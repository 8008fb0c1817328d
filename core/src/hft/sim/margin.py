"""Accounts that trade on margin: wallets, positions, and what of them is still free."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Iterator, Mapping
from decimal import Decimal

import attrs

from hft.money import difference, product, total
from hft.sim.account import DeskAccount
from hft.sim.fees import FeeRates, rounded
from hft.sim.market import SyntheticMarket
from hft.sim.orders import Leg
from hft.sim.positions import Position
from hft.types import Side

__all__ = ["Income", "IncomeKind", "MarginAccount"]

_NOTHING = Decimal(0)
_KEPT = 10_000


class IncomeKind(enum.Enum):
    """Why the wallet of an account on margin changed."""

    PROFIT = "profit"
    FEE = "fee"
    FUNDING = "funding"
    TRANSFER = "transfer"
    INSURANCE = "insurance"
    """What a liquidation had left below zero was paid by the exchange."""


@attrs.frozen
class Income:
    """One change of a wallet."""

    id: int
    kind: IncomeKind
    asset: str
    amount: Decimal
    market: SyntheticMarket | None
    trade_id: int
    time_ns: int


class MarginAccount(DeskAccount):
    """An account in linear perpetuals, margined as a whole (cross) or position by position (isolated)."""

    def __init__(
        self, id: str, fees: FeeRates, balances: Mapping[str, Decimal], *, leverage: int = 20
    ) -> None:
        super().__init__(id, fees)
        self.wallets = dict(balances)
        self.positions: dict[tuple[SyntheticMarket, Leg], Position] = {}
        self.incomes: deque[Income] = deque(maxlen=_KEPT)
        self.is_hedged = False
        self.is_multi_asset = False
        self.isolated: set[SyntheticMarket] = set()
        self.warned: set[str] = set()
        """Assets whose margin has been called for."""
        self.pending: dict[tuple[SyntheticMarket, Leg, Side], Decimal] = {}
        """What open orders that would enlarge a position are worth."""
        self._leverage: dict[SyntheticMarket, int] = {}
        self._default_leverage = leverage
        self._income_count = 0

    def leverage(self, market: SyntheticMarket) -> int:
        """Return the leverage of a market."""
        return self._leverage.get(market, self._default_leverage)

    def set_leverage(self, market: SyntheticMarket, leverage: int) -> None:
        """Change the leverage of a market."""
        self._leverage[market] = leverage

    def position(self, market: SyntheticMarket, leg: Leg) -> Position:
        """Return a position, which may be flat."""
        position = self.positions.get((market, leg))
        if position is None:
            position = self.positions[market, leg] = Position(market.instrument.point_value)
        return position

    def book(
        self,
        kind: IncomeKind,
        asset: str,
        amount: Decimal,
        now_ns: int,
        market: SyntheticMarket | None = None,
        trade_id: int = 0,
    ) -> None:
        """Add to a wallet and write down why."""
        if amount:
            self.wallets[asset] = total((self.wallets.get(asset, _NOTHING), amount))
            self._income_count += 1
            self.incomes.append(Income(self._income_count, kind, asset, amount, market, trade_id, now_ns))

    # -- margin ----------------------------------------------------------------------------------

    def legs(self, asset: str | None = None) -> Iterator[tuple[SyntheticMarket, Leg, Position]]:
        """Yield the positions that settle in an asset, or all."""
        for (market, leg), position in self.positions.items():
            if asset is None or market.instrument.settle == asset:
                yield market, leg, position

    def unrealised(self, asset: str, *, cross_only: bool = False) -> Decimal:
        """Return the profit of all positions that settle in an asset at their mark prices."""
        return total(
            position.unrealised(mark_of(market), market.instrument.tick_size)
            for market, _, position in self.legs(asset)
            if position.size and not (cross_only and market in self.isolated)
        )

    def isolated_margin(self, asset: str) -> Decimal:
        """Return what is set aside for isolated positions."""
        return total(position.isolated for _, _, position in self.legs(asset))

    def position_margin(self, market: SyntheticMarket, leg: Leg) -> Decimal:
        """Return the initial margin of a position at its mark price."""
        position = self.positions.get((market, leg))
        if position is None or not position.size:
            return _NOTHING
        worth = abs(position.value(mark_of(market), market.instrument.tick_size))
        return rounded(worth / self.leverage(market))

    def order_margin(self, market: SyntheticMarket) -> Decimal:
        """Return what open orders need besides: as if those of the worse side had all traded."""
        need = _NOTHING
        for leg in (Leg.LONG, Leg.SHORT) if self.is_hedged else (Leg.NET,):
            buys, sells = (self.pending.get((market, leg, side), _NOTHING) for side in Side)
            if not buys and not sells:
                continue
            position = self.positions.get((market, leg))
            worth = (
                position.value(mark_of(market), market.instrument.tick_size)
                if position is not None
                else _NOTHING
            )
            worst = max(abs(total((worth, buys))), abs(difference(worth, sells)))
            need = total((need, max(_NOTHING, difference(worst, abs(worth)))))
        return rounded(need / self.leverage(market))

    def initial_margin(self, asset: str) -> Decimal:
        """Return the initial margin of cross positions and all open orders."""
        markets = {market for market, _ in self.positions} | {market for market, _, _ in self.pending}
        need = [self.order_margin(market) for market in markets if market.instrument.settle == asset]
        need += [
            self.position_margin(market, leg)
            for market, leg, position in self.legs(asset)
            if position.size and market not in self.isolated
        ]
        return total(need)

    def available(self, asset: str) -> Decimal:
        """Return what new orders may use; negative when losses have eaten into margin."""
        cross = difference(self.wallets.get(asset, _NOTHING), self.isolated_margin(asset))
        return difference(total((cross, self.unrealised(asset, cross_only=True))), self.initial_margin(asset))

    def maintenance(self, market: SyntheticMarket, leg: Leg, rate: Decimal) -> Decimal:
        """Return the margin below which a position is liquidated."""
        position = self.position(market, leg)
        return rounded(product(abs(position.value(mark_of(market), market.instrument.tick_size)), rate))


def mark_of(market: SyntheticMarket) -> Decimal:
    """Return the mark price of a perpetual."""
    assert market.mark is not None
    return market.mark.mark
