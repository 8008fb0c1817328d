"""Record a run while it lasts: what the kernel was told, in what order, and what it did then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from hft.capture import CaptureRecord, CaptureWriter, Direction, Tap
from hft.clock import Clock
from hft.errors import CaptureError
from hft.instrument import InstrumentId
from hft.net.spec import Request
from hft.orders.interfaces import OrderJournal
from hft.profile import Profile
from hft.run.effects import NotedOrders, final_figures
from hft.run.kernel import Kernel
from hft.run.live_feed import LiveFeed
from hft.run.session.clock import RecordingClock
from hft.run.session.header import Header, facts_of
from hft.run.session.outcomes import raised

__all__ = ["RecordingFeed", "SessionRecorder"]


class SessionRecorder:
    """Records a run to a capture that is its inputs and effects in their order.

    The run gets its time from ``clock`` and its feeds from `feed`; of what else it is told it says by
    `input`, and of what answers it by `asking`. Recording costs the hot path one append for each input and
    effect: a task writes them. When that falls behind, ``warn`` is told once and nothing more is recorded:
    what comes after a hole could not be replayed.
    """

    def __init__(
        self, profile: Profile, path: Path, system: Clock, run: str, *, warn: Callable[[str, str], None]
    ) -> None:
        self.clock = RecordingClock(system, self._on_timer)
        self._profile = profile
        self._run = run
        self._warn = warn
        self._path = path
        self._writer: CaptureWriter | None = None
        self._tap = Tap(clock=system)
        self._taps = {key: self._tap.for_exchange(key) for key in profile.exchanges}
        self._count = 0
        self._lost = 0
        self._why_lost = ""
        self._asked = ""
        self._ended = False

    def feed(self, *args: Any, **options: Any) -> LiveFeed:
        """Make a feed whose every call is recorded."""
        return RecordingFeed(*args, **options | {"clock": self.clock}, recorder=self)

    def orders(self, journal: OrderJournal) -> OrderJournal:
        """Return a journal that records what is given to this one."""

        def note(line: str) -> None:
            self._note(self.clock.now_ns(), "", "order", line.encode())

        return NotedOrders(journal, note, self.asking)

    def begin(self, urls: Mapping[str, str | None], more: Iterable[InstrumentId]) -> None:
        """Begin to write, before the exchanges tell anything; raise `CaptureError` if the file is there.

        ``more`` are the instruments that the run has beside those of its profile.
        """
        self._writer = CaptureWriter(self._path)
        header = Header(
            mode=self._profile.mode.value,
            name=self._profile.name,
            run=self._run,
            urls=dict(urls),
            instruments=tuple(map(str, more)),
            facts=facts_of(self._profile),
        )
        self._tap.start(self._writer)
        self._note(self.clock.now_ns(), "", "session", msgspec.json.encode(header))

    def input(
        self,
        dir: Direction,
        data: bytes = b"",
        *,
        conn: str = "",
        key: str = "",
        req: bytes = b"",
        now_ns: int | None = None,
    ) -> int:
        """Record what the kernel is about to be told; return the time at which it is told.

        ``key`` is the exchange's, ``req`` the body of the request that is answered.
        """
        if self._asked:
            self.lose(f"the run was told something while it asked for {self._asked!r}")
        now_ns = self.clock.begin(now_ns)
        self._note(now_ns, conn, dir, data, key, req)
        return now_ns

    @contextmanager
    def asking(self, what: str) -> Iterator[None]:
        """Surround a request to what answers at once; what it raises is recorded."""
        before, self._asked = self._asked, what
        try:
            yield
        except Exception as error:  # whatever a client raises is what came of it
            self.answered(what, raised(error))
            raise
        finally:
            self._asked = before

    def asked(self, what: str) -> bool:
        """Say whether this is being asked for just now."""
        return self._asked == what

    def answered(self, what: str, data: bytes) -> None:
        """Record what came of a request."""
        self._note(self.clock.now_ns(), what, "outcome", data)

    def lose(self, why: str) -> None:
        """Record nothing more: it could not be replayed."""
        if not self._lost:
            self._lost, self._why_lost = 1, why
            self._warn(
                "session", f"the recording of the session ends, what follows cannot be replayed: {why}"
            )

    async def end(self, kernel: Kernel) -> None:
        """Write what is left, and that it is all; what comes after that is no part of the session."""
        if self._writer is None:
            return
        figures = final_figures(kernel, self.clock.timers)
        now_ns, self._ended = self.clock.now_ns(), True
        try:
            await self._tap.stop()
            if self._tap.failure is not None:
                raise self._tap.failure
            end = {"records": self._count, "lost": self._lost, "why_lost": self._why_lost, "figures": figures}
            self._writer.write([CaptureRecord.of(now_ns, "", "end", msgspec.json.encode(end))])
        except Exception as error:  # whatever it is, the run has to end as it must
            self._warn("session", f"the recording of the session is cut off: {error}")

    def close(self) -> None:
        """Close the file."""
        try:
            if self._writer is not None:
                self._writer.close()
        except CaptureError as error:
            self._warn("session", f"the recording of the session is cut off: {error}")

    def _on_timer(self, now_ns: int, number: int, when_ns: int) -> None:
        self._note(now_ns, "", "timer", b"%d %d" % (number, when_ns))

    def _note(
        self, now_ns: int, conn: str, dir: Direction, data: bytes, key: str = "", req: bytes = b""
    ) -> None:
        # What halts a run before it has begun ends it there.
        if self._ended or self._writer is None:
            return
        if not self._lost:
            tap = self._taps[key] if key else self._tap
            dropped = tap.dropped
            tap.record(now_ns, conn, dir, data, req or None, ("POST", 200) if req else None)
            if tap.dropped == dropped:
                self._count += 1
                return
            self._warn("session", "the recording of the session is behind, what follows cannot be replayed")
        self._lost += 1


class RecordingFeed(LiveFeed):
    """A live feed that records what it is told before the stream is."""

    def __init__(self, *args: Any, recorder: SessionRecorder, **options: Any) -> None:
        super().__init__(*args, **options)
        self._recorder = recorder

    def on_open(self, conn: str, recv_ns: int) -> None:
        super().on_open(conn, self._recorder.input("open", conn=conn, key=self.exchange, now_ns=recv_ns))

    def on_frame(self, conn: str, data: bytes, recv_ns: int) -> None:
        now_ns = self._recorder.input("recv", data, conn=conn, key=self.exchange, now_ns=recv_ns)
        super().on_frame(conn, data, now_ns)

    def on_close(self, conn: str, recv_ns: int) -> None:
        super().on_close(conn, self._recorder.input("close", conn=conn, key=self.exchange, now_ns=recv_ns))

    def on_listing(self, request: Request, body: bytes, recv_ns: int) -> None:
        super().on_listing(request, body, self._answered("http", request, body))

    def on_response(self, request: Request, body: bytes, recv_ns: int) -> None:
        super().on_response(request, body, self._answered("http", request, body))

    def on_request_failed(self, request: Request, reason: str, recv_ns: int) -> None:
        super().on_request_failed(request, reason, self._answered("failed", request, reason.encode()))

    def _answered(self, dir: Direction, request: Request, body: bytes) -> int:
        # Now, not when it arrived: frames may have been handled since.
        return self._recorder.input(dir, body, conn=request.url, key=self.exchange, req=request.body)
