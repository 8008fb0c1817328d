"""The instrument that data is about, as it stands beside the data: its grid, and fees if there are any."""

from __future__ import annotations

from decimal import Decimal

import attrs
import msgspec

from hft.errors import DataError, GridError
from hft.instrument import Instrument, InstrumentId
from hft.types import InstrumentKind, Size

__all__ = ["Listing", "decode_listing", "encode_listing"]


@attrs.frozen(kw_only=True, eq=False)
class Listing:
    """An instrument and its fees: rates, None where nobody wrote them."""

    instrument: Instrument
    maker_fee: Decimal | None = None
    taker_fee: Decimal | None = None


class _ListingFile(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """``instrument.json``: decimals are texts, ``min_size`` and ``max_size`` lots."""

    symbol: str
    exchange: str
    native_symbol: str
    kind: str
    base: str
    quote: str
    settle: str
    tick_size: Decimal
    lot_size: Decimal
    min_size: int = 1
    max_size: int | None = None
    min_notional: Decimal = Decimal(0)
    contract_multiplier: Decimal = Decimal(1)
    inverse: bool = False
    maker_fee: Decimal | None = None
    taker_fee: Decimal | None = None


def encode_listing(instrument: Instrument, maker_fee: Decimal | None, taker_fee: Decimal | None) -> bytes:
    """Return the JSON of an instrument and its fees."""
    described = _ListingFile(
        symbol=instrument.symbol,
        exchange=instrument.exchange,
        native_symbol=instrument.native_symbol,
        kind=instrument.kind.value,
        base=instrument.base,
        quote=instrument.quote,
        settle=instrument.settle,
        tick_size=instrument.tick_size,
        lot_size=instrument.lot_size,
        min_size=instrument.min_size,
        max_size=instrument.max_size,
        min_notional=instrument.min_notional,
        contract_multiplier=instrument.contract_multiplier,
        inverse=instrument.inverse,
        maker_fee=maker_fee,
        taker_fee=taker_fee,
    )
    return msgspec.json.format(msgspec.json.encode(described))


def decode_listing(data: bytes, exchange: str | None = None) -> Listing:
    """Read the JSON; raise `DataError` saying what is wrong. ``exchange`` replaces the one it names."""
    try:
        described = msgspec.json.decode(data, type=_ListingFile)
        instrument = _instrument(described, described.exchange if exchange is None else exchange)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, GridError) as error:
        raise DataError(str(error)) from None
    return Listing(instrument=instrument, maker_fee=described.maker_fee, taker_fee=described.taker_fee)


def _instrument(described: _ListingFile, exchange: str) -> Instrument:
    return Instrument(
        id=InstrumentId(described.symbol, exchange),
        native_symbol=described.native_symbol,
        kind=InstrumentKind(described.kind),
        base=described.base,
        quote=described.quote,
        settle=described.settle,
        tick_size=described.tick_size,
        lot_size=described.lot_size,
        min_size=Size(described.min_size),
        max_size=None if described.max_size is None else Size(described.max_size),
        min_notional=described.min_notional,
        contract_multiplier=described.contract_multiplier,
        inverse=described.inverse,
    )
