"""What can go wrong between an exchange and its client, as data."""

from __future__ import annotations

import enum
from fnmatch import fnmatchcase

import attrs
from attrs.validators import and_, ge, gt, instance_of, le, min_len

from hft.plugin.config import option
from hft.types import Duration

__all__ = ["CLOCK", "CONNECT", "KINDS", "REPLY", "REQUEST", "Fault", "FaultKind", "Place"]

NS_PER_S = 1_000_000_000

REQUEST, REPLY, CONNECT, CLOCK = "request/", "reply/", "connect/", "clock"
"""How ``where`` begins for each place but the streams, whose topics have other beginnings."""


class FaultKind(enum.Enum):
    """The faults that every simulator knows."""

    DROP = "drop"
    """It never comes. Over HTTP, where that cannot be, the connection is cut."""
    DELAY = "delay"
    """It comes late, and what is behind it overtakes it."""
    DUPLICATE = "duplicate"
    """It comes twice; a request is carried out twice, and an HTTP client gets the second answer."""
    REORDER = "reorder"
    """It comes after the next one of its stream or connection, or after ``delay`` where none comes."""
    TRUNCATE = "truncate"
    """Its second half is missing; over HTTP the connection is cut there."""
    GARBAGE = "garbage"
    """What comes in its place is nothing that the exchange writes."""
    GAP = "gap"
    """It never comes, nor do the next ones of the same stream: ``length`` in all."""
    DISCONNECT = "disconnect"
    """Its connections are cut without a goodbye, before it is delivered, or behind it with ``deliver``."""
    SILENCE = "silence"
    """Its connections stay open and bring nothing any more; over HTTP it is the answer that never comes."""
    SLOW = "slow"
    """Its connections are not written to for ``delay``, or not read from where it is a request."""
    REFUSE = "refuse"
    """It is answered with ``status`` and never carried out."""
    CLOCK_SKEW = "clock-skew"
    """The exchange's clock is ``ahead`` or ``behind``: at once, or drifting there for as long as ``over``."""


class Place(enum.Enum):
    """Where a fault strikes; the beginning of its ``where`` says it."""

    STREAM = "stream"
    REQUEST = "request"
    REPLY = "reply"
    CONNECT = "connect"
    CLOCK = "clock"


_REPLY_KINDS = frozenset(FaultKind) - {FaultKind.GAP, FaultKind.REFUSE, FaultKind.CLOCK_SKEW}

KINDS = {
    Place.STREAM: _REPLY_KINDS | {FaultKind.GAP},
    Place.REQUEST: frozenset(
        {
            FaultKind.DROP,
            FaultKind.DELAY,
            FaultKind.DUPLICATE,
            FaultKind.REORDER,
            FaultKind.DISCONNECT,
            FaultKind.SILENCE,
            FaultKind.SLOW,
            FaultKind.REFUSE,
        }
    ),
    Place.REPLY: _REPLY_KINDS,
    Place.CONNECT: frozenset({FaultKind.DROP, FaultKind.DELAY, FaultKind.SILENCE, FaultKind.REFUSE}),
    Place.CLOCK: frozenset({FaultKind.CLOCK_SKEW}),
}
"""What can happen where."""

_ONLY_FOR = {
    "delay": (FaultKind.DELAY, FaultKind.REORDER, FaultKind.SLOW),
    "delay_max": (FaultKind.DELAY, FaultKind.SLOW),
    "length": (FaultKind.GAP,),
    "deliver": (FaultKind.DISCONNECT,),
    "status": (FaultKind.REFUSE,),
    "retry_after": (FaultKind.REFUSE,),
    "ahead": (FaultKind.CLOCK_SKEW,),
    "behind": (FaultKind.CLOCK_SKEW,),
    "over": (FaultKind.CLOCK_SKEW,),
    **dict.fromkeys(("after", "count", "chance"), tuple(frozenset(FaultKind) - {FaultKind.CLOCK_SKEW})),
}

_not_negative = and_(instance_of(int), ge(0))


@attrs.frozen(kw_only=True)
class Fault:
    """One fault: what, where, when, how often.

    Raise `ValueError` where the kind cannot happen at the place, or an option belongs to another kind.
    """

    kind: FaultKind = option(doc="what happens", validator=instance_of(FaultKind))
    where: str = option(
        doc="shell pattern over topics, request/..., reply/..., connect/..., or clock", validator=min_len(1)
    )
    after: int = option(0, doc="how many matches are left alone first", validator=_not_negative)
    count: int = option(1, doc="how many matches are hit, 0: every one", validator=_not_negative)
    chance: float = option(1.0, doc="probability that a match is hit", validator=and_(gt(0), le(1)))
    start: Duration = option(
        Duration(0), doc="how long after it was armed it begins", validator=_not_negative
    )
    duration: Duration | None = option(None, doc="how long from then it goes on, for good if not given")
    delay: Duration = option(
        Duration(NS_PER_S), doc="how late, or the least of it with delay_max", validator=_not_negative
    )
    delay_max: Duration | None = option(None, doc="how late at most, drawn anew for each hit")
    length: int = option(3, doc="how many in a row a gap loses", validator=ge(1))
    deliver: bool = option(False, doc="whether the connection is cut behind the frame, not before")
    status: int = option(503, doc="status of the refusal", validator=and_(ge(400), le(599)))
    retry_after: Duration = option(
        Duration(0), doc="how long the refusal asks to stay away, 0: says nothing", validator=_not_negative
    )
    ahead: Duration = option(Duration(0), doc="how far the clock is ahead", validator=_not_negative)
    behind: Duration = option(Duration(0), doc="how far the clock is behind", validator=_not_negative)
    over: Duration = option(Duration(0), doc="how long it drifts there, 0: it jumps", validator=_not_negative)

    def __attrs_post_init__(self) -> None:
        for name, kinds in _ONLY_FOR.items():
            if self.kind not in kinds and getattr(self, name) != _FIELDS[name].default:
                raise ValueError(f"{name!r} says nothing of kind {self.kind.value!r}, remove it")
        if self.place is Place.STREAM and " " in self.where:
            raise ValueError(
                f"{self.where!r} is no topic, write 'request/{self.where}' for what happens to a request "
                f"on its way, 'reply/{self.where}' for its answer"
            )
        if self.kind not in KINDS[self.place]:
            known = ", ".join(kind.value for kind in FaultKind if kind in KINDS[self.place])
            raise ValueError(
                f"kind {self.kind.value!r} cannot happen at a {self.place.value}, {self.where!r} is one; "
                f"what can is {known}"
            )
        if self.duration is not None and self.duration <= 0:
            raise ValueError("'duration' is no time at all, leave it out for a fault that goes on for good")
        if self.delay_max is not None and self.delay_max < self.delay:
            raise ValueError("'delay_max' is below 'delay', exchange them")
        if self.kind is FaultKind.CLOCK_SKEW and (self.ahead > 0) is (self.behind > 0):
            raise ValueError("a clock skew is 'ahead' or 'behind' by some time, give one of the two")

    @property
    def place(self) -> Place:
        """Where it strikes."""
        for beginning, place in _BEGINNINGS.items():
            if self.where.startswith(beginning):
                return place
        return Place.CLOCK if self.where == CLOCK else Place.STREAM

    def matches(self, place: Place, name: str) -> bool:
        """Whether ``where`` means this name at this place: streams' patterns never mean a request."""
        return place is self.place and fnmatchcase(name, self.where)


_FIELDS = attrs.fields_dict(Fault)
_BEGINNINGS = {REQUEST: Place.REQUEST, REPLY: Place.REPLY, CONNECT: Place.CONNECT}
