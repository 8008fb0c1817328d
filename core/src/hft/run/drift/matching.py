"""Find which fills, and which orders, of two runs are the same ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from operator import attrgetter
from typing import Generic, TypeVar

import attrs

from hft.run.drift.deeds import Deed, Traded

__all__ = ["Matches", "match_fills", "match_orders"]

T = TypeVar("T", Deed, Traded)


@attrs.define
class Matches(Generic[T]):
    """Pairs of one thing in both runs, first the session's, and what only one of them has."""

    pairs: list[tuple[T, T]]
    session: list[T]
    backtest: list[T]


def match_fills(session: Sequence[Traded], backtest: Sequence[Traded], within_ns: int) -> Matches[Traded]:
    """Match fills one to one: of one instrument and side, at most ``within_ns`` apart, in their order.

    First those of the same price and size, then of the same price, then of any price.
    """
    return _matched(
        session,
        backtest,
        within_ns,
        [
            attrgetter("instrument", "side", "price", "size"),
            attrgetter("instrument", "side", "price"),
            attrgetter("instrument", "side"),
        ],
    )


def match_orders(session: Sequence[Deed], backtest: Sequence[Deed], within_ns: int) -> Matches[Deed]:
    """Match orders one to one: of one instrument, side, price, size and conditions, in their order."""
    alike = attrgetter("instrument", "side", "price", "size", "more")
    return _matched(session, backtest, within_ns, [alike])


def _matched(
    session: Sequence[T], backtest: Sequence[T], within_ns: int, passes: Sequence[Callable[[T], Hashable]]
) -> Matches[T]:
    matches: Matches[T] = Matches([], list(session), list(backtest))
    for key in passes:
        ours, theirs = _grouped(matches.session, key), _grouped(matches.backtest, key)
        matches.session, matches.backtest = [], []
        for group in ours.keys() | theirs.keys():
            _pair(ours.get(group, []), theirs.get(group, []), within_ns, matches)
        for part in (matches.session, matches.backtest):
            part.sort(key=lambda each: each.time_ns)
    matches.pairs.sort(key=lambda pair: pair[0].time_ns)
    return matches


def _grouped(each: Sequence[T], key: Callable[[T], Hashable]) -> dict[Hashable, list[T]]:
    groups: dict[Hashable, list[T]] = defaultdict(list)
    for one in each:
        groups[key(one)].append(one)
    return groups


def _pair(ours: Sequence[T], theirs: Sequence[T], within_ns: int, matches: Matches[T]) -> None:
    """Pair the oldest of both while they are close enough; the older of two that are not is alone."""
    i = j = 0
    while i < len(ours) and j < len(theirs):
        ahead_ns = ours[i].time_ns - theirs[j].time_ns
        if abs(ahead_ns) <= within_ns:
            matches.pairs.append((ours[i], theirs[j]))
            i, j = i + 1, j + 1
        elif ahead_ns < 0:
            matches.session.append(ours[i])
            i += 1
        else:
            matches.backtest.append(theirs[j])
            j += 1
    matches.session += ours[i:]
    matches.backtest += theirs[j:]
