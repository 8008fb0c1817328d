"""What a stream wants of the network, as data: connections, requests, published limits."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping

import attrs

from hft.instrument import InstrumentId

__all__ = ["ConnectionSpec", "Priority", "RateLimit", "Request", "RestAnswer", "RestCall", "RestMessage"]


class Priority(enum.IntEnum):
    """Whose turn comes first where the limits make requests wait."""

    CANCEL = 0
    AMEND = 1
    NEW = 2
    QUERY = 3


@attrs.frozen(kw_only=True)
class RestMessage:
    """A request as it is sent: the whole URL, signed, with its headers and body."""

    url: str = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    body: bytes = attrs.field(default=b"", repr=False)


@attrs.frozen(kw_only=True)
class RestCall:
    """A request to a trading API. ``write`` makes it when its turn has come, so that its time and
    signature are those of sending.

    ``shown`` names it in logs: host and path, never query, header or signature. ``costs`` are weights by
    the limit's name. It is dropped, unsent, at ``deadline_ns`` (0: never).
    """

    method: str
    shown: str
    write: Callable[[], RestMessage]
    costs: Mapping[str, int] = attrs.field(factory=dict)
    priority: Priority = Priority.QUERY
    deadline_ns: int = 0


@attrs.frozen(kw_only=True)
class RestAnswer:
    """An answer, whatever its status; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    recv_ns: int


@attrs.frozen(kw_only=True)
class Request:
    """A public GET. Its answer must be understood from ``url`` alone, so that a capture replays.

    ``weight`` counts against ``limit``, the name of one of the stream's `RateLimit`.
    """

    url: str
    weight: int = 1
    limit: str = ""


@attrs.frozen(kw_only=True)
class RateLimit:
    """A published limit: at most ``weight`` within any ``per_ns``."""

    name: str
    weight: int
    per_ns: int


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
