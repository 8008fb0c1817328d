"""What the kernel gives an execution client to reach its exchange."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any

from hft.clock import Clock
from hft.errors import TransportError
from hft.net.spec import ConnectionSpec, Costs, Priority, RateLimit, RestAnswer, RestCall

__all__ = ["Link"]


class Link(ABC):
    """The network as an execution client sees it. Every method but `fetch` returns at once.

    Requests wait their turn under the published limits, of which one budget is shared by all of an
    exchange key: its stream, its client, every strategy.
    """

    exchange: str
    """The exchange's key in the profile."""
    environment: str
    """One of the stream's ``environments``."""
    url: str | None
    """Where every endpoint lives instead, ``http://127.0.0.1:9000``: keep the paths, replace the rest."""
    clock: Clock
    random: random.Random
    """Seeded, for jitter."""

    @abstractmethod
    def connect(self, spec: ConnectionSpec) -> None:
        """Keep a websocket open from now on; `ExecutionClient.on_open` is called when it is, each time.

        A connection of the same name is closed and replaced.
        """

    @abstractmethod
    def disconnect(self, conn: str) -> None:
        """Close a connection for good; `on_close` is called if it was open."""

    @abstractmethod
    def send(
        self,
        conn: str,
        costs: Costs,
        priority: Priority,
        write: Callable[[int], bytes],
        *,
        deadline_ns: int = 0,
        dropped: Callable[[str], None] | None = None,
    ) -> None:
        """Write a frame: now where the limits allow it, otherwise when they do.

        ``write(now_ns)`` makes the frame at that moment, so that its time and signature are those of
        sending; it raises `OrderError` where the frame is not to be sent any more.
        Raises `OrderError` where it certainly is not sent: the connection is not open, too much waits.
        Where it had to wait and is then not sent (``deadline_ns`` passed, the connection broke,
        something more urgent took its place), ``dropped(reason)`` is called.
        """

    @abstractmethod
    def call(self, call: RestCall, done: Callable[[RestAnswer | TransportError], None]) -> None:
        """Make a REST request when its turn comes; ``done`` gets the answer or why there is none."""

    @abstractmethod
    async def fetch(self, call: RestCall) -> RestAnswer:
        """Make a REST request and return its answer, whatever its status; raise `TransportError`."""

    @abstractmethod
    def observe(self, limit: str, used: int, sent_ns: int) -> None:
        """Say how much of a limit the exchange counted as used in its answer to what was sent then."""

    @abstractmethod
    def configure(self, limit: str, weight: int) -> None:
        """Say what a limit is from here on: the exchange announced it."""

    @abstractmethod
    def add_limit(self, limit: RateLimit) -> None:
        """Say that there is a limit besides the published ones, such as one of a single instrument.

        To be said before anything costs it; a limit that is known by its name stays as it is.
        """

    @abstractmethod
    def refused(self, limit: str | None, wait_ns: int = 0) -> None:
        """Say that the exchange refused for want of a limit (None: all), outside of an HTTP status.

        Nothing of it is handed out for ``wait_ns``, or for longer each time where it did not say how long.
        """

    @abstractmethod
    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run something beside everything else until it ends or the run does; a fault in it halts trading."""

    @abstractmethod
    def undecoded(self, conn: str, data: bytes, reason: str) -> None:
        """Count a frame or answer that could not be understood and log it without secrets."""

    @abstractmethod
    def warn(self, message: str) -> None:
        """Log a line, at a limited rate, off the hot path."""
