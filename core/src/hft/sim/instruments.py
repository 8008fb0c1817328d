"""What trades in a synthetic world: instruments with plausible prices, ticks and lots."""

from __future__ import annotations

import math
from decimal import Decimal

import attrs

from hft.errors import UsageError
from hft.instrument import Instrument, InstrumentId
from hft.types import InstrumentKind

__all__ = ["SyntheticProduct", "synthetic_product"]

_USD = {
    "USDT": 1.0,
    "USDC": 1.0,
    "USD": 1.0,
    "FDUSD": 1.0,
    "EUR": 1.1,
    "BTC": 60_000.0,
    "ETH": 2_500.0,
    "BNB": 550.0,
    "SOL": 150.0,
    "LTC": 70.0,
    "AVAX": 25.0,
    "LINK": 12.0,
    "DOT": 5.0,
    "XRP": 0.55,
    "ADA": 0.4,
    "DOGE": 0.12,
    "TRX": 0.15,
}
"""Where the synthetic prices start, roughly those of autumn 2024."""

_UNKNOWN_USD = 10.0

_GRIDS = {
    ("BTC", InstrumentKind.SPOT): ("0.01", "0.00001"),
    ("BTC", InstrumentKind.PERPETUAL): ("0.1", "0.001"),
    ("ETH", InstrumentKind.SPOT): ("0.01", "0.0001"),
    ("ETH", InstrumentKind.PERPETUAL): ("0.01", "0.001"),
    ("SOL", InstrumentKind.SPOT): ("0.01", "0.001"),
    ("SOL", InstrumentKind.PERPETUAL): ("0.01", "0.01"),
    ("BNB", InstrumentKind.SPOT): ("0.01", "0.001"),
    ("BNB", InstrumentKind.PERPETUAL): ("0.01", "0.01"),
    ("XRP", InstrumentKind.SPOT): ("0.0001", "0.1"),
    ("XRP", InstrumentKind.PERPETUAL): ("0.0001", "0.1"),
    ("DOGE", InstrumentKind.SPOT): ("0.00001", "1"),
    ("DOGE", InstrumentKind.PERPETUAL): ("0.00001", "1"),
}
"""Tick and lot of what is traded most against dollars, as large exchanges have them."""

_TICKS_PER_PRICE = 5
"""Digits of the price above its tick, where the table says nothing: 10 dollars in steps of 0.001."""

_MIN_NOTIONAL_USD = {InstrumentKind.SPOT: 5.0, InstrumentKind.PERPETUAL: 20.0}


@attrs.frozen
class SyntheticProduct:
    """An instrument and the price at which its trading begins, in quote currency."""

    instrument: Instrument
    start_price: float


def synthetic_product(symbol: str, exchange: str) -> SyntheticProduct:
    """Make up an instrument for a unified symbol: ``BTC/USDT`` spot, ``BTC/USDT:USDT`` perpetual.

    Raise `UsageError` for anything else.
    """
    try:
        instrument_id = InstrumentId.parse(f"{symbol}@{exchange}")
    except ValueError as error:
        raise UsageError(f"symbols: {error}") from None
    base, _, rest = symbol.partition("/")
    quote, colon, settle = rest.partition(":")
    if not (base.isalnum() and quote.isalnum()) or (colon and settle != quote):
        raise UsageError(
            f"symbols: {symbol!r} cannot be simulated, only spot ('BTC/USDT') "
            "and linear perpetuals ('BTC/USDT:USDT') can"
        )
    kind = InstrumentKind.PERPETUAL if colon else InstrumentKind.SPOT
    quote_usd = _USD.get(quote, 1.0)
    price = _USD.get(base, _UNKNOWN_USD) / quote_usd
    tick, lot = _grid(base, quote_usd, kind, price)
    return SyntheticProduct(
        Instrument(
            id=instrument_id,
            native_symbol=base + quote,
            kind=kind,
            base=base,
            quote=quote,
            settle=settle or quote,
            tick_size=tick,
            lot_size=lot,
            min_notional=_round(_MIN_NOTIONAL_USD[kind] / quote_usd),
        ),
        price,
    )


def _grid(base: str, quote_usd: float, kind: InstrumentKind, price: float) -> tuple[Decimal, Decimal]:
    known = _GRIDS.get((base, kind)) if quote_usd == 1.0 else None
    if known is not None:
        return Decimal(known[0]), Decimal(known[1])
    magnitude = math.floor(math.log10(price))
    # A lot is worth between 1 and 10 cents, as on large exchanges.
    lot = math.floor(math.log10(0.1 / (price * quote_usd)))
    return Decimal(1).scaleb(magnitude - _TICKS_PER_PRICE + 1), Decimal(1).scaleb(lot)


def _round(value: float) -> Decimal:
    """Round to one significant digit: exchanges set such limits by hand."""
    return Decimal(f"{value:.0e}")
