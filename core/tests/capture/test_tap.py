"""The tap never holds anybody up: it drops, counts, and writes the rest in order."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest

from hft.capture import CaptureRecord, CaptureWriter, Tap, read_capture
from hft.clock import NS_PER_S, SimulatedClock
from hft.errors import CaptureError


async def test_writes_twice_a_second_and_the_rest_at_the_end(tmp_path: Path) -> None:
    clock = SimulatedClock()
    tap = Tap(clock=clock)
    path = tmp_path / "c.jsonl"
    wrote = threading.Event()

    class Watched(CaptureWriter):
        def write(self, records: Iterable[CaptureRecord]) -> None:
            super().write(records)
            wrote.set()

    with Watched(path) as writer:
        tap.start(writer)
        await asyncio.sleep(0)
        tap.for_exchange("a").record(1, "x", "recv", b"one")
        tap.for_exchange("b").record(2, "y", "recv", b"two")
        assert not list(read_capture(path))
        clock.advance(NS_PER_S // 2)
        assert await asyncio.to_thread(wrote.wait, 5)
        assert len(list(read_capture(path))) == 2
        tap.record(3, "x", "close")
        await tap.stop()
        tap.record(4, "x", "recv", b"too late")
    assert [(r.t, r.exchange, r.payload) for r in read_capture(path)] == [
        (1, "a", b"one"),
        (2, "b", b"two"),
        (3, None, b""),
    ]
    assert tap.dropped == 0
    assert clock.next_timer_ns() is None


@pytest.mark.parametrize(("bounds", "kept"), [({"max_records": 10}, 10), ({"max_bytes": 99}, 9)])
async def test_drops_the_newest_and_counts_when_full(
    bounds: dict[str, int], kept: int, tmp_path: Path
) -> None:
    tap = Tap(clock=SimulatedClock(), **bounds)  # type: ignore[arg-type]
    for number in range(100):
        tap.record(number, "x", "recv", b"0123456789")
    assert tap.dropped == 100 - kept
    with CaptureWriter(tmp_path / "c.jsonl") as writer:
        tap.start(writer)
        await tap.stop()
    assert [record.t for record in read_capture(tmp_path / "c.jsonl")] == list(range(kept))


async def test_what_is_being_written_counts_against_the_bound(tmp_path: Path) -> None:
    clock = SimulatedClock()
    tap = Tap(clock=clock, max_records=10)
    writing, may_go_on = threading.Event(), threading.Event()

    class Slow(CaptureWriter):
        def write(self, records: Iterable[CaptureRecord]) -> None:
            writing.set()
            assert may_go_on.wait(5)
            super().write(records)

    async def wait_until_written() -> None:
        async with asyncio.timeout(5):
            while clock.next_timer_ns() is None:  # noqa: ASYNC110 - the drain sleeps again
                await asyncio.sleep(0)

    with Slow(tmp_path / "c.jsonl") as writer:
        for number in range(10):
            tap.record(number, "x", "recv")
        tap.start(writer)
        await asyncio.sleep(0)
        clock.advance(NS_PER_S)
        assert await asyncio.to_thread(writing.wait, 5)
        tap.record(10, "x", "recv")
        assert tap.dropped == 1
        may_go_on.set()
        await wait_until_written()
        tap.record(11, "x", "recv")
        assert tap.dropped == 1, "what is written makes room"
        await tap.stop()
    assert len(list(read_capture(tmp_path / "c.jsonl"))) == 11


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
async def test_a_full_disk_ends_the_recording_not_the_run(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.symlink_to("/dev/full")
    tap = Tap(clock=SimulatedClock())
    with CaptureWriter(path, overwrite=True) as writer:
        tap.record(1, "x", "recv", b"frame")
        tap.start(writer)
        assert tap.failure is None
        await tap.stop()
        assert isinstance(tap.failure, CaptureError)
        tap.record(2, "x", "recv", b"frame")
        assert tap.dropped == 2


async def test_stop_without_start() -> None:
    await Tap().stop()
