"""Remember what was seen, so that a second telling of it is known for one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

import attrs

__all__ = ["SEEN_NUMBER", "Horizon", "Seen"]

SEEN_NUMBER = 10_000
"""A feed repeats at most so much after it was cut."""

_NEVER_NS = 1 << 63

KeyT = TypeVar("KeyT", bound=Hashable)


@attrs.define
class Horizon:
    """How far back anybody may still ask for what has happened: what is as old as ``since_ns``, or younger,
    must be known for seen when it is told again. At first nobody asks."""

    since_ns: int = _NEVER_NS


class Seen(Generic[KeyT]):
    """At least the newest `SEEN_NUMBER` keys, and all whose times are not beyond the ``horizon``, if any."""

    __slots__ = ("_horizon", "_times")

    def __init__(self, horizon: Horizon | None = None) -> None:
        self._horizon = horizon or Horizon()
        # Its first entry is found at once also where many were deleted, unlike that of a dict.
        self._times: OrderedDict[KeyT, int] = OrderedDict()

    def __contains__(self, key: KeyT) -> bool:
        return key in self._times

    def __len__(self) -> int:
        return len(self._times)

    def add(self, key: KeyT, at_ns: int = 0) -> bool:
        """Remember a key; say whether it is new. What has no time, 0, is remembered by number."""
        times = self._times
        if key in times:
            return False
        times[key] = at_ns
        while len(times) > SEEN_NUMBER:
            oldest = next(iter(times))
            if times[oldest] >= self._horizon.since_ns:
                break
            del times[oldest]
        return True

    def items(self) -> Iterator[tuple[KeyT, int]]:
        """Yield keys and times, the oldest first."""
        yield from self._times.items()
