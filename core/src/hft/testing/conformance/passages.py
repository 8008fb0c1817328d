"""Learn how a simulator calls what passes through its faults, by watching: cards know no exchange's names."""

from __future__ import annotations

import re
from collections.abc import Iterable

import attrs

from hft.clock import Clock
from hft.sim import Faults
from hft.sim.fault import Place

__all__ = ["Passage", "Passages", "pattern"]


@attrs.frozen
class Passage:
    """Something passed: when, where and by which name."""

    at_ns: int
    place: Place
    name: str


class Passages:
    """Notes everything that passes through the faults of a simulator, whether a fault strikes it or not."""

    def __init__(self, faults: Faults, clock: Clock) -> None:
        self.seen: list[Passage] = []
        self._clock = clock
        faults.observer = self._note

    def names(self, place: Place, since_ns: int = 0) -> list[str]:
        """Return the names of what passed at a place, each once, in their order."""
        return list(
            dict.fromkeys(each.name for each in self.seen if each.place is place and each.at_ns >= since_ns)
        )

    def count(self, places: Iterable[Place], since_ns: int = 0) -> int:
        """Return how much passed at some places."""
        wanted = tuple(places)
        return sum(each.place in wanted and each.at_ns >= since_ns for each in self.seen)

    def _note(self, place: Place, name: str) -> None:
        self.seen.append(Passage(self._clock.now_ns(), place, name))


def pattern(name: str) -> str:
    """Return the shell pattern that means one name and no other."""
    return re.sub(r"([\[*?])", r"[\1]", name)
