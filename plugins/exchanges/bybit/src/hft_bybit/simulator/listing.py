"""What the simulated Bybit lists: one symbol of either product."""

from __future__ import annotations

import uuid

from hft import Instrument, InstrumentKind, Price, Side, Size
from hft.sim import SyntheticMarket, WorldMarket
from hft_bybit.endpoints import Product

__all__ = ["NS_PER_MS", "NS_PER_S", "Listing", "order_number"]

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000

_TRADE_MARKETS = 10**12
"""Ids of trades of one market; each counts its own."""

_SPOT_TRADES = 2_290_000_000_000_000_000
_SPOT_ORDERS = 1_800_000_000_000_000_000
_ORDERS, _TRADES = 0x5EED_0001, 0x5EED_0002
"""How the ids of orders and executions of contracts begin."""


class Listing:
    """One symbol: its market, and how this exchange writes its numbers and ids."""

    def __init__(self, market: WorldMarket, number: int) -> None:
        self.market = market
        self.number = number
        instrument = market.instrument
        self.symbol = instrument.native_symbol
        self.product = Product.SPOT if instrument.kind is InstrumentKind.SPOT else Product.LINEAR

    @property
    def instrument(self) -> Instrument:
        """What is traded."""
        return self.market.instrument

    def synthetic(self) -> SyntheticMarket:
        """Return its market as one that takes orders."""
        assert isinstance(self.market, SyntheticMarket)
        return self.market

    def price(self, ticks: int) -> str:
        """Write a price."""
        return self.instrument.format_price(ticks)

    def size(self, lots: int) -> str:
        """Write a size."""
        return self.instrument.format_size(lots)

    def levels(self, side: Side, n: int) -> list[tuple[Price, Size]]:
        """Return the best ``n`` levels of a side."""
        return self.market.levels(side, n)

    def order_id(self, number: int) -> str:
        """Write the id of an order: a number on spot, a UUID of a contract."""
        if self.product is Product.SPOT:
            return str(_SPOT_ORDERS + number)
        return _uuid(_ORDERS, number)

    def trade_id(self, number: int) -> str:
        """Write the id of a public trade."""
        number += self.number * _TRADE_MARKETS
        return str(_SPOT_TRADES + number) if self.product is Product.SPOT else _uuid(_TRADES, 4 * number)

    def execution_id(self, number: int, *, is_maker: bool) -> str:
        """Write the id of one side of a trade."""
        number += self.number * _TRADE_MARKETS
        if self.product is Product.SPOT:
            return str(_SPOT_TRADES + 2 * number + is_maker)
        return _uuid(_TRADES, 4 * number + 1 + is_maker)

    def funding_id(self, number: int) -> str:
        """Write the id of a payment of funding."""
        return _uuid(_TRADES, 4 * (number + self.number * _TRADE_MARKETS) + 3)


def order_number(product: Product, text: str) -> int:
    """Read the id of an order; -1 for what is none."""
    if product is Product.SPOT:
        return int(text) - _SPOT_ORDERS if text.isascii() and text.isdecimal() and len(text) < 20 else -1
    try:
        number = uuid.UUID(text).int
    except ValueError:
        return -1
    return number & (2**64 - 1) if number >> 96 == _ORDERS else -1


def _uuid(kind: int, number: int) -> str:
    return str(uuid.UUID(int=kind << 96 | number))
