"""``meta`` and ``spotMeta`` into instruments, and the numbers by which orders name them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

import msgspec

from hft import DecodeError, Instrument, InstrumentId, InstrumentKind

__all__ = ["PERP_DECIMALS", "PRICE_FIGURES", "SPOT_DECIMALS", "asset_ids", "decode_perps", "decode_spot"]

PRICE_FIGURES = 5
"""Significant figures of a price; whole numbers may have more."""

PERP_DECIMALS, SPOT_DECIMALS = 6, 8
"""Decimals that price and size may have together."""

_MIN_NOTIONAL = Decimal(10)
_SPOT_ASSETS = 10_000
_USDC = "USDC"

_MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Perp(msgspec.Struct):
    name: str
    decimals: int = msgspec.field(name="szDecimals")
    is_delisted: bool | None = msgspec.field(name="isDelisted", default=None)


class _Meta(msgspec.Struct):
    universe: list[msgspec.Raw]
    collateral: int | None = msgspec.field(name="collateralToken", default=None)


class _Token(msgspec.Struct):
    name: str
    index: int
    decimals: int = msgspec.field(name="szDecimals")


class _Pair(msgspec.Struct):
    name: str
    tokens: tuple[int, int]
    index: int


class _SpotMeta(msgspec.Struct):
    tokens: list[_Token]
    universe: list[msgspec.Raw]


_decode_meta = msgspec.json.Decoder(_Meta).decode
_decode_perp = msgspec.json.Decoder(_Perp).decode
_decode_spot_meta = msgspec.json.Decoder(_SpotMeta).decode
_decode_pair = msgspec.json.Decoder(_Pair).decode


def decode_perps(body: bytes, exchange: str, warn: Callable[[str], None]) -> list[Instrument]:
    """Read the perpetuals of ``meta``; one that cannot be read is left out and told of.

    Raise `DecodeError` where the whole is no ``meta``, or is not margined in USDC.
    """
    meta = _meta(body)
    if meta.collateral:
        raise DecodeError(f"meta: the collateral is token {meta.collateral}, not USDC")
    return list(_each(meta.universe, lambda raw: _perp(_decode_perp(raw), exchange), "meta", warn))


def decode_spot(body: bytes, exchange: str, warn: Callable[[str], None]) -> list[Instrument]:
    """Read the pairs of ``spotMeta``; one that cannot be read is left out and told of.

    Of several pairs of one name the first is meant. Raise `DecodeError` where the whole is no ``spotMeta``.
    """
    meta = _spot_meta(body)
    tokens = {token.index: token for token in meta.tokens}
    found: dict[str, Instrument] = {}
    for instrument in _each(
        meta.universe, lambda raw: _pair(_decode_pair(raw), tokens, exchange), "spotMeta", warn
    ):
        found.setdefault(instrument.symbol, instrument)
    return list(found.values())


def asset_ids(meta: bytes, spot_meta: bytes | None) -> dict[str, int]:
    """Return the number of each coin: its place in ``meta``, or 10000 and its index in ``spotMeta``.

    Raise `DecodeError` for what is neither.
    """
    try:
        # Also what is delisted or cannot be read keeps its place.
        ids = {_coin(raw): place for place, raw in enumerate(_meta(meta).universe)}
        if spot_meta is not None:
            pairs = map(_decode_pair, _spot_meta(spot_meta).universe)
            ids |= {pair.name: _SPOT_ASSETS + pair.index for pair in pairs}
    except _MALFORMED as error:
        raise DecodeError(f"meta: {error}") from None
    return ids


class _Named(msgspec.Struct):
    name: str


_decode_name = msgspec.json.Decoder(_Named).decode


def _coin(raw: msgspec.Raw) -> str:
    return _decode_name(raw).name


def _meta(body: bytes) -> _Meta:
    try:
        return _decode_meta(body)
    except _MALFORMED as error:
        raise DecodeError(f"meta: {error}") from None


def _spot_meta(body: bytes) -> _SpotMeta:
    try:
        return _decode_spot_meta(body)
    except _MALFORMED as error:
        raise DecodeError(f"spotMeta: {error}") from None


def _each(
    entries: list[msgspec.Raw],
    read: Callable[[msgspec.Raw], Instrument],
    what: str,
    warn: Callable[[str], None],
) -> Iterator[Instrument]:
    for raw in entries:
        try:
            yield read(raw)
        except (*_MALFORMED, ValueError, KeyError) as error:
            warn(f"left out an entry of {what}: {error}: {bytes(raw)[:80]!r}")


def _perp(perp: _Perp, exchange: str) -> Instrument:
    return Instrument(
        id=InstrumentId(f"{perp.name}/{_USDC}:{_USDC}", exchange),
        native_symbol=perp.name,
        kind=InstrumentKind.PERPETUAL,
        base=perp.name,
        quote=_USDC,
        settle=_USDC,
        tick_size=_step(PERP_DECIMALS - perp.decimals),
        lot_size=_step(perp.decimals),
        min_notional=_MIN_NOTIONAL,
        tradable=not perp.is_delisted,
        price_figures=PRICE_FIGURES,
    )


def _pair(pair: _Pair, tokens: dict[int, _Token], exchange: str) -> Instrument:
    base, quote = (tokens[index] for index in pair.tokens)
    return Instrument(
        id=InstrumentId(f"{base.name}/{quote.name}", exchange),
        native_symbol=pair.name,
        kind=InstrumentKind.SPOT,
        base=base.name,
        quote=quote.name,
        settle=quote.name,
        tick_size=_step(SPOT_DECIMALS - base.decimals),
        lot_size=_step(base.decimals),
        min_notional=_MIN_NOTIONAL,
        price_figures=PRICE_FIGURES,
    )


def _step(decimals: int) -> Decimal:
    if not 0 <= decimals <= SPOT_DECIMALS:
        raise ValueError(f"{decimals} decimals are out of range")
    return Decimal(1).scaleb(-decimals)
