"""A connection that stays: it comes back after every loss, and moves house before it must."""

from __future__ import annotations

import asyncio
import enum
import random
from collections.abc import Callable
from typing import Any, Protocol

import attrs

from hft.capture.redact import redact_url
from hft.capture.tap import Tap
from hft.clock import NS_PER_S, Clock
from hft.errors import TransportError
from hft.net.backoff import Backoff
from hft.net.limiter import RateLimiter
from hft.net.rate_limited import RateLimitedLog
from hft.net.session import Session
from hft.net.spec import ConnectionSpec, Priority
from hft.net.status import StatusError
from hft.net.transport import Connect
from hft.net.websocket import connect as connect_websocket

__all__ = ["Connection", "ConnectionCounters", "ConnectionHandler", "ConnectionState"]

_INITIAL_NS = NS_PER_S // 2
_MAXIMUM_NS = 30 * NS_PER_S
_STABLE_NS = 60 * NS_PER_S
"""A socket that brought data and lived this long starts the back-off from nothing."""

_OVERLAP_NS = 5 * NS_PER_S
"""How long old and new socket run side by side, so that what the old one has under way arrives."""

_SHOWN_BYTES = 200


class ConnectionHandler(Protocol):
    """Who gets a connection's frames; every call is made synchronously, from the event loop.

    What it raises is reported and the connection goes on.
    """

    def on_open(self, conn: str, recv_ns: int) -> None:
        """Learn that the connection is open and its ``on_open`` frames are written."""
        ...

    def on_frame(self, conn: str, data: bytes, recv_ns: int) -> None:
        """Take one frame; what is subscribed to first may come before `on_open`."""
        ...

    def on_close(self, conn: str, recv_ns: int) -> None:
        """Learn that the connection broke: frames are missing from here until the next `on_open`.

        Without an `on_open` before, where it broke while it subscribed and had brought frames.
        """
        ...


class ConnectionState(enum.Enum):
    """Whether a connection works."""

    CONNECTING = "connecting"
    OPEN = "open"
    STOPPED = "stopped"


@attrs.define
class ConnectionCounters:
    """What happened on a connection since its start.

    ``opened`` and ``closed``: how often the handler was told so. ``rotations``: sockets replaced
    without a hole. ``failures``: sockets that could not be opened and subscribed. ``last_recv_ns``:
    when the last frame came, 0 before the first.
    """

    opened: int = 0
    closed: int = 0
    rotations: int = 0
    failures: int = 0
    frames: int = 0
    bytes: int = 0
    last_recv_ns: int = 0
    dropped_sends: int = 0
    handler_errors: int = 0


class Connection:
    """Keeps one websocket of a `ConnectionSpec` open, for ever, until it is stopped.

    A lost or silent socket is replaced at once, then with exponential back-off and jitter; every new
    one is subscribed before the handler hears of it. Shortly before ``lifetime_ns`` a second socket
    is opened and subscribed; for a few seconds the handler gets the frames of both (streams drop
    what they know by its sequence), then the first is closed, and neither `on_close` nor `on_open`
    is called. If the first dies before the second has brought data, they are.

    ``limiter`` paces new connections where the exchange limits them; share one between the
    connections of an exchange. ``on_error(conn, data, error)`` learns what the handler raised, with
    the frame; without it a warning is written. ``warn`` gets single lines at a limited rate.
    """

    def __init__(
        self,
        spec: ConnectionSpec,
        handler: ConnectionHandler,
        *,
        clock: Clock,
        random: random.Random,
        warn: Callable[[str], None],
        tap: Tap | None = None,
        limiter: RateLimiter | None = None,
        on_error: Callable[[str, bytes, Exception], None] | None = None,
        connect: Connect = connect_websocket,
    ) -> None:
        self.spec = spec
        self.state = ConnectionState.STOPPED
        self.counters = ConnectionCounters()
        self._name = spec.name
        self._shown = redact_url(spec.name)
        self._handler = handler
        self._on_frame = handler.on_frame
        self._clock = clock
        self._random = random
        self._warn = RateLimitedLog(clock, warn)
        self._tap = tap
        self._limiter = limiter
        self._on_error = on_error
        self._connect = connect
        self._current: Session | None = None
        self._sessions: set[Session] = set()
        self._task: asyncio.Task[None] | None = None

    @property
    def rtt_ns(self) -> int | None:
        """The last measured round trip, where protocol pings are sent."""
        return self._current.rtt_ns if self._current else None

    def start(self) -> None:
        """Begin to connect; needs a running event loop."""
        self.state = ConnectionState.CONNECTING
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"connection {self._shown}")

    async def stop(self) -> None:
        """Close every socket and wait until they are gone; the handler hears `on_close` if it was open."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait([task])
        if self.state is ConnectionState.OPEN:
            self._tell_closed()
        self.state = ConnectionState.STOPPED
        sessions = list(self._sessions)
        for session in sessions:
            session.close()
        await asyncio.gather(*(session.lost for session in sessions))

    def send(self, data: bytes, priority: Priority = Priority.QUERY) -> bool:
        """Send a text frame, at once or as soon as the message rate allows.

        False, and counted in ``dropped_sends``, while there is no open socket or too much waits. It
        is not sent again on the next socket.
        """
        if self._current is None:
            self._dropped()
            return False
        return self._current.send(data, priority)

    def rotate(self) -> None:
        """Replace the socket without a hole now: the exchange said that it is about to close it."""
        if self._current is not None:
            self._current.retire()

    # -- the life of a connection ------------------------------------------------------------------

    async def _run(self) -> None:
        backoff = self._backoff()
        while True:
            session = await self._establish(backoff)
            self._current = session
            self._tell_open()
            session = await self._live(session)
            self._current = None
            self._tell_closed()
            self._warn("lost", f"{self._shown}: lost: {session.lost.result()}, connecting again")
            if session.frames and self._clock.now_ns() - session.opened_ns >= _STABLE_NS:
                backoff.reset()

    async def _live(self, session: Session) -> Session:
        """Rotate sockets for as long as one lives; return the one that was lost."""
        while True:
            await _first(session.lost, session.retired)
            successor = None if session.lost.done() else await self._successor(session)
            if successor is None:
                return session
            self._replace(session, successor)
            session = successor

    async def _successor(self, current: Session) -> Session | None:
        """Return an open, subscribed session to take over; None where ``current`` was lost first."""
        backoff = self._backoff()
        while not current.lost.done():
            establishing = asyncio.ensure_future(self._establish(backoff))
            try:
                await _first(establishing, current.lost)
            finally:
                if not establishing.done():
                    establishing.cancel()
                    await asyncio.wait([establishing])
            if establishing.cancelled():
                break
            successor = establishing.result()
            await self._overlap(current, successor)
            if not successor.lost.done():
                return successor
            self._warn("rotate", f"{self._shown}: new socket lost: {successor.lost.result()}, trying again")
        return None

    async def _overlap(self, current: Session, successor: Session) -> None:
        """Run both until the new one has brought data, for a while at least, or either is lost."""
        while not (current.lost.done() or successor.lost.done()):
            due = asyncio.ensure_future(self._clock.sleep(_OVERLAP_NS))
            try:
                await _first(due, current.lost, successor.lost)
            finally:
                due.cancel()
            if successor.brought_data:
                return

    def _replace(self, current: Session, successor: Session) -> None:
        hole = current.lost.done() and not successor.brought_data
        if hole:
            self._tell_closed()
            self._warn("lost", f"{self._shown}: lost: {current.lost.result()}, its successor takes over")
        self._current = successor
        current.close()
        if hole:
            self._tell_open()
        else:
            self.counters.rotations += 1

    async def _establish(self, backoff: Backoff) -> Session:
        """Open and subscribe a socket, however many attempts that takes."""
        retry_after_ns = 0
        while True:
            delay_ns = max(backoff.next_ns(), retry_after_ns)
            if delay_ns:
                await self._clock.sleep(delay_ns)
            session = self._new_session()
            try:
                await self._turn()
                await session.open()
            except Exception as error:
                # Whatever keeps a socket from opening, a bug included, is no reason to give up.
                self._abandon(session)
                self.counters.failures += 1
                retry_after_ns = error.retry_after_ns if isinstance(error, StatusError) else 0
                reason = str(error) if isinstance(error, TransportError) else f"{self._shown}: {error!r}"
                self._warn("connect", f"{reason}, trying again")
            except BaseException:  # cancelled as it opened
                self._abandon(session)
                raise
            else:
                return session

    async def _turn(self) -> None:
        """Wait until the exchange's limit has room for another socket."""
        if self._limiter is not None and self.spec.limit:
            # Before everything else: without a connection nothing can be cancelled.
            await self._limiter.acquire(((self.spec.limit, 1),), Priority.CANCEL)

    def _abandon(self, session: Session) -> None:
        session.close()
        if session.frames and self._current is None:
            # What came while it subscribed has been told already, and may have made books LIVE.
            self._tell_closed()

    def _new_session(self) -> Session:
        lifetime_ns = self.spec.lifetime_ns
        if lifetime_ns:
            # Earlier by 2 to 5 %, so that the connections of an exchange do not all move at once.
            lifetime_ns -= self._random.randint(lifetime_ns // 50, lifetime_ns // 20)
        session = Session(
            self.spec,
            lifetime_ns=lifetime_ns,
            on_frame=self._take,
            on_sent=self._sent,
            on_dropped=self._dropped,
            clock=self._clock,
            connect=self._connect,
        )
        self._sessions.add(session)
        session.lost.add_done_callback(lambda _: self._sessions.discard(session))
        return session

    def _backoff(self) -> Backoff:
        return Backoff(self._random, initial_ns=_INITIAL_NS, maximum_ns=_MAXIMUM_NS)

    # -- what the handler and the tap are told -----------------------------------------------------

    def _take(self, data: bytes, recv_ns: int) -> None:
        counters = self.counters
        counters.frames += 1
        counters.bytes += len(data)
        counters.last_recv_ns = recv_ns
        if self._tap is not None:
            self._tap.record(recv_ns, self._name, "recv", data)
        try:
            self._on_frame(self._name, data, recv_ns)
        except Exception as error:  # a bug behind the socket is no reason to lose it
            self._report(data, error)

    def _sent(self, data: bytes) -> None:
        if self._tap is not None:
            self._tap.record(self._clock.now_ns(), self._name, "sent", data)

    def _dropped(self) -> None:
        self.counters.dropped_sends += 1

    def _tell_open(self) -> None:
        self.state = ConnectionState.OPEN
        self.counters.opened += 1
        now_ns = self._clock.now_ns()
        if self._tap is not None:
            self._tap.record(now_ns, self._name, "open")
        try:
            self._handler.on_open(self._name, now_ns)
        except Exception as error:  # as above
            self._report(b"", error)

    def _tell_closed(self) -> None:
        self.state = ConnectionState.CONNECTING
        self.counters.closed += 1
        now_ns = self._clock.now_ns()
        if self._tap is not None:
            self._tap.record(now_ns, self._name, "close")
        try:
            self._handler.on_close(self._name, now_ns)
        except Exception as error:  # as above
            self._report(b"", error)

    def _report(self, data: bytes, error: Exception) -> None:
        self.counters.handler_errors += 1
        if self._on_error is not None:
            self._on_error(self._name, data, error)
        else:
            shown = data[:_SHOWN_BYTES]
            self._warn("handler", f"{self._shown}: handler failed: {error!r} on frame {shown!r}")


async def _first(*futures: asyncio.Future[Any]) -> None:
    """Wait until one of them is done."""
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
