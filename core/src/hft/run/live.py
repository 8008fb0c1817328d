"""Run a profile on what exchanges send now."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import attrs
from rich.console import Console

from hft.clock import NS_PER_S, Clock, SystemClock
from hft.journal import open_journal
from hft.latency import Trace
from hft.profile import Mode, Profile
from hft.run.exchange import Budgets, ExchangeSession
from hft.run.kernel import Kernel
from hft.run.live_feed import LiveFeed
from hft.run.runtime import tame_garbage_collector
from hft.run.session import AccountRecorder, SessionRecorder
from hft.run.summary import Summary
from hft.run.trading import LiveTrading, begin_journal
from hft.run.view import View

__all__ = ["Errand", "run_live", "stop_on_signals"]

_DRAIN_NS = {Mode.DRY_RUN: 2 * NS_PER_S, Mode.LIVE: 15 * NS_PER_S}
"""How long a stop waits for the cancellations it sent to be confirmed, and repeats them."""

_FLATTEN_NS = 60 * NS_PER_S
"""How long a stop waits for positions to be closed that were to be."""

_DRAIN_STEP_NS = 10_000_000
_LOOK_NS = 50_000_000


@contextlib.contextmanager
def stop_on_signals() -> Iterator[asyncio.Event]:
    """Give an event that SIGINT, SIGTERM and SIGHUP set; a second signal interrupts at once.

    A terminal that is closed is no reason to leave orders behind.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    main = asyncio.current_task()
    assert main is not None

    def request() -> None:
        if stop.is_set():
            main.cancel()
        stop.set()

    # Whoever started us with nohup wants us to outlive the terminal.
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    numbers = (signal.SIGINT, signal.SIGTERM) if ignored else (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, request)
    try:
        yield stop
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def _bugs_told_to(halt: Callable[[str], None]) -> Iterator[None]:
    """Call ``halt`` when a timer's call raises, which the event loop by itself would only log.

    Books, orders and positions may be half changed. What tasks and sockets raise is theirs to mend.
    """
    loop = asyncio.get_running_loop()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        loop.default_exception_handler(context)
        error = context.get("exception")
        if "handle" in context and isinstance(error, Exception):
            halt(f"bug: {type(error).__name__}: {error}")

    loop.set_exception_handler(handle)
    try:
        yield
    finally:
        loop.set_exception_handler(None)


@attrs.frozen(kw_only=True)
class Errand:
    """Something to be done in mode live instead of what the strategies do.

    ``work`` begins when accounts and books are there, and ends the run when it returns. With
    ``leaves_orders`` what is open then stays open. With ``clean_up`` it is done although the kill switch is
    latched or trading halts.
    """

    work: Callable[[Kernel], Coroutine[Any, Any, None]]
    leaves_orders: bool = False
    clean_up: bool = False


async def run_live(
    profile: Profile,
    *,
    duration_ns: int | None,
    console: Console | None,
    write: Callable[[str], None],
    warn: Callable[[str, str], None],
    errand: Errand | None = None,
    clock: Clock | None = None,
    record: Path | None = None,
) -> Summary:
    """Run until the duration is over, a signal asks to stop, or trading is halted; then stop cleanly.

    With ``record`` every input and every order is written to this new file, so that the run can be replayed.
    ``warn`` takes a key, by which it limits the rate, and a line. ``clock`` is the system's by default.
    """
    clock = clock or SystemClock()
    trace = Trace(clock.now_ns)
    run_id = str(clock.now_ns())
    recorder = None if record is None else SessionRecorder(profile, record, clock, run_id, warn=warn)
    kernel_clock = clock if recorder is None else recorder.clock
    kernel = Kernel(profile, kernel_clock, run_id=run_id, trace=trace, write=write, warn=warn)
    kernel.has_strategies = errand is None
    budgets: Budgets = {}
    sessions = {
        key: ExchangeSession(
            entry,
            base=profile.path.parent,
            seed=profile.seed,
            clock=clock,
            trace=trace,
            tap=None,
            budgets=budgets,
            warn=warn,
            make_feed=LiveFeed if recorder is None else recorder.feed,
        )
        for key, entry in profile.exchanges.items()
    }

    def halt(reason: str) -> None:
        if recorder is not None:
            recorder.input("halt", reason.encode())
        kernel.manager.halt(reason)

    def mark() -> None:
        if recorder is not None:
            recorder.input("mark")

    clean_up = errand is not None and errand.clean_up
    with stop_on_signals() as stop, _bugs_told_to(halt):
        if not clean_up:
            kernel.on_halt = stop.set
        kernel.on_silent = lambda market: sessions[market.instrument.exchange].replace(market)
        async with AsyncExitStack() as opened:
            trading = None
            if recorder is not None:
                opened.callback(recorder.close)
            if profile.mode is Mode.LIVE:
                trading = LiveTrading(
                    profile,
                    kernel,
                    clock,
                    clean_up=clean_up,
                    alert=lambda line: warn(line[:60], line),
                    recorder=None if recorder is None else AccountRecorder(recorder, kernel),
                )
                opened.callback(trading.close)
            started_ns = clock.now_ns()
            starting = asyncio.ensure_future(_start(kernel, sessions, opened, trading, recorder, halt))
            try:
                if await _first(stop, starting, duration_ns):
                    tame_garbage_collector()
                    write(f"{profile.name}: started in mode {profile.mode.value}: {_names(kernel)}")
                    left_ns = _left(duration_ns, clock.now_ns() - started_ns)
                    if errand is not None:
                        await _first(stop, asyncio.ensure_future(errand.work(kernel)), left_ns)
                    else:
                        view = View(kernel, clock, lambda: _frames(sessions), write, on_mark=mark)
                        with view.shown(console):
                            looking = asyncio.ensure_future(_look(view, clock))
                            await _first(stop, None, left_ns)
                            looking.cancel()
                elif not stop.is_set():
                    kernel.fail(
                        "nothing was started within the duration: an exchange has not answered,"
                        " or orders of an earlier run are in doubt"
                    )
            finally:
                # Also when the terminal is gone and the panel cannot be taken down.
                if errand is None or not errand.leaves_orders:
                    if recorder is not None:
                        recorder.input("stop")
                    kernel.stop()
                    await _drain(kernel, clock)
                if recorder is not None:
                    await recorder.end(kernel)
                if trading is not None:
                    await trading.stop()
                await kernel.close()
            # Before the connections are closed, which takes every book out of LIVE.
            return kernel.summary(
                duration_s=(clock.now_ns() - started_ns) / NS_PER_S,
                frames=_frames(sessions),
                undecoded=sum(session.undecoded_frames for session in sessions.values()),
            )


async def _start(
    kernel: Kernel,
    sessions: dict[str, ExchangeSession],
    opened: AsyncExitStack,
    trading: LiveTrading | None,
    recorder: SessionRecorder | None,
    halt: Callable[[str], None],
) -> None:
    for session in sessions.values():
        opened.push_async_callback(session.close)
        await session.open()
    if recorder is not None:
        urls = {key: session.url for key, session in sessions.items()}
        recorder.begin(urls, () if trading is None else trading.more)
    instruments = []
    for key, session in sessions.items():
        wanted = [instrument_id for instrument_id in kernel.wanted if instrument_id.exchange == key]
        instruments += await session.load_instruments(wanted)
    if trading is not None:
        kernel.wire(instruments, trading.clients(sessions, instruments))
        await trading.start()
        if recorder is not None:
            recorder.input("start")
    else:
        if recorder is not None:
            recorder.input("start")
        kernel.wire(instruments)
        if kernel.profile.journal:
            journal = open_journal(kernel.profile.state / kernel.profile.name / "dry-run", kernel.clock)
            opened.callback(journal.close)
            begin_journal(journal, kernel, instruments, halt)
        if recorder is not None:
            kernel.manager.journal = recorder.orders(kernel.manager.journal)
    kernel.start()
    for key, session in sessions.items():
        session.subscribe([m for m in kernel.markets.values() if m.instrument.exchange == key])


async def _first(stop: asyncio.Event, work: asyncio.Future[None] | None, timeout_ns: int | None) -> bool:
    """Wait for a stop, the work or the time; say whether the work was done first."""
    waited: set[asyncio.Future[Any]] = {asyncio.ensure_future(stop.wait())}
    if work is not None:
        waited.add(work)
    timeout = None if timeout_ns is None else timeout_ns / NS_PER_S
    try:
        await asyncio.wait(waited, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if work is None:
            return False
        if work.done():
            work.result()
            return True
        return False
    finally:
        for future in waited:
            future.cancel()
        await asyncio.gather(*waited, return_exceptions=True)


async def _look(view: View, clock: Clock) -> None:
    while True:
        await clock.sleep(_LOOK_NS)
        view.refresh_if_due()


async def _drain(kernel: Kernel, clock: Clock) -> None:
    began_ns = clock.now_ns()
    while clock.now_ns() < began_ns + _FLATTEN_NS:
        if kernel.flattener.is_done:
            late = clock.now_ns() >= began_ns + _DRAIN_NS[kernel.profile.mode]
            if late or not kernel.manager.open_count:
                return
        await clock.sleep(_DRAIN_STEP_NS)


def _names(kernel: Kernel) -> str:
    return ", ".join(str(instrument) for instrument in kernel.markets)


def _left(duration_ns: int | None, elapsed_ns: int) -> int | None:
    return None if duration_ns is None else max(duration_ns - elapsed_ns, 0)


def _frames(sessions: dict[str, ExchangeSession]) -> int:
    return sum(session.frames for session in sessions.values())
