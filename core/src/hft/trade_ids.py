"""Which trades were told, while two connections bring them."""

from __future__ import annotations

from collections import deque

__all__ = ["TradeIds"]

_MAX_HOLES = 16
"""Runs of skipped ids remembered: two connections are out of step for seconds, and seldom."""


class TradeIds:
    """The ids told of a sequence without holes, which two connections may bring out of step.

    While a connection is replaced both bring everything, and the older one may lag behind: an id that
    was skipped is new when it comes. Those from before the first are not.
    """

    __slots__ = ("_holes", "_last")

    def __init__(self) -> None:
        self._last = -1
        self._holes: deque[range] = deque(maxlen=_MAX_HOLES)

    def is_new(self, number: int) -> bool:
        """Note an id; say whether it is told for the first time."""
        last = self._last
        if number > last:
            if 0 <= last < number - 1:
                self._holes.append(range(last + 1, number))
            self._last = number
            return True
        for hole in self._holes:
            if number in hole:
                self._holes.remove(hole)
                rest = range(hole.start, number), range(number + 1, hole.stop)
                self._holes.extend(filter(None, rest))
                return True
        return False
