"""What the simulated Hyperliquid lists: markets by coin and number, and how it writes their numbers."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import count

import attrs

from hft import InstrumentKind, Price, Side, Size, UsageError
from hft.sim import RecordedMarket, SyntheticMarket, SyntheticProduct, WorldMarket, synthetic_product
from hft_hyperliquid.instruments import PERP_DECIMALS, PRICE_FIGURES, SPOT_DECIMALS

__all__ = ["NS_PER_MS", "NS_PER_S", "Listing", "listings_of", "number", "product"]

NS_PER_MS, NS_PER_S = 1_000_000, 1_000_000_000

_SPOT_ASSETS = 10_000
_SPOT_INDICES = {"PURR": 0, "HYPE": 107}
_FIRST_INDEX = 200

_DECIMALS = {"BTC": 5, "ETH": 4, "SOL": 2, "HYPE": 2, "XRP": 0, "DOGE": 0, "PURR": 0}
_MOST_DECIMALS = 5
_MIN_NOTIONAL = Decimal(10)


def number(value: Decimal | int | str) -> str:
    """Write a number as the exchange does: at least one decimal, and no zeros behind that."""
    text = f"{Decimal(value):f}"
    if "." not in text:
        return f"{text}.0"
    text = text.rstrip("0")
    return f"{text}0" if text.endswith(".") else text


def product(symbol: str, exchange: str) -> SyntheticProduct:
    """Make up an instrument as the exchange has it: five figures, and decimals that size and price share."""
    made = synthetic_product(symbol, exchange)
    instrument = made.instrument
    spot = instrument.kind is InstrumentKind.SPOT
    if not spot and instrument.settle != "USDC":
        raise UsageError(
            f"symbols: {symbol!r} is none of this exchange's, write '{instrument.base}/USDC:USDC'"
        )
    exponent = -instrument.lot_size.adjusted()
    decimals = _DECIMALS.get(instrument.base, max(0, min(_MOST_DECIMALS, exponent)))
    together = SPOT_DECIMALS if spot else PERP_DECIMALS
    return SyntheticProduct(
        attrs.evolve(
            instrument,
            tick_size=Decimal(1).scaleb(decimals - together),
            lot_size=Decimal(1).scaleb(-decimals),
            min_notional=_MIN_NOTIONAL,
            price_figures=PRICE_FIGURES,
        ),
        made.start_price,
    )


@attrs.frozen(eq=False)
class Listing:
    """A market under the exchange's names: ``coin`` in market data, ``asset`` in orders."""

    market: WorldMarket
    coin: str
    asset: int
    leverage: int = 40

    @property
    def is_spot(self) -> bool:
        """Whether it is a pair of tokens."""
        return self.market.instrument.kind is InstrumentKind.SPOT

    @property
    def decimals(self) -> int:
        """Decimals of a size."""
        return max(0, -self.market.instrument.lot_size.adjusted())

    def synthetic(self) -> SyntheticMarket:
        """Return the market as one that can be traded in."""
        assert isinstance(self.market, SyntheticMarket)
        return self.market

    def price(self, price: int) -> str:
        """Write a price."""
        return number(self.market.instrument.format_price(price))

    def size(self, size: int) -> str:
        """Write a size, a signed one with its sign."""
        return number(self.market.instrument.format_size(size))

    def level(self, side: Side, price: Price, size: Size) -> dict[str, str | int]:
        """Write a level of the book."""
        orders = 1
        if not isinstance(self.market, RecordedMarket):
            orders = len(self.synthetic().engine.queue(side, price)) or 1
        return {"px": self.price(price), "sz": self.size(size), "n": orders}

    def mid(self) -> Decimal | None:
        """Return the middle of the best prices, the last trade's where a side is empty."""
        instrument = self.market.instrument
        bids, asks = (self.market.levels(side, 1) for side in (Side.BUY, Side.SELL))
        if bids and asks:
            return instrument.price_to_decimal(bids[0][0] + asks[0][0]) / 2
        last = self.market.statistics.last
        return None if last is None else instrument.price_to_decimal(last.price)


def listings_of(markets: Iterable[WorldMarket]) -> list[Listing]:
    """List markets: perpetuals in their order, pairs by the index that the exchange knows them by."""
    assets, indices = count(0), count(_FIRST_INDEX)
    found = []
    for market in markets:
        instrument = market.instrument
        if instrument.kind is InstrumentKind.SPOT:
            index = _SPOT_INDICES.get(instrument.base)
            if index is None or instrument.quote != "USDC":
                index = next(indices)
            coin = f"{instrument.base}/{instrument.quote}" if index == 0 else f"@{index}"
            found.append(Listing(market, coin, _SPOT_ASSETS + index))
        else:
            found.append(Listing(market, instrument.base, next(assets)))
    return found
