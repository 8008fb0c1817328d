"""Remember what was seen, so that a second telling of it is known for one."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

__all__ = ["SEEN_NUMBER", "Horizon", "Seen"]

SEEN_NUMBER = 10_000
"""A feed repeats at most so much after it was cut."""

_NEVER_NS = 1 << 63


class Horizon:
    """How far back anybody may still ask for what has happened: what is as old as ``since_ns``, or younger,
    must be known for seen when it is told again. At first nobody asks."""

    __slots__ = ("since_ns",)

    def __init__(self, since_ns: int = _NEVER_NS) -> None:
        self.since_ns = since_ns


class Seen:
    """At least the newest `SEEN_NUMBER` keys, and all whose times are not beyond the ``horizon``, if any."""

    __slots__ = ("_first", "_horizon", "_most", "_order", "_times")

    def __init__(self, horizon: Horizon | None = None) -> None:
        self._horizon = horizon or Horizon()
        self._most = SEEN_NUMBER
        self._times: dict[Any, int] = {}
        # A dict looks for its first entry behind all that were deleted there.
        self._order: list[Hashable] = []
        self._first = 0
        """Where the order begins: what is before it was forgotten, and is cut off now and then."""

    def __contains__(self, key: Hashable) -> bool:
        return key in self._times

    def __len__(self) -> int:
        return len(self._times)

    def add(self, key: Hashable, at_ns: int = 0) -> bool:
        """Remember a key; say whether it is new. What has no time, 0, is remembered by number."""
        times = self._times
        known = len(times)
        times.setdefault(key, at_ns)
        if len(times) == known:
            return False
        self._order.append(key)
        if known >= self._most:
            self._forget()
        return True

    def _forget(self) -> None:
        times, order, first = self._times, self._order, self._first
        since_ns = self._horizon.since_ns
        while len(times) > self._most and times[order[first]] < since_ns:
            del times[order[first]]
            first += 1
        if first >= self._most:
            del order[:first]
            first = 0
        self._first = first

    def items(self) -> Iterator[tuple[Any, int]]:
        """Yield keys and times, the oldest first."""
        return iter(self._times.items())
