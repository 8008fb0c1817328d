"""The websocket of an account: its orders go out on it, and what happens to them comes in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

from msgspec import Raw

from hft import (
    Backoff,
    ConnectionSpec,
    Costs,
    DecodeError,
    Link,
    OrderError,
    PendingRequests,
    Priority,
    Timer,
)
from hft_hyperliquid import codec, limits
from hft_hyperliquid.private_codec import Post, decode_post

__all__ = ["AccountSocket", "SocketRequest"]

_FEEDS = ("orderUpdates", "userFills", "userFundings")
"""What has to be subscribed to before orders are sent."""

_ANSWER_NS = 5_000_000_000
_INITIAL_NS, _MAXIMUM_NS = 500_000_000, 30_000_000_000

_DEAD_TIMEOUTS = 3
"""A connection that brings nothing at all for so many times as long as an answer may take, although it was
asked all the while, is dead: that much earlier is it replaced than one on which nothing is asked."""

_SHOWN_CHARS = 200
_COSTS: Costs = ((limits.MESSAGES, 1),)

_IGNORED = frozenset({"pong", "notification"})


class SocketRequest(Protocol):
    """A request about orders, as the socket sees it."""

    request_id: int

    def write(self, now_ns: int) -> bytes:
        """Return the frame, noted as under way."""

    def dropped(self, reason: str) -> None:
        """Learn that it certainly was not sent."""

    def unanswered(self, reason: str) -> None:
        """Learn that nobody knows what became of it."""

    def answered_by_post(self, post: Post, recv_ns: int) -> None:
        """Take the answer."""


class AccountSocket:
    """Subscribes each time it opens, sends requests and hands each its answer.

    ``feeds`` takes the data of each channel. ``changed`` is called when everything is subscribed to, with
    "", and with the reason when it no longer is. ``coins`` are those of which the best prices are wanted.
    """

    def __init__(
        self,
        url: str,
        link: Link,
        user: str,
        coins: Sequence[str],
        feeds: Mapping[str, Callable[[Raw, int], None]],
        *,
        answer_timeout_ns: int,
        changed: Callable[[str], None],
    ) -> None:
        subscriptions: list[dict[str, Any]] = [{"type": feed, "user": user} for feed in _FEEDS]
        subscriptions += [{"type": "bbo", "coin": coin} for coin in coins]
        self.spec = ConnectionSpec(
            name=f"{url}#account",
            url=url,
            messages_per_s=limits.ORDER_MESSAGES_PER_S,
            ping=codec.PING,
            ping_ns=limits.PING_NS,
            silence_ns=limits.SILENCE_NS,
            limit=limits.CONNECTIONS,
        )
        self._frames = [codec.subscription_frame("subscribe", each) for each in subscriptions]
        self.conn = self.spec.name
        self.ready = False
        self._pending: PendingRequests[SocketRequest] = PendingRequests(
            link.clock, answer_timeout_ns, self._on_unanswered
        )
        self._dead_ns = _DEAD_TIMEOUTS * answer_timeout_ns
        self._asked_since_ns = 0
        """When the first request was written after which nothing has come yet, 0: there is none."""
        self._link = link
        self._user = user
        self._feeds = feeds
        self._changed = changed
        self._number = 0
        self._missing: set[str] = set()
        self._timer: Timer | None = None
        self._backoff = Backoff(link.random, initial_ns=_INITIAL_NS, maximum_ns=_MAXIMUM_NS)

    def connect(self) -> None:
        """Begin to connect."""
        self._link.connect(self.spec)

    def stop(self) -> None:
        """Wait for nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def send(self, request: SocketRequest, costs: Costs, priority: Priority, deadline_ns: int) -> None:
        """Send a request; raise `OrderError` where it certainly is not sent."""
        if not self.ready:
            raise OrderError("the account's connection is down")
        if len(self._pending) >= limits.MAX_POSTS:
            raise OrderError(f"{limits.MAX_POSTS} requests are without an answer, no more are allowed")
        try:
            self._link.send(
                self.conn,
                costs,
                priority,
                request.write,
                deadline_ns=deadline_ns,
                dropped=request.dropped,
            )
        except OrderError:
            self._pending.discard(str(request.request_id))
            raise

    def register(self, request: SocketRequest, now_ns: int) -> int:
        """Give a request that is being written its id, and remember it."""
        self._number = request.request_id = number = self._number + 1
        self._pending.add(str(number), request, now_ns)
        self._asked_since_ns = self._asked_since_ns or now_ns
        return number

    # -- connection --------------------------------------------------------------------------------

    def on_open(self) -> None:
        """Subscribe, and wait until that is acknowledged."""
        self._asked_since_ns = 0
        self._missing = set(_FEEDS)
        self.stop()
        self._timer = self._link.clock.call_later(_ANSWER_NS, self._on_silence)
        # Not as the connection's own first frames: their answers may come before it is said to be open.
        with suppress(OrderError):  # it broke again, and will be opened anew
            for frame in self._frames:
                self._link.send(self.conn, _COSTS, Priority.CANCEL, partial(_written, frame))

    def on_close(self) -> None:
        """Give up on what is under way."""
        self.stop()
        self._lose("the account's connection broke")
        self._pending.lose("the account's connection broke")

    def on_frame(self, data: bytes, recv_ns: int) -> None:
        """Take an answer or an event."""
        self._asked_since_ns = 0
        envelope = codec.decode_envelope(data)
        if envelope is None or envelope.channel in _IGNORED:
            return
        channel = envelope.channel
        if channel == "post":
            post = decode_post(envelope.data)
            request = self._pending.take(str(post.id))
            if request is not None:
                request.answered_by_post(post, recv_ns)
        elif channel == "subscriptionResponse":
            self._on_response(codec.decode_response(envelope.data))
        elif channel == "error":
            self._link.warn(f"{self.conn}: refused: {codec.decode_error(envelope.data)[:_SHOWN_CHARS]!r}")
        elif (take := self._feeds.get(channel)) is not None:
            take(envelope.data, recv_ns)
        else:
            raise DecodeError(f"unknown channel {channel[:40]!r}")

    def _on_response(self, response: codec.Response) -> None:
        wanted = response.subscription
        if response.method != "subscribe" or wanted.user.lower() != self._user:
            return
        self._missing.discard(wanted.type)
        if not self._missing and not self.ready:
            self.stop()
            self._backoff.reset()
            self.ready = True
            self._changed("")

    def _on_silence(self) -> None:
        """Connect anew, later each time: what is subscribed to was not acknowledged."""
        self._timer = None
        missing = ", ".join(sorted(self._missing))
        self._link.warn(f"{self.conn}: no answer to the subscription to {missing}, connecting again")
        self._timer = self._link.clock.call_later(self._backoff.next_ns(), self.connect)

    def _on_unanswered(self, request: SocketRequest, reason: str) -> None:
        request.unanswered(reason)
        silent_ns = self._link.clock.now_ns() - self._asked_since_ns
        if self.ready and self._asked_since_ns and silent_ns >= self._dead_ns:
            self._asked_since_ns = 0
            self._link.warn(f"{self.conn}: nothing has come for {silent_ns / 1e9:g} s, connecting anew")
            self.connect()

    def _lose(self, reason: str) -> None:
        if self.ready:
            self.ready = False
            self._changed(reason)


def _written(frame: bytes, _now_ns: int) -> bytes:
    return frame
