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


class _Symbol(msgspec.Struct, rename="camel"):
    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    filters: list[dict[str, Any]]
    margin_asset: str = ""
    is_spot_trading_allowed: bool = True
    price_precision: int = 8
    quantity_precision: int = 8
    quote_precision: int = 8
    base_asset_precision: int = 8


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
            if symbol.margin_asset != symbol.base_asset:
                yield _instrument(symbol, product, exchange)
        except (*_MALFORMED, GridError, InvalidOperation, ValueError, ArithmeticError) as error:
            warn(f"left out a symbol of exchangeInfo: {error}: {bytes(raw)[:80]!r}")


def _instrument(symbol: _Symbol, product: Product, exchange: str) -> Instrument:
    filters = {str(each.get("filterType")): each for each in symbol.filters}
    spot = product is Product.SPOT
    price_digits = symbol.quote_precision if spot else symbol.price_precision
    size_digits = symbol.base_asset_precision if spot else symbol.quantity_precision
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
        base=symbol.base_asset,
        quote=symbol.quote_asset,
        settle=symbol.margin_asset or symbol.quote_asset,
        tick_size=tick_size,
        lot_size=lot_size,
        min_size=Size(max(1, int(smallest))),
        max_size=Size(int(largest)) if largest else None,
        min_notional=_min_notional(filters),
        tradable=symbol.status == "TRADING" and symbol.is_spot_trading_allowed,
    )


def _kind(symbol: _Symbol, product: Product) -> tuple[InstrumentKind, str]:
    pair = f"{symbol.base_asset}/{symbol.quote_asset}"
    if product is Product.SPOT:
        return InstrumentKind.SPOT, pair
    contract = f"{pair}:{symbol.margin_asset or symbol.quote_asset}"
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
