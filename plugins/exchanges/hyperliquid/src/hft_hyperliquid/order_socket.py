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
    Priority,
    RequestSocket,
    SocketRequest,
    Timer,
)
from hft_hyperliquid import codec, limits
from hft_hyperliquid.private_codec import Post, decode_post

__all__ = ["AccountSocket"]

_FEEDS = ("orderUpdates", "userFills", "userFundings")
"""What has to be subscribed to before orders are sent."""

_ANSWER_NS = 5_000_000_000
_INITIAL_NS, _MAXIMUM_NS = 500_000_000, 30_000_000_000

_SHOWN_CHARS = 200
_COSTS: Costs = ((limits.MESSAGES, 1),)

_IGNORED = frozenset({"pong", "notification"})


class Request(SocketRequest, Protocol):
    """A request about orders, as the socket sees it."""

    def answered_by_post(self, post: Post, recv_ns: int) -> None:
        """Take the answer."""


class AccountSocket(RequestSocket[Request]):
    """Subscribes each time it opens, sends requests and hands each its answer.

    ``feeds`` takes the data of each channel. It can be used when everything is subscribed to. ``coins`` are
    those of which the best prices are wanted.
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
        spec = ConnectionSpec(
            name=f"{url}#account",
            url=url,
            messages_per_s=limits.ORDER_MESSAGES_PER_S,
            ping=codec.PING,
            ping_ns=limits.PING_NS,
            silence_ns=limits.SILENCE_NS,
            limit=limits.CONNECTIONS,
        )
        self._frames = [codec.subscription_frame("subscribe", each) for each in subscriptions]
        super().__init__(link, spec, "the account's connection", changed, answer_timeout_ns=answer_timeout_ns)
        self._user = user
        self._feeds = feeds
        self._missing: set[str] = set()
        self._timer: Timer | None = None
        self._backoff = Backoff(link.random, initial_ns=_INITIAL_NS, maximum_ns=_MAXIMUM_NS)

    def stop(self) -> None:
        """Wait for nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def send(self, request: Request, costs: Costs, priority: Priority, deadline_ns: int) -> None:
        """Send a request; raise `OrderError` where it certainly is not sent."""
        if len(self.pending) >= limits.MAX_POSTS:
            raise OrderError(f"{limits.MAX_POSTS} requests are without an answer, no more are allowed")
        super().send(request, costs, priority, deadline_ns)

    # -- connection --------------------------------------------------------------------------------

    def on_open(self) -> None:
        """Subscribe, and wait until that is acknowledged."""
        super().on_open()
        self._missing = set(_FEEDS)
        self.stop()
        self._timer = self.link.clock.call_later(_ANSWER_NS, self._on_silence)
        # Not as the connection's own first frames: their answers may come before it is said to be open.
        with suppress(OrderError):  # it broke again, and will be opened anew
            for frame in self._frames:
                self.link.send(self.conn, _COSTS, Priority.CANCEL, partial(_written, frame))

    def on_close(self) -> None:
        """Give up on what is under way."""
        self.stop()
        super().on_close()

    def on_frame(self, data: bytes, recv_ns: int) -> None:
        """Take an answer or an event."""
        self.heard()
        envelope = codec.decode_envelope(data)
        if envelope is None or envelope.channel in _IGNORED:
            return
        channel = envelope.channel
        if channel == "post":
            post = decode_post(envelope.data)
            request = self.pending.take(str(post.id))
            if request is not None:
                request.answered_by_post(post, recv_ns)
        elif channel == "subscriptionResponse":
            self._on_response(codec.decode_response(envelope.data))
        elif channel == "error":
            self.link.warn(f"{self.conn}: refused: {codec.decode_error(envelope.data)[:_SHOWN_CHARS]!r}")
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
            self.usable()

    def _on_silence(self) -> None:
        """Connect anew, later each time: what is subscribed to was not acknowledged."""
        self._timer = None
        missing = ", ".join(sorted(self._missing))
        self.link.warn(f"{self.conn}: no answer to the subscription to {missing}, connecting again")
        self._timer = self.link.clock.call_later(self._backoff.next_ns(), self.connect)


def _written(frame: bytes, _now_ns: int) -> bytes:
    return frame
