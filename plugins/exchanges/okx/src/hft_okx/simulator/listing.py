"""What the simulated OKX lists: instruments as it describes them, and the ids of their books."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs

from hft import InstrumentKind, Price, Side, Size
from hft.sim import RecordedMarket, SyntheticMarket, SyntheticProduct, WorldMarket, synthetic_product

__all__ = ["NS_PER_MS", "NS_PER_S", "Listing", "plain", "product"]

NS_PER_MS, NS_PER_S = 1_000_000, 1_000_000_000

_GRIDS = {
    ("BTC", InstrumentKind.SPOT): ("0.1", "0.00000001", "1"),
    ("ETH", InstrumentKind.SPOT): ("0.01", "0.000001", "1"),
    ("BTC", InstrumentKind.PERPETUAL): ("0.1", "0.01", "0.01"),
    ("ETH", InstrumentKind.PERPETUAL): ("0.01", "0.01", "0.1"),
}
"""Tick, lot and worth of a contract of what is traded most, as the exchange has them."""

_MIN_LOTS = {"0.00000001": 1_000, "0.000001": 100}
_LOTS_PER_CONTRACT = 10

_FIRST_SEQ_ID = 10_000_000
_SPOT_LEVERAGE, _SWAP_LEVERAGE = "", "100"
_LISTED_MS = "1611916828000"


def product(symbol: str, exchange: str) -> SyntheticProduct:
    """Make up what trades under a unified symbol, on this exchange's grid: contracts have a worth."""
    made = synthetic_product(symbol, exchange)
    instrument = made.instrument
    pair = f"{instrument.base}-{instrument.quote}"
    swap = instrument.kind is InstrumentKind.PERPETUAL
    known = _GRIDS.get((instrument.base, instrument.kind)) if instrument.quote.startswith("USD") else None
    if known is not None:
        tick, lot, worth = map(Decimal, known)
    elif swap:
        tick, lot = instrument.tick_size, Decimal(1) / _LOTS_PER_CONTRACT
        worth = instrument.lot_size * _LOTS_PER_CONTRACT
    else:
        tick, lot, worth = instrument.tick_size, instrument.lot_size, Decimal(1)
    return attrs.evolve(
        made,
        instrument=attrs.evolve(
            instrument,
            native_symbol=f"{pair}-SWAP" if swap else pair,
            tick_size=tick,
            lot_size=lot,
            contract_multiplier=worth,
            min_size=Size(_MIN_LOTS.get(f"{lot:f}", 1)),
            min_notional=Decimal(0),
        ),
    )


class Listing:
    """One instrument: its market, its number, the ids of its book."""

    def __init__(self, market: WorldMarket, code: int) -> None:
        instrument = market.instrument
        self.market = market
        self.name = instrument.native_symbol
        self.code = code
        self.is_swap = instrument.kind is not InstrumentKind.SPOT
        self.type = "SWAP" if self.is_swap else "SPOT"
        self.family = f"{instrument.base}-{instrument.quote}"
        self._seq_id = _FIRST_SEQ_ID

    @property
    def seq_id(self) -> int:
        """The id of the last change of the book."""
        market = self.market
        return market.book.update_id if isinstance(market, RecordedMarket) else self._seq_id

    def synthetic(self) -> SyntheticMarket:
        """Return its market as one that takes orders."""
        assert isinstance(self.market, SyntheticMarket)
        return self.market

    def count_change(self) -> None:
        """Count one changed level."""
        self._seq_id += 1

    def begin_anew(self) -> int:
        """Let the ids begin anew, as maintenance does; return the last one before."""
        before, self._seq_id = self._seq_id, 1
        return before

    def price(self, ticks: int) -> str:
        """Write a price as the exchange does: without zeros at its end."""
        return plain(self.market.instrument.price_to_decimal(ticks))

    def size(self, lots: int) -> str:
        """Write a size as the exchange does."""
        return plain(self.market.instrument.size_to_decimal(lots))

    def levels(self, side: Side, n: int | None = None) -> list[list[str]]:
        """Write the best ``n`` levels of a side."""
        return [self.level(price, size) for price, size in self.market.levels(side, n)]

    def level(self, price: Price, size: Size) -> list[str]:
        """Write a level."""
        return [self.price(price), self.size(size), "0", "1" if size else "0"]

    def described(self) -> dict[str, Any]:
        """Describe it as ``/public/instruments`` does."""
        instrument, swap = self.market.instrument, self.is_swap
        return {
            "instType": self.type,
            "instId": self.name,
            "instIdCode": self.code,
            "uly": self.family if swap else "",
            "instFamily": self.family if swap else "",
            "baseCcy": "" if swap else instrument.base,
            "quoteCcy": "" if swap else instrument.quote,
            "settleCcy": instrument.settle if swap else "",
            "ctType": "linear" if swap else "",
            "ctVal": plain(instrument.contract_multiplier) if swap else "",
            "ctMult": "1" if swap else "",
            "ctValCcy": instrument.base if swap else "",
            "tickSz": plain(instrument.tick_size),
            "lotSz": plain(instrument.lot_size),
            "minSz": self.size(instrument.min_size),
            "maxLmtSz": "100000000",
            "maxMktSz": "1000000",
            "maxLmtAmt": "20000000",
            "maxMktAmt": "" if swap else "1000000",
            "lever": _SWAP_LEVERAGE if swap else _SPOT_LEVERAGE,
            "state": "live",
            "ruleType": "normal",
            "listTime": _LISTED_MS,
            "expTime": "",
            "alias": "",
            "category": "1",
            "optType": "",
            "stk": "",
            "tradeQuoteCcyList": [] if swap else [instrument.quote],
            "upcChg": [],
        }


def plain(value: Decimal) -> str:
    """Write a number without zeros at its end."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
