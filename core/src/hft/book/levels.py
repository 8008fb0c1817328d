"""Read the levels of a JSON slice, exactly, or say what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from hft.book.interface import JsonSlice, Level
from hft.book.ladder import OddLevel
from hft.errors import DecodeError, GridError
from hft.instrument import Instrument
from hft.types import Side

__all__ = ["parse_levels"]

_decode_texts = msgspec.json.Decoder(list[list[str]]).decode
"""Reads what nearly all exchanges send, at twice the speed of the general decoder."""

# Numbers that are not quoted come as their text: a float would already have lost digits.
_decode_any = msgspec.json.Decoder(list[Any], float_hook=str).decode

_MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def parse_levels(instrument: Instrument, side: Side, levels: JsonSlice) -> Sequence[Level | OddLevel]:
    """Return the levels in the order in which they stand; see `OrderBook` for their forms.

    Raises `DecodeError` or `GridError`, naming the first level that is not one.
    """
    parse_price, parse_size = instrument.price, instrument.size
    try:
        texts = _decode_texts(levels)
        parsed = [(parse_price(level[0]), parse_size(level[1])) for level in texts]
    except (GridError, IndexError, *_MALFORMED):
        return [_read(instrument, side, level) for level in _decode(instrument, levels)]
    for price, _ in parsed:
        if not price:
            raise GridError(f"{instrument.id}: price 0 is not positive")
    return parsed


def _decode(instrument: Instrument, levels: JsonSlice) -> list[Any]:
    try:
        return _decode_any(levels)
    except _MALFORMED as error:
        raise DecodeError(f"{instrument.id}: levels are not JSON: {error}") from None


def _read(instrument: Instrument, side: Side, level: Any) -> Level | OddLevel:
    price_text, size_text = _texts(instrument, level)
    try:
        price, size = instrument.price(price_text), instrument.size(size_text)
    except GridError:
        return OddLevel.parse(instrument, side, price_text, size_text)
    if not price:
        raise GridError(f"{instrument.id}: price {price_text!r} is not positive")
    return price, size


def _texts(instrument: Instrument, level: Any) -> tuple[str, str]:
    try:
        if isinstance(level, list):
            price, size = level[0], level[1]
        elif "px" in level:
            price, size = level["px"], level["sz"]
        else:
            price, size = level["price"], level["size"]
    except (LookupError, TypeError):
        raise DecodeError(f"{instrument.id}: {level!r} is not a level") from None
    if type(price) is int:
        price = str(price)
    if type(size) is int:
        size = str(size)
    if not (isinstance(price, str) and isinstance(size, str)):
        raise DecodeError(f"{instrument.id}: {level!r} is not a level")
    return price, size
