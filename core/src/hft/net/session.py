"""One socket of a connection, from its opening to its end: subscribed, pinged, watched for silence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from hft.capture.redact import redact_url
from hft.clock import NS_PER_S, Clock, Timer
from hft.errors import TransportError
from hft.net.limiter import RateLimiter
from hft.net.spec import ConnectionSpec, Costs, Priority, RateLimit
from hft.net.transport import Connect, Transport

__all__ = ["Session"]

_MESSAGE: Costs = (("messages", 1),)
_MAX_UNSENT = 1_000
"""Messages that may wait for the message rate; more means that the rate does not suffice at all."""


class Session:
    """Opens one socket for a `ConnectionSpec`, subscribes, and says when it is gone.

    ``on_frame(data, recv_ns)`` gets every frame until the session is closed or lost;
    ``on_sent(data)`` everything that was written, ``on_dropped()`` hears of every message that could
    not be. ``lost`` becomes the reason when the socket is
    gone, ``retired`` is done when the socket is about to reach its lifetime.
    """

    def __init__(
        self,
        spec: ConnectionSpec,
        *,
        lifetime_ns: int,
        on_frame: Callable[[bytes, int], None],
        on_sent: Callable[[bytes], None],
        on_dropped: Callable[[], None],
        clock: Clock,
        connect: Connect,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[str] = loop.create_future()
        self.retired: asyncio.Future[None] = loop.create_future()
        self.frames = 0
        self.opened_ns = 0
        self.last_recv_ns = 0
        self._spec = spec
        self._questions = len(spec.on_open)
        self._lifetime_ns = lifetime_ns
        self._on_frame = on_frame
        self._on_sent = on_sent
        self._on_dropped = on_dropped
        self._clock = clock
        self._connect = connect
        self._transport: Transport | None = None
        self._closed = False
        self._reason = ""
        self._timers: dict[str, Timer] = {}
        rate = spec.messages_per_s
        burst = max(1, int(rate))
        # Whose rate is kept is one connection; what matters more goes first, and no more is kept back.
        limit = RateLimit(
            name="messages", weight=burst, per_ns=int(burst / rate * NS_PER_S), reserve=0, pace_above=1
        )
        self._limiter = RateLimiter([limit], clock=clock, warn=lambda _: None, max_waiting=_MAX_UNSENT)

    @property
    def brought_data(self) -> bool:
        """Whether more came than the answers to our subscriptions and pings."""
        return self.frames > self._questions

    @property
    def rtt_ns(self) -> int | None:
        """The last measured round trip, where protocol pings are sent."""
        return self._transport.rtt_ns if self._transport else None

    async def open(self) -> None:
        """Connect and send what subscribes; raise `TransportError` where that fails."""
        spec = self._spec
        self._transport = await self._connect(
            spec.url, on_frame=self._take, on_lost=self._lose, clock=self._clock
        )
        self.opened_ns = self.last_recv_ns = self._clock.now_ns()
        if spec.silence_ns:
            self._after("silence", spec.silence_ns, self._check_silence)
        if spec.ping_ns:
            self._after("ping", spec.ping_ns, self._ping)
        if self._lifetime_ns:
            self._after("lifetime", self._lifetime_ns, self.retire)
        for number, frame in enumerate(spec.on_open):
            # Evenly, not in bursts: what the network delays and bunches together still fits the limit.
            if number:
                await self._clock.sleep(int(NS_PER_S / spec.messages_per_s))
            await self._limiter.acquire(_MESSAGE, Priority.CANCEL)
            if not self._write(frame):
                break
        if self.lost.done():
            raise TransportError(f"{redact_url(spec.name)}: lost while subscribing: {self.lost.result()}")

    def send(self, data: bytes, priority: Priority = Priority.QUERY) -> bool:
        """Write a message, now or as soon as the message rate allows; False where it cannot be.

        A message that waits can still be lost, with the socket or to others with a higher priority.
        """
        if self._closed or self.lost.done():
            self._on_dropped()
            return False
        if self._limiter.try_take(_MESSAGE, priority):
            return self._write_or_drop(data)
        waiting = self._limiter.submit(
            _MESSAGE, priority, partial(self._write_or_drop, data), dropped=lambda _: self._on_dropped()
        )
        return not waiting.dropped

    def retire(self) -> None:
        """Say that the socket should be replaced while it still works."""
        if not self.retired.done():
            self.retired.set_result(None)

    def close(self) -> None:
        """Close the socket; nothing it still brings is handed on. ``lost`` is done once it is gone."""
        self._end()
        if self._transport is not None:
            self._transport.close()
        elif not self.lost.done():
            self.lost.set_result("never opened")

    def _take(self, data: bytes, recv_ns: int) -> None:
        if self._closed:
            return
        self.frames += 1
        self.last_recv_ns = recv_ns
        self._on_frame(data, recv_ns)

    def _lose(self, reason: str) -> None:
        self._end()
        if not self.lost.done():
            self.lost.set_result(self._reason or reason)

    def _end(self) -> None:
        self._closed = True
        self._limiter.drop_all("the connection is closed")
        for timer in self._timers.values():
            timer.cancel()

    def _write(self, data: bytes) -> bool:
        if self._transport is None or not self._transport.send(data):
            return False
        self._on_sent(data)
        return True

    def _write_or_drop(self, data: bytes) -> bool:
        written = self._write(data)
        if not written:
            self._on_dropped()
        return written

    def _ping(self) -> None:
        if self._spec.ping:
            self._questions += 1
            self.send(self._spec.ping)
        elif self._transport is not None:
            self._transport.ping()
        self._after("ping", self._spec.ping_ns, self._ping)

    def _check_silence(self) -> None:
        # Looked at when it could have become too long, so that a frame costs nothing but its time.
        left_ns = self.last_recv_ns + self._spec.silence_ns - self._clock.now_ns()
        if left_ns > 0:
            self._after("silence", left_ns, self._check_silence)
            return
        self._reason = f"silent for {self._spec.silence_ns / NS_PER_S:g} s"
        self._end()
        if self._transport is not None:
            self._transport.abort()

    def _after(self, name: str, delay_ns: int, callback: Callable[[], None]) -> None:
        if name in self._timers:
            self._timers[name].cancel()
        self._timers[name] = self._clock.call_later(delay_ns, callback)
