"""A market maker: bids and asks over several levels, moved by position and widened by volatility."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, Decimal

from hft import BookState, Instrument, Market, OrderBook, Price, Size, Strategy, UsageError
from hft_market_making.config import Config, Model
from hft_market_making.quotes import Centre, Grid, avellaneda_stoikov, ladder, symmetric
from hft_market_making.volatility import Volatility

__all__ = ["MarketMaker"]

NS_PER_S = 1_000_000_000


class MarketMaker(Strategy[Config]):
    """Quote every instrument it is given, on both sides.

    Quotes are stated anew every ``refresh``, and at once when the mid has moved by ``tolerance`` since
    they were stated last; a book without bids or without asks withdraws them at once. In between they
    stand, also when one of them is filled: what was bought is not bought again before the next
    statement.
    """

    _quoted: dict[Instrument, _Quoted]

    def on_start(self) -> None:
        self._quoted = {
            market.instrument: _Quoted(self.config, market, self.trading.name)
            for market in self.trading.markets
        }
        self.trading.every(self.config.refresh, self._refresh)

    def on_book(self, book: OrderBook) -> None:
        quoted = self._quoted[book.instrument]
        bid, ask = book.best_bid, book.best_ask
        if bid is None or ask is None:
            self._state_quotes(quoted)
            return
        doubled_mid = bid + ask
        quoted.volatility.update(quoted.price_of(doubled_mid), self.trading.clock.now_ns())
        if abs(doubled_mid - quoted.stated_at) >= quoted.tolerance:
            self._state_quotes(quoted)

    def _refresh(self) -> None:
        for quoted in self._quoted.values():
            if quoted.book.state is BookState.LIVE:
                self._state_quotes(quoted)

    def _state_quotes(self, quoted: _Quoted) -> None:
        book, instrument = quoted.book, quoted.instrument
        bid, ask = book.best_bid, book.best_ask
        if bid is None or ask is None:
            quoted.stated_at = -math.inf
            self.trading.quote(instrument, (), ())
            return
        if quoted.stated_at == -math.inf:
            quoted.check_worth(ask)
        quoted.stated_at = bid + ask
        position = self.trading.position(instrument)
        centre = self._centre(quoted, quoted.price_of(bid + ask), position)
        bids, asks = ladder(instrument, centre, quoted.grid, position=position, best_bid=bid, best_ask=ask)
        self.trading.quote(instrument, bids, asks)

    def _centre(self, quoted: _Quoted, mid: float, position: Size) -> Centre:
        config, variance = self.config, quoted.volatility.variance
        if config.model is Model.AVELLANEDA_STOIKOV:
            return avellaneda_stoikov(
                mid,
                position / quoted.grid.order_size,
                half_spread=quoted.half_spread,
                variance=variance,
                gamma=config.gamma,
                kappa=config.kappa,
                horizon_s=config.horizon / NS_PER_S,
            )
        return symmetric(
            mid,
            position / quoted.grid.max_position,
            half_spread=quoted.half_spread,
            inventory_skew=config.inventory_skew,
            volatility=math.sqrt(variance * config.refresh / NS_PER_S),
            volatility_multiple=config.volatility_multiple,
        )


class _Quoted:
    """One instrument: the profile's figures on its grid, and what is known of its mid.

    ``stated_at`` and ``tolerance`` are in half ticks, since twice a mid is a whole number; the first
    mid is beyond any tolerance.
    """

    def __init__(self, config: Config, market: Market, name: str) -> None:
        self.instrument = instrument = market.instrument
        self.book = market.book
        self.half_spread = float(config.target_spread) / 2
        self.volatility = Volatility(config.volatility_memory / NS_PER_S)
        self.stated_at = -math.inf
        self.tolerance = max(1, _ticks(config.tolerance or config.target_spread / 4, instrument, factor=2))
        self.grid = Grid.of(
            instrument,
            levels=config.levels,
            min_spread=_ticks(config.target_spread, instrument),
            spacing=_ticks(config.level_spacing or config.target_spread / 2, instrument),
            order_size=instrument.size_option(config.order_size, f"{name}: order_size"),
            max_position=instrument.size_option(config.max_position, f"{name}: max_position"),
        )
        if self.grid.order_size < self.grid.min_size:
            raise UsageError(
                f"{name}: order_size {config.order_size} is below the smallest order of {instrument},"
                f" {instrument.format_size(self.grid.min_size)}, write a larger one"
            )
        self._tick = float(instrument.tick_size)

    def check_worth(self, price: Price) -> None:
        """Raise `UsageError` if no order would be worth enough: quoting nothing must not go unnoticed."""
        if price * self.grid.order_size < self.grid.min_value:
            raise UsageError(
                f"order_size {self.instrument.format_size(self.grid.order_size)} of {self.instrument}"
                f" is worth less than the smallest order, {self.instrument.min_notional:f}"
                f" {self.instrument.quote}, write a larger one"
            )

    def price_of(self, doubled_ticks: int) -> float:
        """Return a price in quote currency from twice its ticks."""
        return doubled_ticks * self._tick / 2


def _ticks(distance: Decimal, instrument: Instrument, factor: int = 1) -> int:
    return int((distance * factor / instrument.tick_size).to_integral_value(ROUND_CEILING))
