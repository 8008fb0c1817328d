"""Remember what was seen, so that a second telling of it is known for one."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

__all__ = ["SEEN_FOR_NS", "SEEN_NUMBER", "Seen"]

SEEN_NUMBER = 10_000
"""A feed repeats at most so much after it was cut."""

SEEN_FOR_NS = 3_600_000_000_000
"""Whoever asks an exchange again for what has happened goes back less than this: an account is compared at
least every half hour, and each time asked from two minutes before the last comparison."""

KeyT = TypeVar("KeyT", bound=Hashable)


class Seen(Generic[KeyT]):
    """At least the newest `SEEN_NUMBER` keys, and all of the last `SEEN_FOR_NS` by the times given."""

    __slots__ = ("_times",)

    def __init__(self) -> None:
        self._times: dict[KeyT, int] = {}

    def __contains__(self, key: KeyT) -> bool:
        return key in self._times

    def __len__(self) -> int:
        return len(self._times)

    def add(self, key: KeyT, at_ns: int) -> bool:
        """Remember a key; say whether it is new. What has no time, 0, is remembered by number."""
        times = self._times
        if key in times:
            return False
        times[key] = at_ns
        while len(times) > SEEN_NUMBER:
            oldest = next(iter(times))
            if at_ns and times[oldest] > at_ns - SEEN_FOR_NS:
                break
            del times[oldest]
        return True

    def items(self) -> Iterator[tuple[KeyT, int]]:
        """Yield keys and times, the oldest first."""
        yield from self._times.items()
