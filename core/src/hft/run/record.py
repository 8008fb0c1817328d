"""Write what the exchanges of a profile send to a capture, without trading."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import attrs

from hft.capture import CaptureWriter, Tap
from hft.clock import NS_PER_S, SystemClock
from hft.errors import UsageError
from hft.latency import UNTRACED
from hft.market import Channel, Market
from hft.profile import Profile
from hft.run.exchange import Budgets, ExchangeSession
from hft.run.live import stop_on_signals
from hft.run.wanted import wanted_instruments

__all__ = ["Recording", "record"]

_REPORT_NS = 250_000_000


@attrs.frozen(kw_only=True)
class Recording:
    """What was written: ``dropped`` records did not fit the ring between two writes."""

    path: str
    duration_s: float
    frames: int
    undecoded: int
    dropped: int


def _ignore(_event: Any) -> None:
    """Listen to a channel only so that it is subscribed to."""


async def record(
    profile: Profile,
    path: Path,
    *,
    overwrite: bool,
    duration_ns: int | None,
    warn: Callable[[str, str], None],
    progress: Callable[[float, int], None],
) -> Recording:
    """Record every public channel of the profile's instruments until told to stop.

    ``progress`` is called a few times a second with seconds and frames so far.
    """
    if not wanted_instruments(profile):
        raise UsageError(f"{profile.path}: no instrument, nothing to record: name one under 'strategies'")
    clock = SystemClock()
    tap = Tap(clock=clock)
    budgets: Budgets = {}
    sessions = {
        key: ExchangeSession(
            entry,
            base=profile.path.parent,
            seed=profile.seed,
            clock=clock,
            trace=UNTRACED,
            tap=tap.for_exchange(key),
            budgets=budgets,
            warn=warn,
        )
        for key, entry in profile.exchanges.items()
    }

    def frames() -> int:
        return sum(session.frames for session in sessions.values())

    with stop_on_signals() as stop, CaptureWriter(path, overwrite=overwrite) as writer:
        started_ns = clock.now_ns()
        async with AsyncExitStack() as opened:
            tap.start(writer)
            starting = asyncio.ensure_future(_start(profile, sessions, opened))
            try:
                while not stop.is_set():
                    elapsed_ns = clock.now_ns() - started_ns
                    if starting.done():
                        starting.result()
                    if tap.failure is not None:
                        raise tap.failure
                    if duration_ns is not None and elapsed_ns >= duration_ns:
                        break
                    progress(elapsed_ns / NS_PER_S, frames())
                    await clock.sleep(_REPORT_NS)
            finally:
                # Before the connections are closed: that we hang up is no part of what happened.
                await tap.stop()
                starting.cancel()
                await asyncio.gather(starting, return_exceptions=True)
    return Recording(
        path=str(path),
        duration_s=(clock.now_ns() - started_ns) / NS_PER_S,
        frames=frames(),
        undecoded=sum(session.undecoded_frames for session in sessions.values()),
        dropped=tap.dropped,
    )


async def _start(profile: Profile, sessions: dict[str, ExchangeSession], opened: AsyncExitStack) -> None:
    for key, session in sessions.items():
        opened.push_async_callback(session.close)
        await session.open()
        wanted = [
            instrument_id for instrument_id in wanted_instruments(profile) if instrument_id.exchange == key
        ]
        markets = [Market(instrument) for instrument in await session.load_instruments(wanted)]
        for market in markets:
            for channel in Channel:
                market.listen(channel, _ignore)
        session.subscribe(markets)
