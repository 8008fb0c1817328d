"""Play a capture back at the pace at which it was recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from hft.capture import CaptureRecord
from hft.clock import Clock

__all__ = ["Playback"]

_BATCH = 64
"""Records after which others get their turn, however late the playback is."""


class Playback:
    """Hands the records of a capture to a simulator, spaced as they were when recorded.

    ``head`` holds what stands before the first frame: the answers that list the instruments. The
    rest waits for `begin`, which is called when the first client subscribes, so that it misses
    nothing. ``speed`` 2 is twice as fast; 0 is as fast as the clients read: ``pressure`` is then
    awaited between batches. ``on_end`` is called after the last record, with the error if reading
    failed.
    """

    def __init__(self, records: Iterator[CaptureRecord], clock: Clock, *, speed: float = 1.0) -> None:
        self.head: list[CaptureRecord] = []
        self.on_end: Callable[[BaseException | None], None] = lambda _: None
        self._clock = clock
        self._speed = speed
        self._records = records
        self._next: CaptureRecord | None = None
        self._task: asyncio.Task[None] | None = None
        for record in records:
            if record.dir == "recv":
                self._next = record
                break
            self.head.append(record)

    @property
    def has_begun(self) -> bool:
        """Whether records are, or were, handed out."""
        return self._task is not None

    def begin(self, sink: Callable[[CaptureRecord], None], pressure: Callable[[], Awaitable[None]]) -> None:
        """Start handing records to ``sink``; a second call changes nothing."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(sink, pressure), name="capture playback")
            self._task.add_done_callback(self._finish)

    async def stop(self) -> None:
        """Hand out no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(
        self, sink: Callable[[CaptureRecord], None], pressure: Callable[[], Awaitable[None]]
    ) -> None:
        record = self._next
        if record is None:
            return
        recorded_ns, began_ns = record.t, self._clock.now_ns()
        handed = 0
        while record is not None:
            if self._speed:
                due_ns = began_ns + int((record.t - recorded_ns) / self._speed)
                if due_ns > self._clock.now_ns():
                    await self._clock.sleep(due_ns - self._clock.now_ns())
            sink(record)
            handed += 1
            if not handed % _BATCH:
                await (asyncio.sleep(0) if self._speed else pressure())
            record = next(self._records, None)

    def _finish(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self.on_end(task.exception())
