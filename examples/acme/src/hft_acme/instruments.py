"""Acme's listings as instruments."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from hft import DecodeError, GridError, Instrument, InstrumentId, InstrumentKind
from hft_acme import codec

__all__ = ["decode_instruments"]


def decode_instruments(body: bytes, exchange: str) -> list[Instrument]:
    """Return what is listed; raise `DecodeError` for what is no list of instruments."""
    try:
        return [_instrument(listing, exchange) for listing in codec.decode(body, list[codec.Listing])]
    except (GridError, InvalidOperation) as error:
        raise DecodeError(str(error)) from None


def _instrument(listing: codec.Listing, exchange: str) -> Instrument:
    return Instrument(
        id=InstrumentId(f"{listing.base}/{listing.quote}", exchange),
        native_symbol=listing.symbol,
        kind=InstrumentKind.SPOT,
        base=listing.base,
        quote=listing.quote,
        settle=listing.quote,
        tick_size=Decimal(listing.tick),
        lot_size=Decimal(listing.lot),
        min_notional=Decimal(listing.min_value),
    )
