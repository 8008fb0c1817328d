"""The order book in pure Python, on sortedcontainers."""

from __future__ import annotations

from itertools import islice
from typing import Any

import msgspec
from sortedcontainers import SortedDict

from hft.book.interface import JsonSlice, Level, OrderBook
from hft.errors import DecodeError, GridError
from hft.instrument import Instrument
from hft.types import BookState, Price, Side, Size

__all__ = ["SortedBook"]

# Numbers that are not quoted come as their text: a float would already have lost digits.
_levels = msgspec.json.Decoder(list[Any], float_hook=str)


class SortedBook(OrderBook):
    """Two sorted maps of price to size; see `OrderBook`."""

    __slots__ = (
        "_asks",
        "_bids",
        "best_ask",
        "best_ask_size",
        "best_bid",
        "best_bid_size",
        "exchange_ns",
        "instrument",
        "recv_ns",
        "state",
        "update_id",
    )

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.state = BookState.SYNCING
        self.update_id = 0
        self.exchange_ns = 0
        self.recv_ns = 0
        self._bids: SortedDict[Price, Size] = SortedDict()
        self._asks: SortedDict[Price, Size] = SortedDict()
        self._refresh()

    def apply_snapshot(self, bids: JsonSlice, asks: JsonSlice) -> None:
        new_bids, new_asks = self._parse(bids), self._parse(asks)
        self._bids = SortedDict((price, size) for price, size in new_bids if size)
        self._asks = SortedDict((price, size) for price, size in new_asks if size)
        self._refresh()

    def apply_delta(self, bids: JsonSlice, asks: JsonSlice) -> None:
        # Both are parsed before either is touched: a fault in the asks must not leave new bids.
        new_bids, new_asks = self._parse(bids), self._parse(asks)
        _set(self._bids, new_bids)
        _set(self._asks, new_asks)
        self._refresh()

    def set_level(self, side: Side, price: Price, size: Size) -> None:
        if price <= 0 or size < 0:
            raise GridError(f"{self.instrument.id}: level {price} x {size} is not positive")
        _set(self._bids if side is Side.BUY else self._asks, [(price, size)])
        self._refresh()

    def clear(self) -> None:
        self._bids.clear()
        self._asks.clear()
        self._refresh()

    def bids(self, n: int | None = None) -> list[Level]:
        bids = self._bids
        return [(price, bids[price]) for price in islice(reversed(bids), n)]

    def asks(self, n: int | None = None) -> list[Level]:
        return list(islice(self._asks.items(), n))

    def size_at(self, side: Side, price: Price) -> Size:
        return (self._bids if side is Side.BUY else self._asks).get(price, Size(0))

    def _refresh(self) -> None:
        if self._bids:
            self.best_bid, self.best_bid_size = self._bids.peekitem(-1)
        else:
            self.best_bid, self.best_bid_size = None, Size(0)
        if self._asks:
            self.best_ask, self.best_ask_size = self._asks.peekitem(0)
        else:
            self.best_ask, self.best_ask_size = None, Size(0)

    def _parse(self, levels: JsonSlice) -> list[Level]:
        instrument = self.instrument
        parse_price, parse_size = instrument.price, instrument.size
        try:
            decoded = _levels.decode(levels)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DecodeError(f"{instrument.id}: levels are not JSON: {error}") from None
        parsed: list[Level] = []
        for level in decoded:
            price, size = _texts(level, instrument)
            ticks = parse_price(price)
            if not ticks:
                raise GridError(f"{instrument.id}: price {price!r} is not positive")
            parsed.append((ticks, parse_size(size)))
        return parsed


def _set(side: SortedDict[Price, Size], levels: list[Level]) -> None:
    for price, size in levels:
        if size:
            side[price] = size
        else:
            side.pop(price, None)


def _texts(level: Any, instrument: Instrument) -> tuple[str, str]:
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
