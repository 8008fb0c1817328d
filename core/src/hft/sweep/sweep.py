"""Run a sweep: searches, each of many trials, and what each chose on the data behind it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import attrs
from optuna.trial import Trial

from hft.errors import Fault, ProfileError, UsageError
from hft.profile import Profile
from hft.profile.amend import amend
from hft.registry.loader import Registry
from hft.run.recorded import stop_on_interrupt
from hft.run.tape import Tape, find_tapes
from hft.run.wanted import wanted_instruments
from hft.sweep.check import check_space, read_base
from hft.sweep.result import SearchResult, SweepResult
from hft.sweep.search import Search, TrialRecord
from hft.sweep.space import Space
from hft.sweep.storage import open_storage
from hft.sweep.windows import Window, part
from hft.sweep.work import Outcome, Task, Workers

__all__ = ["Sweep", "prepare"]

_LOOK_S = 0.2
"""How long one waits for a trial before looking whether the sweep is to stop."""


@attrs.frozen(kw_only=True)
class Sweep:
    """A sweep that can run: the profile reads, the space fits it, and there are data."""

    path: Path
    text: str
    profile: Profile
    space: Space
    data: tuple[Path, ...]
    windows: Sequence[Window]
    tapes: Sequence[Tape]

    def run(
        self, workers: Callable[[], Workers], storage: str, progress: Callable[[int, int], None]
    ) -> SweepResult:
        """Run what the storage does not have, until all is done or a signal comes.

        ``progress`` is called with how many trials more have ended, and how many there are to run.
        """
        with open_storage(storage) as kept:
            searches = []
            for number, window in enumerate(self.windows, 1):
                name = self.space.path.stem
                if window.test is not None:
                    name += f" {number} of {len(self.windows)}"
                searches.append(_Windowed(Search(name, kept, self.space, self._origin(window)), window, self))
            total = sum(each.left for each in searches)
            progress(0, total)
            if total:
                with stop_on_interrupt() as stopped, closing(workers()) as team:
                    while any(each.left for each in searches) and not stopped:
                        _hand_out(searches, team)
                        for each in searches:
                            each.look_ahead()
                        ended = team.wait(_LOOK_S)
                        # First, so that nobody waits until what came of the last one is written down.
                        _hand_out(searches, team)
                        for key, outcome in ended:
                            assert isinstance(key, _Ticket)
                            key.search.finish(key.what, outcome)
                            progress(1, total)
            return SweepResult(
                profile=self.profile.name,
                space=self.space,
                searches=[each.result() for each in searches],
                left=sum(each.left for each in searches),
            )

    def _origin(self, window: Window) -> dict[str, str]:
        """Return digests of what a search is made of."""
        space = self.space
        parameters = [(each.path, each.values) for each in space.parameters]
        search = (
            space.objective,
            space.constraints,
            space.sampler,
            space.seed,
            space.round,
            parameters,
            window,
        )
        days = [(str(tape.instrument), tape.events, tape.first_ns, tape.last_ns) for tape in self.tapes]
        profile = self.profile
        uses = {each.use for each in profile.strategies.values()}
        uses |= {each.use for each in profile.risk} | {each.use for each in profile.exchanges.values()}
        files = sorted(use for use in uses if (self.path.parent / use).is_file())
        plugins = [(each, (self.path.parent / each).read_bytes()) for each in files]
        parts = {"profile": self.text, "space": search, "recording": days, "plugin": plugins}
        return {what: hashlib.sha256(repr(each).encode()).hexdigest() for what, each in parts.items()}


def prepare(path: Path, space: Space, data: Sequence[Path]) -> Sweep:
    """Read the profile and check everything; raise `UsageError`, of which `ProfileError` is one."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ProfileError([Fault(str(path), 0, "", f"cannot be read: {reason}")]) from None
    registry = Registry()
    profile = read_base(path, text, registry)
    folders = tuple(data or profile.data)
    if not folders:
        raise UsageError(f"{path}: no data to run on, name folders under 'data' or with --data")
    tapes = find_tapes(profile, wanted_instruments(profile), folders)
    check_space(path, text, space, tapes, registry)
    return Sweep(
        # Where they are, whatever the working directory of whoever runs the trials.
        path=path.resolve(),
        text=text,
        profile=profile,
        space=space,
        data=tuple(each.resolve() for each in folders),
        windows=part(tapes, space.walk_forward),
        tapes=tapes,
    )


@attrs.frozen(eq=False)
class _Ticket:
    """What a task was for: a trial, or the judging of the one that was chosen."""

    search: _Windowed
    what: Trial | TrialRecord


class _Windowed:
    """A search in its window, and the judging behind it."""

    def __init__(self, search: Search, window: Window, sweep: Sweep) -> None:
        self._search = search
        self._window = window
        self._sweep = sweep
        self._is_judging = False

    @property
    def left(self) -> int:
        """How many tasks have not ended."""
        left = self._search.left
        if self._window.test is None:
            return left
        return left + (left > 0 or self._unjudged() is not None)

    def look_ahead(self) -> None:
        """Have the next trial ready before there is room for it."""
        self._search.look_ahead()

    def next(self) -> tuple[_Ticket, Task] | None:
        """Return what to do next, None where there is nothing at the moment."""
        trial = self._search.next()
        if trial is not None:
            return _Ticket(self, trial), self._task(self._search.values(trial), is_test=False)
        chosen = None if self._search.left or self._is_judging else self._unjudged()
        if chosen is None:
            return None
        self._is_judging = True
        return _Ticket(self, chosen), self._task(chosen.values, is_test=True)

    def finish(self, what: Trial | TrialRecord, outcome: Outcome) -> None:
        """Take down what came of it."""
        if isinstance(what, TrialRecord):
            self._search.keep_test(what, outcome)
        else:
            self._search.finish(what, outcome)

    def result(self) -> SearchResult:
        """Return what there is by now."""
        chosen = self._search.best()
        is_judged = chosen is not None and not self._search.left
        return SearchResult(
            window=self._window,
            trials=self._search.records(),
            chosen=chosen,
            judged=self._search.test(chosen) if is_judged and chosen is not None else None,
        )

    def _unjudged(self) -> TrialRecord | None:
        chosen = self._search.best() if self._window.test is not None else None
        return None if chosen is None or self._search.test(chosen) is not None else chosen

    def _task(self, values: Mapping[str, str], *, is_test: bool) -> Task:
        sweep = self._sweep
        return Task(
            path=sweep.path,
            text=amend(sweep.text, values),
            data=sweep.data,
            span=self._window.test if is_test else self._window.train,
        )


def _hand_out(searches: Sequence[_Windowed], team: Workers) -> None:
    for search in searches:
        while team.has_room():
            given = search.next()
            if given is None:
                break
            team.submit(*given)
