"""Run a profile on what was recorded, as fast as it goes."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console

from hft.capture import CaptureRecord, read_capture
from hft.clock import NS_PER_S, SimulatedClock, SystemClock
from hft.errors import CaptureError
from hft.instrument import Instrument
from hft.latency import Trace
from hft.plugin.feed import RecordedFeed
from hft.profile import Profile
from hft.run.kernel import Kernel, pick_instrument
from hft.run.runtime import run_async, tame_garbage_collector
from hft.run.summary import Summary
from hft.run.view import View

__all__ = ["run_recorded", "stop_on_interrupt"]

_SETTLE_NS = 5 * NS_PER_S
"""Recorded time after the last record in which what is under way arrives."""

_LOOK_EVERY = 512
"""Records between two looks at the time of day, for the panel."""


def run_recorded(
    profile: Profile,
    *,
    duration_ns: int | None,
    console: Console | None,
    write: Callable[[str], None],
    warn: Callable[[str, str], None],
) -> Summary:
    """Run over the profile's captures, or ``duration_ns`` of them; then stop cleanly.

    Time is the recording's; latency alone is measured by the machine's clock. Two runs of one profile
    make the same orders. ``warn`` takes a key, by which it limits the rate, and a line.
    """
    stopwatch = SystemClock()
    clock = SimulatedClock()
    trace = Trace(stopwatch.now_ns, replay_ns=clock.now_ns)
    kernel = Kernel(profile, clock, run_id=f"seed {profile.seed}", trace=trace, write=write, warn=warn)
    instruments, start_ns = _prepare(profile, kernel, _feeds(profile, clock, trace, warn), warn)
    feeds = _feeds(profile, clock, trace, warn)
    clock.advance_to(start_ns)
    kernel.wire(instruments)
    for key, feed in feeds.items():
        feed.stream.subscribe([m for m in kernel.markets.values() if m.instrument.exchange == key])
    kernel.start()
    tame_garbage_collector()
    view = View(kernel, stopwatch, lambda: _frames(feeds), write)
    end_ns = None if duration_ns is None else start_ns + duration_ns
    with stop_on_interrupt() as stopped, view.shown(console):
        kernel.on_halt = lambda: stopped.append("halted")
        for count, (feed, record) in enumerate(_records(profile, feeds, warn)):
            if stopped or (end_ns is not None and record.t > end_ns):
                break
            clock.advance_to(record.t)
            feed.play(record)
            if not count % _LOOK_EVERY:
                view.refresh_if_due()
    kernel.stop()
    ended_ns = clock.now_ns()
    clock.advance(_SETTLE_NS)
    run_async(kernel.close())
    return kernel.summary(
        duration_s=(ended_ns - start_ns) / NS_PER_S,
        frames=_frames(feeds),
        undecoded=sum(feed.undecoded_frames for feed in feeds.values()),
    )


def _feeds(
    profile: Profile, clock: SimulatedClock, trace: Trace, warn: Callable[[str, str], None]
) -> dict[str, RecordedFeed]:
    feeds = {}
    for key, entry in profile.exchanges.items():
        stream_class = entry.plugin.market_data()
        assert stream_class is not None, "the profile reader has checked it"
        feed = feeds[key] = RecordedFeed(
            key,
            entry.environment,
            entry.url,
            clock=clock,
            seed=f"{profile.seed}:{key}",
            trace=trace,
            warn=warn,
        )
        feed.stream = stream_class(entry.config, feed)
    return feeds


def _prepare(
    profile: Profile, kernel: Kernel, feeds: dict[str, RecordedFeed], warn: Callable[[str, str], None]
) -> tuple[list[Instrument], int]:
    """Read on until the captures have described every wanted instrument; return also their first time.

    The records are played from the start again afterwards, to feeds of their own, so that nothing is
    counted twice: only then can they be told to anybody.
    """
    start_ns: int | None = None
    for feed, record in _records(profile, feeds, warn):
        start_ns = record.t if start_ns is None else start_ns
        if record.dir == "http":
            feed.play(record)
            if all(wanted.symbol in feeds[wanted.exchange].instruments for wanted in kernel.wanted):
                break
    if start_ns is None:
        names = ", ".join(map(str, profile.captures))
        raise CaptureError(f"{names}: no record of the exchanges of this profile, nothing to replay")
    return [pick_instrument(feeds[wanted.exchange].instruments, wanted) for wanted in kernel.wanted], start_ns


def _records(
    profile: Profile, feeds: dict[str, RecordedFeed], warn: Callable[[str, str], None]
) -> Iterator[tuple[RecordedFeed, CaptureRecord]]:
    """Yield the records with the feed of their exchange; one without a name is the only exchange's."""
    only = next(iter(feeds.values())) if len(feeds) == 1 else None
    skipped: set[str | None] = set()
    for record in read_capture(*profile.captures, warn=lambda line: warn(line, line)):
        feed = only if record.exchange is None else feeds.get(record.exchange)
        if feed is not None:
            yield feed, record
        elif record.exchange not in skipped:
            skipped.add(record.exchange)
            whose = "without a name" if record.exchange is None else f"of exchange {record.exchange!r}"
            warn(f"skipped {whose}", f"records {whose} are left out: the profile has {', '.join(feeds)}")


def _frames(feeds: dict[str, RecordedFeed]) -> int:
    return sum(feed.frames for feed in feeds.values())


@contextmanager
def stop_on_interrupt() -> Iterator[list[str]]:
    """Give a list that SIGINT or SIGTERM adds to, instead of raising in the middle of an event."""
    stopped: list[str] = []

    def note(number: int, _: FrameType | None) -> None:
        stopped.append(signal.Signals(number).name)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
