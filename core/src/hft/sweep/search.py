"""One search: an Optuna study that says what to try next, and keeps what came of it."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import attrs

from hft.errors import UsageError
from hft.sweep.figures import Figures, exact
from hft.sweep.parameter import Choices, Decimals, Durations, Floats, Integers, Parameter
from hft.sweep.space import Direction, Sampler, Space
from hft.sweep.work import Outcome

try:
    import optuna
except ImportError:
    raise UsageError("a sweep needs Optuna, type: pip install 'hft-core[sweep]'") from None

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, GridSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, Trial, TrialState

__all__ = ["Search", "TrialRecord"]

_FIGURES, _ERROR, _TEST, _ORIGIN = "figures", "error", "test", "origin"
"""Names under which the storage keeps what is ours."""

_UNFINISHED = "its values were being chosen when the sweep was stopped"


@attrs.frozen(kw_only=True)
class TrialRecord:
    """A trial that has ended: YAML by the parameters' paths, and its figures or an error.

    ``objective`` is None where it failed. ``keeps`` says whether it keeps all constraints.
    """

    number: int
    values: Mapping[str, str]
    figures: Figures | None
    objective: Decimal | None
    keeps: bool
    error: str | None


class Search:
    """The trials of one study, made anew or taken up from the storage.

    What a trial tries depends on the seed, on its number and, where the sampler learns, on the trials of all
    rounds before its own: never on how many run at a time, nor on how often the search was interrupted.
    ``origin`` says of what the study is made, in words for what may differ. Raises `UsageError` where the
    storage has a study of this name that is made of other things.
    """

    def __init__(
        self, name: str, storage: optuna.storages.BaseStorage, space: Space, origin: Mapping[str, str]
    ) -> None:
        self.name = name
        self._space = space
        self._distributions = {each.path: _distribution(each) for each in space.parameters}
        self._grid = _grid(space) if space.sampler is Sampler.GRID else None
        # Only used for a moment: where a trial is asked for, there is one for its number.
        self._idle = RandomSampler(seed=space.seed)
        self._study = optuna.create_study(
            study_name=name,
            storage=storage,
            sampler=self._idle,
            direction="maximize" if space.objective.direction is Direction.MAXIMISE else "minimize",
            load_if_exists=True,
        )
        self._check(origin)
        self._queue: deque[Trial] = deque()
        self._running = 0
        # Counted here: to ask the storage takes as long as a short backtest.
        self._made = self._ended = 0
        self._resume()

    @property
    def left(self) -> int:
        """How many trials have not ended."""
        return max(0, self._space.trials - self._ended)

    def look_ahead(self) -> None:
        """Have a trial ready before it is asked for, where what it tries is known by now."""
        if not self._queue:
            self._ask()

    def next(self) -> Trial | None:
        """Return the next trial to run, None where there is none at the moment."""
        self.look_ahead()
        if not self._queue:
            return None
        self._running += 1
        return self._queue.popleft()

    def values(self, trial: Trial) -> dict[str, str]:
        """Return what a trial puts into the profile."""
        return self._values(trial.params)

    def finish(self, trial: Trial, outcome: Outcome) -> None:
        """Take down what came of a trial."""
        self._running -= 1
        self._ended += 1
        figures, error = outcome.figures, outcome.error
        wanted = [self._space.objective.figure, *(each.figure for each in self._space.constraints)]
        if figures is not None and error is None:
            error = next(
                (f"{name} has no value in this run" for name in wanted if figures.get(name) is None), None
            )
        if figures is None or error is not None:
            trial.set_user_attr(_ERROR, error)
            self._study.tell(trial, state=TrialState.FAIL)
            return
        trial.set_user_attr(_FIGURES, dict(figures))
        for number, violation in enumerate(self._violations(figures)):
            if str(number) not in trial.constraints:
                trial.set_constraint(str(number), float(violation))
        self._study.tell(trial, float(_figure(figures, self._space.objective.figure)))

    def records(self) -> list[TrialRecord]:
        """Return the trials that have ended, by their numbers."""
        return [self._record(trial) for trial in self._trials() if trial.state.is_finished()]

    def best(self) -> TrialRecord | None:
        """Return the best trial that keeps the constraints, the first one of equals."""
        sign = 1 if self._space.objective.direction is Direction.MAXIMISE else -1
        fit = [
            (sign * each.objective, each)
            for each in self.records()
            if each.objective is not None and each.keeps
        ]
        return max(fit, key=lambda item: item[0])[1] if fit else None

    def test(self, chosen: TrialRecord) -> Outcome | None:
        """Return how the chosen trial was judged, None where it has not been."""
        kept = self._study.user_attrs.get(_TEST)
        if kept is None or kept["number"] != chosen.number:
            return None
        return Outcome(figures=kept[_FIGURES], error=kept[_ERROR])

    def keep_test(self, chosen: TrialRecord, outcome: Outcome) -> None:
        """Take down how it was judged."""
        kept = {
            "number": chosen.number,
            _ERROR: outcome.error,
            _FIGURES: outcome.figures and dict(outcome.figures),
        }
        self._study.set_user_attr(_TEST, kept)

    def _check(self, origin: Mapping[str, str]) -> None:
        known = self._study.user_attrs.get(_ORIGIN)
        if known is None:
            self._study.set_user_attr(_ORIGIN, dict(origin))
            return
        changed = [what for what, digest in origin.items() if known.get(what) != digest]
        if changed:
            raise UsageError(
                f"search {self.name!r} in the storage was begun with another {' and '.join(changed)}:"
                " name another one with --storage, or remove it"
            )

    def _resume(self) -> None:
        """Take up the trials that were running when the last sweep ended: they have their values already."""
        trials = self._trials()
        self._made = len(trials)
        self._ended = sum(trial.state.is_finished() for trial in trials)
        for frozen in trials:
            if frozen.state is not TrialState.RUNNING:
                continue
            trial = Trial(self._study, frozen._trial_id)
            if frozen.params.keys() == self._distributions.keys():
                self._queue.append(trial)
            else:
                trial.set_user_attr(_ERROR, _UNFINISHED)
                self._study.tell(trial, state=TrialState.FAIL)
                self._ended += 1
        if self._queue and self._space.sampler is Sampler.TPE:
            self._ask_round()

    def _ask(self) -> None:
        if self._space.sampler is not Sampler.TPE:
            self._ask_for(1)
        elif not self._running:
            self._ask_round(least=1)

    def _ask_round(self, least: int = 0) -> None:
        """Ask for what the round still lacks: all of its trials know the same ones before them."""
        lacking = -self._made % self._space.round
        self._ask_for(lacking or self._space.round * least)

    def _ask_for(self, count: int) -> None:
        for number in range(self._made, min(self._made + count, self._space.trials)):
            self._study.sampler = self._sampler(number)
            self._queue.append(self._study.ask(self._distributions))
            self._study.sampler = self._idle
            self._made += 1

    def _sampler(self, number: int) -> BaseSampler:
        # A sampler of its own for each trial: one that goes on would begin anew where a sweep is taken up.
        digest = hashlib.sha256(f"{self._space.seed}:{number}".encode()).digest()
        seed = int.from_bytes(digest[:4])
        match self._space.sampler:
            case Sampler.TPE:
                return TPESampler(seed=seed)
            case Sampler.RANDOM:
                return RandomSampler(seed=seed)
            case Sampler.GRID:
                assert self._grid is not None
                return self._grid

    def _trials(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def _values(self, params: Mapping[str, Any]) -> dict[str, str]:
        return {
            each.path: each.text(params[each.path]) for each in self._space.parameters if each.path in params
        }

    def _violations(self, figures: Figures) -> Iterator[Decimal]:
        for constraint in self._space.constraints:
            yield constraint.violation(_figure(figures, constraint.figure))

    def _record(self, trial: FrozenTrial) -> TrialRecord:
        figures: Figures | None = trial.user_attrs.get(_FIGURES)
        return TrialRecord(
            number=trial.number,
            values=self._values(trial.params),
            figures=figures,
            objective=None if figures is None else _figure(figures, self._space.objective.figure),
            keeps=figures is not None and all(each <= 0 for each in self._violations(figures)),
            error=trial.user_attrs.get(_ERROR),
        )


def _figure(figures: Figures, name: str) -> Decimal:
    value = figures[name]
    assert value is not None, "a trial without it has failed"
    return exact(value)


def _grid(space: Space) -> GridSampler:
    points = {each.path: [each.at(index) for index in range(each.count or 0)] for each in space.parameters}
    return GridSampler(points, seed=space.seed)


def _distribution(parameter: Parameter) -> BaseDistribution:
    match parameter.values:
        case Choices(texts=texts):
            return CategoricalDistribution(texts)
        case Integers(low=low, high=high, step=step, log=log):
            return IntDistribution(low, high, log=log, step=step)
        case Durations(low=low, high=high, step=step):
            return IntDistribution(low, high, step=step)
        case Decimals(low=lowest, high=highest, step=every):
            return FloatDistribution(float(lowest), float(highest), step=float(every))
        case Floats(low=least, high=most, step=gap, log=log):
            return FloatDistribution(least, most, log=log, step=gap)
