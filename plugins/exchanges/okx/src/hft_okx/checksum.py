"""The checksum that frames of books carried until the middle of 2026; today it is always 0.

Over the words of the best 25 levels of both sides in turn, as they were sent.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from zlib import crc32

from msgspec import Raw

from hft import DecodeError, decoder

__all__ = ["TextBook", "checksum"]

_LEVELS = 25

_decode_levels = decoder(list[list[str]], "levels")

_Side = dict[Decimal, tuple[str, str]]


class TextBook:
    """A book in the exchange's own words, which the numbers of an order book do not keep."""

    def __init__(self) -> None:
        self._bids: _Side = {}
        self._asks: _Side = {}

    def apply(self, bids: Raw, asks: Raw) -> None:
        """Set levels; raise `DecodeError` for what is none."""
        for side, levels in ((self._bids, bids), (self._asks, asks)):
            for level in _decode_levels(levels):
                try:
                    price, size = Decimal(level[0]), Decimal(level[1])
                    if not (price.is_finite() and size.is_finite()):
                        raise ValueError
                except (InvalidOperation, IndexError, ValueError):
                    raise DecodeError(f"{level!r:.80} is not a level") from None
                if size:
                    side[price] = level[0], level[1]
                else:
                    side.pop(price, None)

    def checksum(self) -> int:
        """Return what a frame that is right says."""
        bids = [self._bids[price] for price in sorted(self._bids, reverse=True)[:_LEVELS]]
        asks = [self._asks[price] for price in sorted(self._asks)[:_LEVELS]]
        return checksum(bids, asks)


def checksum(bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> int:
    """Return the checksum of levels, best first: CRC-32 as a signed number."""
    words: list[str] = []
    for number in range(min(_LEVELS, max(len(bids), len(asks)))):
        for side in (bids, asks):
            if number < len(side):
                words += side[number]
    crc = crc32(":".join(words).encode())
    return crc - 2**32 if crc >= 2**31 else crc
