"""Decode JSON into typed messages and their values into ours, or say that they make no sense."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TypeVar

import msgspec
from msgspec import Raw

from hft.errors import DecodeError, GridError
from hft.instrument import MAX_COUNT, Instrument
from hft.types import Price

__all__ = ["booked_price", "decoder", "reading"]

T = TypeVar("T")

# The last two escape msgspec on bytes that are not UTF-8 and on very deep nesting.
_MALFORMED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_SENSELESS = (KeyError, ValueError, GridError, ArithmeticError)
"""What reading a well-formed message raises whose values make no sense."""


def decoder(wanted: type[T], what: str = "") -> Callable[[bytes | Raw], T]:
    """Return a function that decodes JSON into ``wanted``; it raises `DecodeError` where that fails.

    ``what`` stands for it in the error, its name by default.
    """
    decode = msgspec.json.Decoder(wanted).decode
    what = what or wanted.__name__

    def decoded(data: bytes | Raw) -> T:
        try:
            return decode(data)
        except _MALFORMED as error:
            raise DecodeError(f"{what}: {error}") from None

    return decoded


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Raise `DecodeError` where a well-formed message has values that are no price, side or state of ours.

    ``what`` stands for it in the error::

        with reading(f"order {told.id}"):
            return KINDS[told.state], Side(told.side), instrument.price(told.price)
    """
    try:
        yield
    except _SENSELESS as error:
        raise DecodeError(f"{what}: {type(error).__name__}: {error}") from None


def booked_price(instrument: Instrument, text: str, warn: Callable[[str], None]) -> Price:
    """Return the price of a trade that the exchange made by itself: that of the nearest tick.

    A liquidation settles at a price that need not be on the grid, and must be booked nonetheless; that is
    told to ``warn``. Raises `GridError`, or what `reading` takes, for what is no price at all.
    """
    try:
        return instrument.price(text)
    except GridError:
        ticks = (Decimal(text) / instrument.tick_size).to_integral_value(ROUND_HALF_EVEN)
    if not 0 <= ticks < MAX_COUNT:
        raise GridError(f"{instrument}: {text[:40]!r} is no price")
    warn(f"{instrument}: the exchange settled at {text}, booked at the nearest tick")
    return Price(int(ticks))
