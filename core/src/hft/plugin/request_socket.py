"""A connection on which requests about orders are sent and answered."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from hft.errors import OrderError
from hft.net.spec import ConnectionSpec, Costs, Priority
from hft.plugin.link import Link
from hft.plugin.pending import PendingRequests

__all__ = ["RequestSocket", "SocketRequest"]

_DEAD_TIMEOUTS = 3
"""A connection that brings nothing at all for so many times as long as an answer may take, although it was
asked all the while, is dead: that much earlier is it replaced than one on which nothing is asked."""


class SocketRequest(Protocol):
    """A request about orders, as its connection sees it."""

    request_id: str
    sent_ns: int

    def write(self, now_ns: int) -> bytes:
        """Return the frame, noted as under way by `RequestSocket.register`."""

    def dropped(self, reason: str) -> None:
        """Learn that it certainly was not sent."""

    def unanswered(self, reason: str) -> None:
        """Learn that nobody knows what became of it."""


RequestT = TypeVar("RequestT", bound=SocketRequest)


class RequestSocket(ABC, Generic[RequestT]):
    """Sends requests, each with a number, and remembers them in ``pending`` until they are answered.

    A subclass makes it usable each time it opens (logs in, subscribes; then `usable`), reads what comes
    (`heard` first) and takes requests from ``pending`` by what their answers name. ``changed`` is called
    with "" when it can be used, and with the reason when it no longer can; ``what`` stands for it in that.
    """

    def __init__(
        self,
        link: Link,
        spec: ConnectionSpec,
        what: str,
        changed: Callable[[str], None],
        *,
        answer_timeout_ns: int,
    ) -> None:
        self.spec = spec
        self.conn = spec.name
        self.ready = False
        self.pending: PendingRequests[RequestT] = PendingRequests(
            link.clock, answer_timeout_ns, self._on_unanswered
        )
        self.link = link
        self._what = what
        self._changed = changed
        self._dead_ns = _DEAD_TIMEOUTS * answer_timeout_ns
        self._asked_since_ns = 0
        """When the first request was written after which nothing has come yet, 0: there is none."""
        self._number = 0

    def connect(self) -> None:
        """Begin to connect, or replace the connection."""
        self.link.connect(self.spec)

    def send(self, request: RequestT, costs: Costs, priority: Priority, deadline_ns: int) -> None:
        """Send a request; raise `OrderError` where it certainly is not sent."""
        if not self.ready:
            raise OrderError(f"{self._what} is down")
        try:
            self.link.send(
                self.conn, costs, priority, request.write, deadline_ns=deadline_ns, dropped=request.dropped
            )
        except OrderError:
            self.pending.discard(request.request_id)
            raise

    def register(self, request: RequestT, now_ns: int) -> str:
        """Give a request that is being written its number, and remember it."""
        self._number = number = self._number + 1
        request.request_id = request_id = str(number)
        request.sent_ns = now_ns
        self.pending.add(request_id, request, now_ns)
        self._asked_since_ns = self._asked_since_ns or now_ns
        return request_id

    # -- connection --------------------------------------------------------------------------------

    def on_open(self) -> None:
        """Learn that it is open."""
        self._asked_since_ns = 0

    @abstractmethod
    def on_frame(self, data: bytes, recv_ns: int) -> None:
        """Take a frame; raise `DecodeError` for one that is not understood."""

    def on_close(self) -> None:
        """Give up on what is under way."""
        self.lose(f"{self._what} broke")
        self.pending.lose(f"{self._what} broke")

    def heard(self) -> None:
        """Note that something came: the connection is alive."""
        self._asked_since_ns = 0

    def usable(self) -> None:
        """Say that requests can be sent."""
        self.ready = True
        self._changed("")

    def lose(self, reason: str) -> None:
        """Say that they no longer can."""
        if self.ready:
            self.ready = False
            self._changed(reason)

    def _on_unanswered(self, request: RequestT, reason: str) -> None:
        request.unanswered(reason)
        silent_ns = self.link.clock.now_ns() - self._asked_since_ns
        if self.ready and self._asked_since_ns and silent_ns >= self._dead_ns:
            self._asked_since_ns = 0
            self.link.warn(f"{self.conn}: nothing has come for {silent_ns / 1e9:g} s, connecting anew")
            self.connect()
