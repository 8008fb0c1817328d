"""``exchangeInfo`` into instruments; pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any

import msgspec

from hft import DecodeError, GridError, Instrument, InstrumentId, InstrumentKind, Size
from hft_binance.endpoints import Product

__all__ = ["decode_instruments"]

_DELIVERY = re.compile(r"\w+_(\d{6})", re.ASCII)
"""Dated futures carry the day of delivery behind their name."""


class _Symbol(msgspec.Struct):
    symbol: str
    status: str
    baseAsset: str  # noqa: N815
    quoteAsset: str  # noqa: N815
    filters: list[dict[str, Any]]
    marginAsset: str = ""  # noqa: N815
    isSpotTradingAllowed: bool = True  # noqa: N815
    pricePrecision: int = 8  # noqa: N815
    quantityPrecision: int = 8  # noqa: N815
    quotePrecision: int = 8  # noqa: N815
    baseAssetPrecision: int = 8  # noqa: N815


class _ExchangeInfo(msgspec.Struct):
    symbols: list[msgspec.Raw]


_decode_info = msgspec.json.Decoder(_ExchangeInfo).decode
_decode_symbol = msgspec.json.Decoder(_Symbol).decode

_MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode_instruments(
    body: bytes, product: Product, exchange: str, warn: Callable[[str], None]
) -> list[Instrument]:
    """Read the instruments of one product; a symbol that cannot be read is left out and told of.

    Contracts margined in their own base currency (COIN-M) are left out. Raise `DecodeError` where
    the whole is no ``exchangeInfo``.
    """
    try:
        symbols = _decode_info(body).symbols
    except _MALFORMED as error:
        raise DecodeError(f"exchangeInfo: {error}") from None
    return list(_instruments(symbols, product, exchange, warn))


def _instruments(
    symbols: list[msgspec.Raw], product: Product, exchange: str, warn: Callable[[str], None]
) -> Iterator[Instrument]:
    for raw in symbols:
        try:
            symbol = _decode_symbol(raw)
            if symbol.marginAsset != symbol.baseAsset:
                yield _instrument(symbol, product, exchange)
        except (*_MALFORMED, GridError, InvalidOperation, ValueError, ArithmeticError) as error:
            warn(f"left out a symbol of exchangeInfo: {error}: {bytes(raw)[:80]!r}")


def _instrument(symbol: _Symbol, product: Product, exchange: str) -> Instrument:
    filters = {str(each.get("filterType")): each for each in symbol.filters}
    spot = product is Product.SPOT
    price_digits = symbol.quotePrecision if spot else symbol.pricePrecision
    size_digits = symbol.baseAssetPrecision if spot else symbol.quantityPrecision
    lots = filters.get("LOT_SIZE", {})
    # A step of zero switches the check off: then only the number of digits is limited.
    tick_size = _number(filters.get("PRICE_FILTER", {}), "tickSize") or _step(price_digits)
    lot_size = _number(lots, "stepSize") or _step(size_digits)
    smallest = (_number(lots, "minQty") / lot_size).to_integral_value(ROUND_CEILING)
    largest = (_number(lots, "maxQty") / lot_size).to_integral_value(ROUND_FLOOR)
    kind, unified = _kind(symbol, product)
    return Instrument(
        id=InstrumentId(unified, exchange),
        native_symbol=symbol.symbol,
        kind=kind,
        base=symbol.baseAsset,
        quote=symbol.quoteAsset,
        settle=symbol.marginAsset or symbol.quoteAsset,
        tick_size=tick_size,
        lot_size=lot_size,
        min_size=Size(max(1, int(smallest))),
        max_size=Size(int(largest)) if largest else None,
        min_notional=_min_notional(filters),
        tradable=symbol.status == "TRADING" and symbol.isSpotTradingAllowed,
    )


def _kind(symbol: _Symbol, product: Product) -> tuple[InstrumentKind, str]:
    pair = f"{symbol.baseAsset}/{symbol.quoteAsset}"
    if product is Product.SPOT:
        return InstrumentKind.SPOT, pair
    contract = f"{pair}:{symbol.marginAsset or symbol.quoteAsset}"
    delivery = _DELIVERY.fullmatch(symbol.symbol)
    if delivery:
        return InstrumentKind.FUTURE, f"{contract}-{delivery[1]}"
    return InstrumentKind.PERPETUAL, contract


def _min_notional(filters: dict[str, dict[str, Any]]) -> Decimal:
    # Spot states one of the first two, futures the third.
    for name, key in (
        ("NOTIONAL", "minNotional"),
        ("MIN_NOTIONAL", "minNotional"),
        ("MIN_NOTIONAL", "notional"),
    ):
        if key in filters.get(name, {}):
            return _number(filters[name], key)
    return Decimal(0)


def _number(filter: dict[str, Any], key: str) -> Decimal:
    value = Decimal(str(filter.get(key, "0")))
    if not (value.is_finite() and value >= 0):
        raise ValueError(f"{key} is {value}")
    return value


def _step(digits: int) -> Decimal:
    if not 0 <= digits <= 18:
        raise ValueError(f"{digits} digits are out of range")
    return Decimal(1).scaleb(-digits)
