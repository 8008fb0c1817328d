"""Which fills were booked, so that a second telling of one is known for it."""

from __future__ import annotations

from collections.abc import Iterator

from hft import seen
from hft.seen import Horizon
from hft.types import Side

__all__ = ["Trades"]

_BUY = Side.BUY


class Trades:
    """The same as `hft.seen.Seen` of ids and sides: a trade with ourselves is two fills with one id.

    Each side has a dict of its own: a key made of both takes longer to hash than to look for.
    """

    __slots__ = ("_bought", "_first", "_horizon", "_ids", "_most", "_sides", "_sold")

    def __init__(self, horizon: Horizon) -> None:
        self._horizon = horizon
        self._most = seen.SEEN_NUMBER
        self._bought: dict[str, int] = {}
        self._sold: dict[str, int] = {}
        self._ids: list[str] = []
        self._sides: list[Side] = []
        """Of the ids, both the oldest first."""
        self._first = 0
        """Where the order begins: what is before it was forgotten, and is cut off now and then."""

    def knows(self, trade_id: str, side: Side) -> bool:
        """Say whether a trade was added."""
        return trade_id in (self._bought if side is _BUY else self._sold)

    def add(self, trade_id: str, side: Side, at_ns: int) -> bool:
        """Remember a trade; say whether it is new. What has no time, 0, is remembered by number."""
        times = self._bought if side is _BUY else self._sold
        known = len(times)
        times.setdefault(trade_id, at_ns)
        if len(times) == known:
            return False
        self._ids.append(trade_id)
        self._sides.append(side)
        if len(self._ids) - self._first > self._most:
            self._forget()
        return True

    def _forget(self) -> None:
        ids, sides, first = self._ids, self._sides, self._first
        while len(ids) - first > self._most:
            times = self._bought if sides[first] is _BUY else self._sold
            if times[ids[first]] >= self._horizon.since_ns:
                break
            del times[ids[first]]
            first += 1
        if first >= self._most:
            del ids[:first]
            del sides[:first]
            first = 0
        self._first = first

    def items(self) -> Iterator[tuple[str, Side, int]]:
        """Yield ids, sides and times, the oldest first."""
        for trade_id, side in zip(self._ids[self._first :], self._sides[self._first :], strict=True):
            yield trade_id, side, (self._bought if side is _BUY else self._sold)[trade_id]
