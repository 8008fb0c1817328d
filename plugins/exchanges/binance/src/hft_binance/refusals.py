"""What an answer that is no success proves about the order that it is about; pure."""

from __future__ import annotations

from hft import Ruling
from hft_binance.endpoints import Product
from hft_binance.private_codec import ApiError

__all__ = ["BAD_KEY", "BAD_TIME", "NO_SUCH_ORDER", "verdict"]

BAD_TIME = frozenset({-1021, -5028})
"""Our time or the exchange's clock was off: the request was not looked at any further."""

BAD_KEY = frozenset({-1002, -1022, -2008, -2014, -2015})
"""The key, its rights, our address or the signature."""

NO_SUCH_ORDER = frozenset({-2011, -2013})

_UNKNOWN = frozenset({-1000, -1001, -1006, -1007})
"""Documented as "execution status unknown", or as an internal error about which nothing more is said."""

_BUSY = -1008
_DUPLICATE = "Duplicate"
_DUPLICATE_CODES = frozenset({-4116})
_TIMEOUT = 408
_NO_SUCH_REQUEST = 404
_REFUSED_UNREAD = frozenset({403, 418, 429})
"""Turned away at the door, whatever the body says."""


def verdict(product: Product, status: int, error: ApiError) -> Ruling:
    """Judge an answer with a status that is no success.

    An overload (-1008) is a refusal on futures, whose documentation says so; spot's says of every 5xx that
    the order may have been executed.
    """
    code = error.code
    if code in BAD_TIME:
        return Ruling.NOT_TAKEN
    if status in _REFUSED_UNREAD:
        return Ruling.NOT_TAKEN
    if code == _BUSY and product is Product.USDM:
        return Ruling.NOT_TAKEN
    # An order of this id exists: perhaps this one, sent twice by something in between.
    if code in _UNKNOWN or code in _DUPLICATE_CODES or error.msg.startswith(_DUPLICATE):
        return Ruling.UNKNOWN
    if status == _NO_SUCH_REQUEST or (400 <= status < 500 and status != _TIMEOUT and code < 0):
        return Ruling.REFUSED
    return Ruling.UNKNOWN
