"""Decode JSON into typed messages, or say that it is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec
from msgspec import Raw

from hft.errors import DecodeError

__all__ = ["decoder"]

T = TypeVar("T")

# The last two escape msgspec on bytes that are not UTF-8 and on very deep nesting.
_MALFORMED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


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
