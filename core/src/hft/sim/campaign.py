"""Draw plausible faults, for many short runs that each meet a few of them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

import attrs

from hft.sim.fault import CLOCK, CONNECT, KINDS, REPLY, REQUEST, Fault, FaultKind, Place
from hft.types import Duration

__all__ = ["FaultPlaces", "random_fault", "random_faults"]

MS = 1_000_000

_SHORT, _LONG = 50 * MS, 5_000 * MS
_MOST_SKIPPED = {Place.STREAM: 40}
_MOST_SKIPPED_ELSEWHERE = 3
"""Clients ask seldom, and for most as they begin."""

_BURST = (1, 1, 1, 2, 3, 5, 20)
"""How many in a row are hit: one mostly, few often, sometimes all for a while."""

_WEIGHTS = {Place.STREAM: 3, Place.REQUEST: 2, Place.REPLY: 2, Place.CONNECT: 1, Place.CLOCK: 1}
"""How often a place is drawn, each of its patterns so many times."""

_CHANCES = (1.0, 1.0, 1.0, 0.5, 0.1)
_STATUSES = (500, 502, 503, 503, 504, 429, 429, 418)
_TOO_MANY = (418, 429)
_MIXED = 0.5
"""How often a fault after the first one is at the place of the one before it."""


@attrs.frozen(kw_only=True)
class FaultPlaces:
    """Where the faults of a campaign may strike: patterns without what stands before them.

    ``streams`` are topics, ``methods`` those of websocket APIs, ``requests`` are written
    ``METHOD PATH``, ``connects`` are the paths of websockets without the slash they begin with.
    """

    streams: Sequence[str] = ()
    methods: Sequence[str] = ()
    requests: Sequence[str] = ()
    connects: Sequence[str] = ()
    clock: bool = True

    def patterns(self) -> list[str]:
        """Return every place as the ``where`` of a fault."""
        both = [*self.methods, *self.requests]
        return [
            *self.streams,
            *(REQUEST + name for name in both),
            *(REPLY + name for name in both),
            *(CONNECT + path for path in self.connects),
            *([CLOCK] if self.clock else []),
        ]

    def possible(self, kinds: Iterable[FaultKind] = FaultKind) -> dict[str, list[FaultKind]]:
        """Return which of the kinds can happen at each place, as the ``where`` of a fault."""
        # By the order in which they are declared: a set's own differs from one process to the next.
        wanted = [kind for kind in FaultKind if kind in set(kinds)]
        methods = {beginning + name for name in self.methods for beginning in (REQUEST, REPLY)}
        possible = {where: _possible(where, wanted, api=where in methods) for where in self.patterns()}
        return {where: some for where, some in possible.items() if some}


def random_faults(
    seed: int, n: int, places: FaultPlaces, *, kinds: Iterable[FaultKind] = FaultKind, within_ns: int = 10**10
) -> list[Fault]:
    """Draw ``n`` faults that begin within a time; the same seed draws the same.

    Alone with ``n`` 1, in pairs with 2: half of the faults after the first are at the place of the one
    before it. Places that are a websocket API's only get what can happen there. Raise `ValueError`
    where none of the kinds can happen at any of the places.
    """
    rng = random.Random(f"{seed}:faults")
    possible = places.possible(kinds)
    if not possible:
        raise ValueError("none of the kinds can happen at any of the places, give more of either")
    wheres = list(possible)
    weights = [_WEIGHTS[_place(where)] for where in wheres]
    faults: list[Fault] = []
    for _ in range(n):
        same = bool(faults) and rng.random() < _MIXED
        where = faults[-1].where if same else rng.choices(wheres, weights)[0]
        faults.append(random_fault(rng, where, rng.choice(possible[where]), within_ns=within_ns))
    return faults


def _possible(where: str, wanted: Sequence[FaultKind], *, api: bool) -> list[FaultKind]:
    place = _place(where)
    barred: set[FaultKind] = set()
    if api:
        barred = {FaultKind.REFUSE}
    elif place is Place.REPLY:
        barred = {FaultKind.DUPLICATE, FaultKind.REORDER, FaultKind.SLOW}
    elif place is Place.REQUEST:
        barred = {FaultKind.SLOW}
    return [kind for kind in wanted if kind in KINDS[place] and kind not in barred]


def _place(where: str) -> Place:
    return next((p for b, p in _PLACES.items() if where.startswith(b)), Place.STREAM)


_PLACES = {REQUEST: Place.REQUEST, REPLY: Place.REPLY, CONNECT: Place.CONNECT, CLOCK: Place.CLOCK}


def random_fault(rng: random.Random, where: str, kind: FaultKind, *, within_ns: int = 10**10) -> Fault:
    """Draw the options of a fault of a kind that can happen there, and that begins within a time."""
    options: dict[str, object] = {"start": Duration(rng.choice((0, rng.randrange(within_ns))))}
    if kind is not FaultKind.CLOCK_SKEW:
        most = _MOST_SKIPPED.get(_place(where), _MOST_SKIPPED_ELSEWHERE)
        options["after"] = rng.choice((0, 0, rng.randint(1, most)))
        options["count"] = rng.choice(_BURST)
        options["chance"] = rng.choice(_CHANCES)
    match kind:
        case FaultKind.DELAY | FaultKind.SLOW:
            options["delay"] = Duration(rng.randrange(_SHORT))
            options["delay_max"] = Duration(rng.choice((_SHORT, _LONG)))
        case FaultKind.REORDER:
            options["delay"] = Duration(rng.randint(_SHORT, _LONG))
        case FaultKind.GAP:
            options["length"] = rng.randint(1, 10)
        case FaultKind.DISCONNECT:
            options["deliver"] = rng.random() < 0.5
        case FaultKind.REFUSE:
            options["status"] = status = rng.choice(_STATUSES)
            if status in _TOO_MANY:
                options["retry_after"] = Duration(rng.randint(1, 5) * 1_000 * MS)
        case FaultKind.CLOCK_SKEW:
            options[rng.choice(("ahead", "behind"))] = Duration(rng.choice((20, 500, 1_500, 30_000)) * MS)
            options["over"] = Duration(rng.choice((0, within_ns // 2)))
            options["duration"] = rng.choice((None, Duration(within_ns)))
    return Fault(kind=kind, where=where, **options)  # type: ignore[arg-type]  # as each kind has them
