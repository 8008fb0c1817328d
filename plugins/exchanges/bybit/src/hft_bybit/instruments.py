"""``instruments-info`` into instruments; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation

import msgspec
from msgspec import Struct, field

from hft import DecodeError, GridError, Instrument, InstrumentId, InstrumentKind, Size, decoder
from hft_bybit.endpoints import Product

__all__ = ["InstrumentPage", "decode_instruments"]

_KINDS = {"LinearPerpetual": InstrumentKind.PERPETUAL, "LinearFutures": InstrumentKind.FUTURE}


class _Prices(Struct):
    tick: str = field(name="tickSize")


class _Sizes(Struct):
    step: str = field(name="qtyStep", default="")
    precision: str = field(name="basePrecision", default="")
    smallest: str = field(name="minOrderQty", default="")
    largest: str = field(name="maxOrderQty", default="")
    largest_limit: str = field(name="maxLimitOrderQty", default="")
    min_notional: str = field(name="minNotionalValue", default="")
    min_amount: str = field(name="minOrderAmt", default="")


class _Symbol(Struct):
    symbol: str
    status: str
    base: str = field(name="baseCoin")
    quote: str = field(name="quoteCoin")
    prices: _Prices = field(name="priceFilter")
    sizes: _Sizes = field(name="lotSizeFilter")
    settle: str = field(name="settleCoin", default="")
    kind: str = field(name="contractType", default="")
    delivery_ms: str = field(name="deliveryTime", default="0")


class _Listing(Struct):
    symbols: list[msgspec.Raw] = field(name="list")
    category: str = ""
    cursor: str = field(name="nextPageCursor", default="")


class _Info(Struct):
    code: int = field(name="retCode")
    result: msgspec.Raw = msgspec.Raw(b"{}")
    message: str = field(name="retMsg", default="")


class InstrumentPage(Struct):
    """One page of instruments; ``cursor`` asks for the next, empty on the last."""

    instruments: list[Instrument]
    cursor: str


_decode_info = decoder(_Info, "instruments-info")
_decode_listing = decoder(_Listing, "instruments-info")
_decode_symbol = decoder(_Symbol, "symbol")


def decode_instruments(
    body: bytes, product: Product, exchange: str, warn: Callable[[str], None]
) -> InstrumentPage:
    """Read the instruments of one product; a symbol that cannot be read is left out and told of.

    Contracts margined in their base currency are left out. Raise `DecodeError` where the whole is no
    ``instruments-info``.
    """
    info = _decode_info(body)
    if info.code:
        raise DecodeError(f"instruments-info: refused: {info.code} {info.message[:200]!r}")
    listing = _decode_listing(info.result)
    if listing.category not in ("", product.value):
        raise DecodeError(f"instruments-info: of {listing.category[:40]!r} where {product.value!r} was asked")
    return InstrumentPage(list(_instruments(listing.symbols, product, exchange, warn)), listing.cursor)


def _instruments(
    symbols: list[msgspec.Raw], product: Product, exchange: str, warn: Callable[[str], None]
) -> Iterator[Instrument]:
    for raw in symbols:
        try:
            symbol = _decode_symbol(raw)
            if product is Product.SPOT or symbol.kind in _KINDS:
                yield _instrument(symbol, product, exchange)
        except (DecodeError, GridError, InvalidOperation, ValueError, ArithmeticError) as error:
            warn(f"left out a symbol of instruments-info: {error}: {bytes(raw)[:80]!r}")


def _instrument(symbol: _Symbol, product: Product, exchange: str) -> Instrument:
    spot = product is Product.SPOT
    sizes = symbol.sizes
    lot_size = _number(sizes.precision if spot else sizes.step, "lot size")
    smallest = (_number(sizes.smallest or "0", "minOrderQty") / lot_size).to_integral_value(ROUND_CEILING)
    largest_text = (sizes.largest_limit if spot else "") or sizes.largest or "0"
    largest = (_number(largest_text, "maxOrderQty") / lot_size).to_integral_value(ROUND_FLOOR)
    settle = symbol.quote if spot else symbol.settle or symbol.quote
    kind, unified = _kind(symbol, product, settle)
    return Instrument(
        id=InstrumentId(unified, exchange),
        native_symbol=symbol.symbol,
        kind=kind,
        base=symbol.base,
        quote=symbol.quote,
        settle=settle,
        tick_size=_number(symbol.prices.tick, "tickSize"),
        lot_size=lot_size,
        # Spot's smallest size is deprecated there: what an order is worth decides.
        min_size=Size(1 if spot else max(1, int(smallest))),
        max_size=Size(int(largest)) if largest else None,
        min_notional=_number((sizes.min_amount if spot else sizes.min_notional) or "0", "minimum value"),
        tradable=symbol.status == "Trading",
    )


def _kind(symbol: _Symbol, product: Product, settle: str) -> tuple[InstrumentKind, str]:
    pair = f"{symbol.base}/{symbol.quote}"
    if product is Product.SPOT:
        return InstrumentKind.SPOT, pair
    kind, contract = _KINDS[symbol.kind], f"{pair}:{settle}"
    if kind is InstrumentKind.PERPETUAL:
        return kind, contract
    delivery = datetime.fromtimestamp(int(symbol.delivery_ms) / 1000, UTC)
    return kind, f"{contract}-{delivery:%y%m%d}"


def _number(text: str, what: str) -> Decimal:
    value = Decimal(text)
    if not (value.is_finite() and value >= 0):
        raise ValueError(f"{what} is {value}")
    return value
