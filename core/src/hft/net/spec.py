"""What plugins want of the network, as data: connections, requests, published limits."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import attrs

from hft.instrument import InstrumentId

__all__ = [
    "ConnectionSpec",
    "Costs",
    "HttpRequest",
    "Priority",
    "RateLimit",
    "Request",
    "RestAnswer",
    "RestCall",
]

Costs: TypeAlias = tuple[tuple[str, int], ...]
"""What a request takes of each limit that it counts against: ``(("weight", 1), ("orders", 1))``.

A limit stands in it at most once. Without any, the request counts against the pace of those that name none.
"""


class Priority(enum.IntEnum):
    """Who goes first where a limit is short; within one priority, who asks first is served first."""

    CANCEL = 0
    AMEND = 1
    NEW = 2
    QUERY = 3


@attrs.frozen(kw_only=True)
class RateLimit:
    """A published limit: at most ``weight`` within any ``per_ns``.

    ``scope`` says what the exchange counts: the ``ip`` address, shared by every account that is
    traded from here, or the ``account``. ``aligned`` says that its windows begin at whole multiples of
    ``per_ns`` (UTC): what others used is forgotten there; what we took stays counted for a whole
    ``per_ns`` either way.

    ``reserve`` is the part of it that only cancels may use; amendments may use half of that. Above
    ``pace_above`` of what is left, queries are spread over the time until tokens come back, new
    orders above half-way between that and all of it.
    """

    name: str
    weight: int = attrs.field(validator=attrs.validators.ge(1))
    per_ns: int = attrs.field(validator=attrs.validators.ge(1))
    scope: Literal["ip", "account"] = "ip"
    aligned: bool = False
    reserve: float = attrs.field(default=0.1, validator=[attrs.validators.ge(0), attrs.validators.lt(1)])
    pace_above: float = attrs.field(default=0.5, validator=[attrs.validators.ge(0), attrs.validators.le(1)])


@attrs.frozen(kw_only=True)
class Request:
    """A public GET, or a POST of JSON where there is a ``body``.

    Its answer must be understood from ``url`` and ``body`` alone, so that a capture replays. ``weight``
    counts against ``limit``, the name of one of the stream's `RateLimit`.
    """

    url: str
    weight: int = 1
    limit: str = ""
    body: bytes = b""


@attrs.frozen(kw_only=True)
class HttpRequest:
    """A request as it is written, keys and signature included; none of it is ever shown."""

    url: str = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    body: bytes = attrs.field(default=b"", repr=False)


@attrs.frozen(kw_only=True)
class RestCall:
    """A request of any method whose answer, whatever its status, is evidence.

    ``write(now_ns)`` makes the request when its turn has come, so that the time which is signed is
    that of sending; it raises `OrderError` where it is not to be sent any more. ``shown`` stands for it
    in messages: method and path, never a query, a header or a signature. Where its turn has not come at
    ``deadline_ns`` it is not sent (0: it waits).
    """

    method: str
    shown: str
    write: Callable[[int], HttpRequest] = attrs.field(repr=False)
    costs: Costs = attrs.field(default=())
    priority: Priority = Priority.QUERY
    deadline_ns: int = 0

    @costs.validator
    def _each_limit_once(self, _: object, costs: Costs) -> None:
        if len({name for name, _ in costs}) < len(costs):
            raise ValueError(f"costs {costs!r} name a limit twice: add its weights up")


@attrs.frozen(kw_only=True)
class RestAnswer:
    """An answer to what was written at ``sent_ns``, complete at ``recv_ns``.

    Header names are matched whatever their case.
    """

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes
    sent_ns: int
    recv_ns: int


@attrs.frozen(kw_only=True)
class ConnectionSpec:
    """One websocket that a stream wants kept open, and the exchange's rules for it.

    ``name`` identifies it in `MarketDataStream` calls and captures: the URL, with ``#2`` and so on
    behind where several share one. ``on_open`` is sent after every (re)connection, at most
    ``messages_per_s``. ``ping`` is sent every ``ping_ns`` where the exchange wants application
    pings; where ``ping`` is empty, the protocol's own ping is (0: none; the exchange's are always
    answered). After ``lifetime_ns`` a second socket is opened and subscribed before the first is
    closed (0: never). A socket that has been silent for ``silence_ns`` is taken for dead and
    replaced. Each new socket counts 1 against ``limit``, the name of one of the stream's `RateLimit`.
    ``books`` are the instruments whose books it brings, None where that cannot be said: of one that
    stays silent although the socket lives, the connection is replaced, and so subscribed anew.
    """

    name: str
    url: str
    on_open: tuple[bytes, ...] = ()
    messages_per_s: float = attrs.field(default=4.0, validator=attrs.validators.gt(0))
    ping: bytes = b""
    ping_ns: int = 0
    lifetime_ns: int = 0
    silence_ns: int = 30_000_000_000
    limit: str = ""
    books: frozenset[InstrumentId] | None = None
