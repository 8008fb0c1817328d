"""Run a profile on recorded columns, with simulated fills, as fast as it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TimeRemainingColumn

from hft.book import new_book
from hft.clock import NS_PER_S, SimulatedClock, SystemClock
from hft.errors import UsageError
from hft.latency import Trace
from hft.market import Market
from hft.paper import PaperExecution
from hft.paper.choice import new_clock, new_replay
from hft.paper.funding import RecordedFunding
from hft.paper.replay import NEVER, ReplayFeed
from hft.profile import Profile
from hft.run.effects import NotedOrders
from hft.run.kernel import Kernel
from hft.run.performance import performance
from hft.run.recorded import stop_on_interrupt
from hft.run.result import BacktestResult, InstrumentResult
from hft.run.runtime import run_async, tamed_garbage_collector
from hft.run.tape import Span, Tape, find_tapes
from hft.run.watch import BacktestWatch

__all__ = ["run_backtest"]

SAMPLE_NS = 10 * NS_PER_S
"""Recorded time between two looks at the profit."""

_SETTLE_NS = 5 * NS_PER_S
"""Recorded time after the last event in which what is under way arrives."""

_LOG_NS = NS_PER_S

_FINISHED_KEPT = 1_000
"""Orders that have ended and are remembered: a simulated exchange tells nothing twice, and nothing late."""

_STEP = 100_000
"""Events between two looks at the progress."""


def run_backtest(
    profile: Profile,
    paths: Sequence[Path] = (),
    *,
    duration_ns: int | None = None,
    span: Span | None = None,
    interruptible: bool = True,
    console: Console | None,
    write: Callable[[str], None],
    warn: Callable[[str, str], None],
    watch: BacktestWatch | None = None,
    period: Span | None = None,
    note: Callable[[int, str], None] | None = None,
) -> BacktestResult:
    """Run over the columns at and below ``paths``, the profile's ``data`` by default; then stop cleanly.

    All time is the recording's, so that two runs make the same orders and the same result. ``console`` shows
    the progress if it is a terminal. ``warn`` takes a key, by which it limits the rate, and a line. ``watch``
    takes down what a report shows. With a ``span`` no more than that part of the time is run. Unless it is
    ``interruptible`` signals are left to whoever calls: a result is of the whole time, or there is none.

    With a ``period`` the strategies start and stop at its begin and end, wherever data do. ``note`` takes the
    time and a line for each request and each fill, as a session has them.
    """
    stopwatch = SystemClock()
    began_ns = stopwatch.now_ns()
    paths = paths or profile.data
    if not paths:
        raise UsageError(f"{profile.path}: no data to run on, name folders under 'data' or with --data")
    clock = new_clock()
    kernel = Kernel(
        profile, clock, run_id=f"seed {profile.seed}", trace=Trace(clock.now_ns), write=write, warn=warn
    )
    kernel.log_interval_ns = _LOG_NS
    kernel.manager.store.kept = _FINISHED_KEPT
    tapes = find_tapes(profile, kernel.wanted, paths, span)
    first_ns = min(tape.first_ns for tape in tapes) if period is None else period.begin_ns
    clock.advance_to(first_ns)
    session = _Session(kernel, clock, tapes, watch, interruptible=interruptible)
    if note is not None:
        tell, journal = note, kernel.manager.journal
        kernel.manager.journal = NotedOrders(journal, lambda line: tell(clock.now_ns(), line))
    kernel.wire([tape.instrument for tape in tapes], simulate=session.simulate)
    kernel.start()
    session.start()
    ends_ns = [NEVER if duration_ns is None else first_ns + duration_ns]
    if span is not None:
        ends_ns.append(span.end_ns - 1)
    if period is not None:
        ends_ns.append(period.end_ns)
    end_ns = min(ends_ns)
    if watch is not None:
        watch.start(clock, kernel.ledger, min(end_ns, max(tape.last_ns for tape in tapes)))
    with tamed_garbage_collector():
        with _progress(console, sum(tape.events for tape in tapes)) as advance:
            session.play(end_ns, advance)
        if period is not None:
            session.wait(end_ns)
        session.stop(first_ns)
        kernel.stop()
        clock.advance(_SETTLE_NS)
        run_async(kernel.close())
        # Or the garbage collector looks through all of them, which takes a tenth of such a run.
        kernel.manager.store.forget_finished()
    if watch is not None:
        watch.stop(session.last_ns)
    return session.result((stopwatch.now_ns() - began_ns) / NS_PER_S)


class _Session:
    """What one backtest has beside its kernel: the replay, and its own looks at what comes of it."""

    def __init__(
        self,
        kernel: Kernel,
        clock: SimulatedClock,
        tapes: Sequence[Tape],
        watch: BacktestWatch | None,
        *,
        interruptible: bool,
    ) -> None:
        self._interruptible = interruptible
        self._kernel = kernel
        self._clock = clock
        self._watch = watch
        self._tapes = {tape.instrument: tape for tape in tapes}
        self._papers: dict[Market, PaperExecution] = {}
        self._feeds: list[ReplayFeed] = []
        self._instruments: dict[str, InstrumentResult] = {}
        self._profits: dict[str, list[int]] = {tape.instrument.settle: [] for tape in tapes}

    def simulate(self, paper: PaperExecution, market: Market) -> None:
        """Let orders in a market meet the exchange's book, which is ahead of ours."""
        book = new_book(market.instrument)
        self._papers[market] = paper
        tape = self._tapes[market.instrument]
        funding = None if paper.config.states_funding else RecordedFunding(tape.funding())
        self._feeds.append(
            ReplayFeed(
                market=market,
                book=book,
                model=paper.simulate(market.instrument, book, funding),
                settle=paper.settle,
                days=tape.days,
                latency_ns=paper.config.feed_latency,
            )
        )
        if self._watch is not None:
            self._watch.add(market, book, paper)

    def start(self) -> None:
        """Begin to look at the profit."""
        self._replay = new_replay(self._clock, self._feeds)
        self._kernel.on_halt = self._halt
        self._sample()

    def play(self, end_ns: int, advance: Callable[[int], None]) -> None:
        """Play until the end, a halt or a signal; ``advance`` is told of events that have been played."""
        signals: AbstractContextManager[list[str]]
        signals = stop_on_interrupt() if self._interruptible else nullcontext([])
        with signals as stopped:
            while self._replay.step(_STEP, end_ns) and not self._replay.stopped and not stopped:
                advance(_STEP)

    def wait(self, end_ns: int) -> None:
        """Let time pass until the end, of which there are no data any more."""
        while not self._replay.stopped:
            due_ns = self._clock.next_timer_ns()
            if due_ns is None or due_ns > end_ns:
                self._clock.advance_to(end_ns)
                return
            self._clock.advance_to(due_ns)

    def stop(self, first_ns: int) -> None:
        """Take down what became of the orders, before those that are left are cancelled."""
        self._first_ns, self.last_ns = first_ns, self._clock.now_ns()
        for market, paper in self._papers.items():
            instrument = market.instrument
            figures = paper.statistics[instrument]
            figures.close(self.last_ns)
            self._instruments[str(instrument)] = InstrumentResult.of(
                instrument, figures, self.last_ns - first_ns
            )

    def result(self, wall_s: float) -> BacktestResult:
        """Return what came of it."""
        kernel, duration_ns = self._kernel, self.last_ns - self._first_ns
        frames = sum(market.counters.frames for market in self._papers)
        return BacktestResult(
            summary=kernel.summary(duration_s=duration_ns / NS_PER_S, frames=frames, undecoded=0),
            performance={
                currency: performance(profits, SAMPLE_NS)
                for currency, profits in self._profits.items()
                if currency in kernel.ledger.totals()
            },
            instruments=self._instruments,
            events=self._replay.played,
            first_ns=self._first_ns,
            last_ns=self.last_ns,
            wall_s=wall_s,
        )

    def _halt(self) -> None:
        self._replay.stopped = True

    def _sample(self) -> None:
        self._clock.call_later(SAMPLE_NS, self._sample)
        ledger = self._kernel.ledger
        for market in self._papers:
            bid, ask = market.book.best_bid, market.book.best_ask
            if bid is not None and ask is not None:
                ledger.mark_mid(market.instrument, bid + ask)
        for currency, profits in self._profits.items():
            profits.append(ledger.figures(currency).profit)


@contextmanager
def _progress(console: Console | None, events: int) -> Iterator[Callable[[int], None]]:
    """Show a bar where a person looks."""
    columns = (BarColumn(), TaskProgressColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    disable = console is None or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=disable) as progress:
        task = progress.add_task("", total=events)
        yield lambda played: progress.advance(task, played)
