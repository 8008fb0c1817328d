"""Where connections leave copies of their frames, for a writer that takes its time."""

from __future__ import annotations

import asyncio
from collections import deque

from hft.capture.record import CaptureRecord, Direction
from hft.capture.writer import CaptureWriter
from hft.clock import NS_PER_S, Clock, SystemClock
from hft.errors import CaptureError

__all__ = ["Tap"]

_INTERVAL_NS = NS_PER_S // 2
"""How long records wait to be written: what a killed process loses."""

_Entry = tuple[int, str, Direction, bytes, bytes | None, str | None, tuple[str, int] | None]


class _Ring:
    """What the taps of one recording share: the records that wait, within bounds."""

    def __init__(self, max_records: int, max_bytes: int) -> None:
        self.entries: deque[_Entry] = deque()
        self.count = 0
        self.bytes = 0
        self.dropped = 0
        self.max_records = max_records
        self.max_bytes = max_bytes
        self.closed = False
        self.wake = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self.failure: CaptureError | None = None


class Tap:
    """Takes a copy of every frame on the hot path; a task writes them off it.

    `record` costs one append. When the writer falls behind by ``max_records`` or ``max_bytes``, new
    records are dropped and counted in ``dropped``: trading is never held up. `for_exchange` gives
    each exchange its own tap on the same recording, so that the file is in order of time::

        with CaptureWriter(path) as writer:
            tap.start(writer)
            ...
            await tap.stop()
    """

    __slots__ = ("_clock", "_exchange", "_ring")

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        max_records: int = 100_000,
        max_bytes: int = 256 * 1024 * 1024,
    ) -> None:
        self._clock = clock or SystemClock()
        self._exchange: str | None = None
        self._ring = _Ring(max_records, max_bytes)

    def for_exchange(self, exchange: str) -> Tap:
        """Return a tap on the same recording whose records name the exchange's key."""
        tap = Tap.__new__(Tap)
        tap._clock, tap._exchange, tap._ring = self._clock, exchange, self._ring
        return tap

    @property
    def dropped(self) -> int:
        """Records lost because the writer was behind or had failed."""
        return self._ring.dropped

    @property
    def failure(self) -> CaptureError | None:
        """Why recording ended early, None while it goes well."""
        return self._ring.failure

    def record(
        self,
        t: int,
        conn: str,
        dir: Direction,
        data: bytes = b"",
        req: bytes | None = None,
        call: tuple[str, int] | None = None,
    ) -> None:
        """Note what happened on a connection at ``t`` (nanoseconds UTC).

        ``req`` is the body of the request that an ``http`` answer answers, ``call`` its method and
        the answer's status.
        """
        ring = self._ring
        size = len(data)
        if ring.closed and ring.failure is None:
            return  # what comes after the end is not part of the recording
        if ring.closed or ring.count >= ring.max_records or ring.bytes + size > ring.max_bytes:
            ring.dropped += 1
            return
        ring.count += 1
        ring.bytes += size
        ring.entries.append((t, conn, dir, data, req, self._exchange, call))

    def start(self, writer: CaptureWriter) -> None:
        """Write what is recorded, twice a second and in a thread, until `stop`."""
        self._ring.task = asyncio.get_running_loop().create_task(self._drain(writer))

    async def stop(self) -> None:
        """Take no more, and write what is left; the writer may be closed afterwards."""
        ring = self._ring
        ring.closed = True
        ring.wake.set()
        if ring.task is not None:
            await ring.task

    async def _drain(self, writer: CaptureWriter) -> None:
        ring = self._ring
        while ring.entries or not ring.closed:
            if not ring.closed:
                timer = self._clock.call_later(_INTERVAL_NS, ring.wake.set)
                await ring.wake.wait()
                timer.cancel()
                ring.wake.clear()
            batch, ring.entries = ring.entries, deque()
            try:
                await asyncio.to_thread(_write, writer, batch)
            except CaptureError as error:
                ring.failure = error
                ring.closed = True
                ring.dropped += len(batch) + len(ring.entries)
                ring.entries.clear()
            # Counted until they are written: the bounds hold for what is on its way as well.
            ring.count -= len(batch)
            ring.bytes -= sum(len(entry[3]) for entry in batch)


def _write(writer: CaptureWriter, batch: deque[_Entry]) -> None:
    writer.write(CaptureRecord.of(*entry) for entry in batch)
