"""Run a recorded session again, with the same inputs in the same order, and find the first difference."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import attrs

from hft.capture import CaptureRecord
from hft.clock import NS_PER_S, SystemClock
from hft.errors import CaptureError, UsageError
from hft.instrument import Instrument, InstrumentId
from hft.latency import Trace
from hft.net.spec import Request
from hft.plugin.feed import RecordedFeed
from hft.profile import Mode, Profile
from hft.run.effects import NotedOrders, final_figures
from hft.run.kernel import Kernel, pick_instrument
from hft.run.runtime import run_async
from hft.run.session.clock import ReplayedClock
from hft.run.session.difference import Difference, Verdict
from hft.run.session.header import Header, differences, facts_of
from hft.run.session.outcomes import Outcomes
from hft.run.session.reading import SessionReader, Step
from hft.run.session.replayed_account import ReplayedAccounts, ReplayedJournal
from hft.run.summary import Summary

__all__ = ["find_session", "replay_session"]


def find_session(profile: Profile) -> Path | None:
    """Return the session among a profile's captures, None where they are of markets alone."""
    sessions = [path for path in profile.captures if _is_session(path)]
    if not sessions:
        return None
    if len(profile.captures) > 1:
        raise UsageError(f"{sessions[0]}: is a session, which is replayed by itself: name no other capture")
    return sessions[0]


def _is_session(path: Path) -> bool:
    first = SessionReader(path).first
    return first is not None and first.dir == "session"


def replay_session(
    profile: Profile, path: Path, *, write: Callable[[str], None], warn: Callable[[str, str], None]
) -> tuple[Summary, Verdict]:
    """Run the profile on the inputs of a session until what it does differs from what was done then.

    Raises `CaptureError` for a session that this cannot replay. ``warn`` takes a key, by which it limits the
    rate, and a line.
    """
    reader = SessionReader(path)
    assert reader.first is not None, "find_session has looked"
    header = Header.decode(path, reader.first.payload)
    changed = differences(header.facts, facts_of(profile))
    if missing := [key for key in header.urls if key not in profile.exchanges]:
        raise UsageError(f"{profile.path}: has no exchange {missing[0]!r}, which the session has")
    replay = _Replay(profile, header, reader.first.t, write=write, warn=warn)
    inputs = effects = 0
    difference: Difference | None = None
    last = (1, reader.first)
    for step in reader.steps():
        if difference is not None:
            continue  # read on, to know whether the recording is whole
        difference = replay.play(step)
        if difference is None:
            inputs += 1
            effects += len(step.effects)
            last = (step.line, step.record)
    if difference is None and reader.end is not None and not reader.incomplete:
        difference = replay.compare_figures(*last, reader.end.figures)
    summary = replay.close()
    verdict = Verdict(
        inputs=inputs,
        effects=effects,
        incomplete=reader.incomplete,
        difference=difference,
        changed=changed,
    )
    return summary, verdict


class _TimerRaised(Exception):
    """The event loop takes such an error to whoever halts, which is the next input where it was so then."""


class _Replay:
    """A run whose inputs are played one by one."""

    def __init__(
        self,
        profile: Profile,
        header: Header,
        start_ns: int,
        *,
        write: Callable[[str], None],
        warn: Callable[[str, str], None],
    ) -> None:
        # Client order ids are made of the name.
        self._profile = profile = attrs.evolve(profile, name=header.name)
        self._clock = clock = ReplayedClock(start_ns)
        self._start_ns = start_ns
        self._trace = Trace(SystemClock().now_ns, replay_ns=clock.now_ns)
        self._kernel = Kernel(profile, clock, run_id=header.run, trace=self._trace, write=write, warn=warn)
        self._kernel.wanted += [
            each for each in map(InstrumentId.parse, header.instruments) if each not in self._kernel.wanted
        ]
        self._outcomes = Outcomes()
        self._accounts: ReplayedAccounts | None = None
        if header.mode == Mode.LIVE.value:
            self._accounts = ReplayedAccounts(self._kernel, self._outcomes, clock)
        journal = ReplayedJournal(self._outcomes)
        self._kernel.manager.journal = NotedOrders(journal, self._note)
        self._warn = warn
        self._made: list[str] = []
        self._bug: Difference | None = None
        self._feeds: dict[str, RecordedFeed] = {}
        for key, entry in profile.exchanges.items():
            stream_class = entry.plugin.market_data()
            assert stream_class is not None, "the profile reader has checked it"
            feed = self._feeds[key] = RecordedFeed(
                key,
                entry.environment,
                header.urls.get(key),
                clock=clock,
                seed=f"{profile.seed}:{key}",
                trace=self._trace,
                warn=warn,
            )
            feed.stream = stream_class(entry.config, feed)
        for key, feed in self._feeds.items():
            wanted = [each.symbol for each in self._kernel.wanted if each.exchange == key]
            feed.stream.instrument_requests(wanted)
        self._is_started = False

    def play(self, step: Step) -> Difference | None:
        """Tell the kernel of one input; return in what it does something else than it did then."""
        line, record = step.line, step.record
        self._made.clear()
        self._outcomes.begin(step.outcomes)
        bug, self._bug = self._bug, None
        if bug is not None and record.dir != "halt":
            return bug
        self._clock.begin(record.t)
        raised = ""
        then: tuple[str, ...] = ()
        now: tuple[str, ...] = ()
        try:
            then, now = self._tell(record)
        except _TimerRaised as error:
            raised = str(error)
        then, now = (*then, *step.effects, *self._outcomes.left), (*now, *self._made)
        if raised:
            self._bug = Difference(line=line, record=record, then=then, now=(*now, raised))
        return None if then == now else Difference(line=line, record=record, then=then, now=now)

    def compare_figures(self, line: int, record: CaptureRecord, figures: dict[str, str]) -> Difference | None:
        """Return what is another figure at the end than it was then."""
        if self._bug is not None:
            return self._bug
        now = final_figures(self._kernel, self._clock.timers)
        if now == figures:
            return None
        names = [name for name in (figures | now) if figures.get(name) != now.get(name)]
        end = CaptureRecord(record.t, "", "end")
        return Difference(
            line=line,
            record=end,
            then=tuple(f"{name}: {figures[name]}" for name in names if name in figures),
            now=tuple(f"{name}: {now[name]}" for name in names if name in now),
        )

    def close(self) -> Summary:
        """End the run and return its figures."""
        run_async(self._kernel.close())
        return self._kernel.summary(
            duration_s=(self._clock.now_ns() - self._start_ns) / NS_PER_S,
            frames=sum(feed.frames for feed in self._feeds.values()),
            undecoded=sum(feed.undecoded_frames for feed in self._feeds.values()),
        )

    def _note(self, line: str) -> None:
        self._made.append(line)

    def _tell(self, record: CaptureRecord) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what, beside requests and fills, was otherwise then, and what it is now."""
        match record.dir:
            case "timer":
                return self._fire(record)
            case "start":
                self._start()
            case "told":
                self._told(record)
            case "stop":
                self._kernel.stop()
            case "halt":
                self._kernel.manager.halt(record.payload.decode())
            case "mark":
                self._kernel.mark_to_market()
            case _:
                self._feed(self._feeds[record.exchange or ""], record)
        return (), ()

    def _told(self, record: CaptureRecord) -> None:
        if self._accounts is None:
            raise CaptureError(f"the session tells of an account at {record.t}, and is not of mode 'live'")
        if record.conn == "terms":
            instruments = self._instruments()
            self._kernel.wire(instruments, self._accounts.clients(record.payload, instruments))
            self._kernel.want_for_backtests()
            return
        try:
            self._accounts.tell(record.conn, record.payload)
        except CaptureError:
            raise
        except Exception as error:
            # Who told it then reported it, and halted where that is to be done.
            self._warn(f"replayed {type(error).__name__}", f"{record.conn}: {error!r}")

    def _instruments(self) -> list[Instrument]:
        return [
            pick_instrument(feed.instruments, wanted)
            for key, feed in self._feeds.items()
            for wanted in self._kernel.wanted
            if wanted.exchange == key
        ]

    def _start(self) -> None:
        kernel = self._kernel
        if self._accounts is None:
            kernel.wire(self._instruments())
        kernel.start()
        for key, feed in self._feeds.items():
            feed.stream.subscribe([m for m in kernel.markets.values() if m.instrument.exchange == key])
        self._is_started = True

    def _fire(self, record: CaptureRecord) -> tuple[tuple[str, ...], tuple[str, ...]]:
        number, when_ns = map(int, record.payload.split())
        timer = self._clock.take(number)
        if timer is None or timer.when_ns != when_ns:
            now = "no such timer waits" if timer is None else f"timer {number} is due at {timer.when_ns}"
            return (f"timer {number} was due at {when_ns}",), (now,)
        try:
            timer.fire()
        except Exception as error:
            raise _TimerRaised(f"a timer raised {type(error).__name__}: {error}") from error
        return (), ()

    def _feed(self, feed: RecordedFeed, record: CaptureRecord) -> None:
        if record.dir == "http" and not self._is_started:
            # What it raised then had the exchange asked again.
            with suppress(Exception):
                request = Request(url=record.conn, body=(record.req or "").encode())
                feed.on_listing(request, record.payload, record.t)
            return
        try:
            feed.play(record)
        except Exception as error:
            # The connection reported it, and went on.
            self._warn(f"replayed {type(error).__name__}", f"{feed.exchange}: {error!r}")
