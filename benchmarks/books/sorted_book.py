"""What a user writes in an hour: the standard library's json and two sorted maps."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from itertools import islice
from typing import Any

from sortedcontainers import SortedDict

from benchmarks.books.interface import BookUnderTest, Levels, near_touch
from benchmarks.inputs import DepthInput

__all__ = ["SortedDictBook"]

_TOP = 20


class SortedDictBook(BookUnderTest):
    """Prices and sizes are of the type ``number``; a book is the pair of its sides, both ascending."""

    create = "(SortedDict(), SortedDict())"
    best = "bids.peekitem(-1); asks.peekitem(0)"
    resize = ("bids[price] = small", "bids[price] = large")
    remove = ("del bids[price]", "bids[price] = large")
    top = "[(key, bids[key]) for key in islice(reversed(bids), 20)]"

    def __init__(self, number: Callable[[str], Any]) -> None:
        self._number = number
        self._bids: SortedDict[Any, Any] = SortedDict()
        self._asks: SortedDict[Any, Any] = SortedDict()
        self.names: dict[str, Any] = {
            "apply_frame": self._apply_frame,
            "SortedDict": SortedDict,
            "islice": islice,
            "bids": self._bids,
            "asks": self._asks,
        }

    def prepare(self, depth: DepthInput) -> None:
        number = self._number
        self._depth = depth
        self.names.update(near_touch(depth, number))
        self._sides = [
            {number(price): number(size) for price, size in side} for side in (depth.bids, depth.asks)
        ]
        self._changes = [
            (self._bids if update.is_bid else self._asks, number(update.price), number(update.size))
            for update in depth.updates
        ]

    def load_raw(self) -> None:
        number = self._number
        snapshot = json.loads(self._depth.snapshot)
        for side, levels in ((self._bids, snapshot["bids"]), (self._asks, snapshot["asks"])):
            side.clear()
            side.update({number(price): number(size) for price, size in levels})

    def load(self) -> None:
        for side, levels in zip((self._bids, self._asks), self._sides, strict=True):
            side.clear()
            side.update(levels)

    def apply(self, start: int, stop: int) -> None:
        for side, price, size in self._changes[start:stop]:
            if size:
                side[price] = size
            else:
                side.pop(price, None)

    def levels(self) -> tuple[Levels, Levels]:
        bids = [(price, self._bids[price]) for price in islice(reversed(self._bids), _TOP)]
        asks = list(islice(self._asks.items(), _TOP))
        return _exact(bids), _exact(asks)

    def _apply_frame(self, frame: bytes) -> None:
        number = self._number
        data = json.loads(frame)["data"]
        for side, levels in ((self._bids, data["b"]), (self._asks, data["a"])):
            for price_text, size_text in levels:
                price, size = number(price_text), number(size_text)
                if size:
                    side[price] = size
                else:
                    side.pop(price, None)


def _exact(levels: list[tuple[Any, Any]]) -> Levels:
    return [(Decimal(str(price)), Decimal(str(size))) for price, size in levels]
