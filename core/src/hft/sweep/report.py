"""Make the page of a sweep from what it found."""

from __future__ import annotations

from collections.abc import Mapping

from hft.profile.values import parse_duration
from hft.report import Axis, Dot, ReportTable, SearchReport
from hft.sweep.parameter import Choices, Durations, Floats, Integers, Parameter
from hft.sweep.result import SearchResult, SweepResult, amount, shown, when
from hft.sweep.space import Direction

__all__ = ["sweep_report"]

_TABLE_ROWS = 50
"""Of the best trials; the plots show all."""

_NS_PER_MS = 1_000_000


def sweep_report(result: SweepResult) -> SearchReport:
    """Return the report: the same for the same profile, space and data."""
    space = result.space
    done = sum(len(each.trials) for each in result.searches)
    facts = [("trials", f"{done:,}"), ("failed", f"{sum(each.failed for each in result.searches):,}")]
    means = result.means()
    if means is not None:
        facts += [("chosen, on searched data", amount(means[0])), ("on data not searched", amount(means[1]))]
    elif len(result.searches) == 1 and (chosen := result.searches[0].chosen) is not None:
        facts += [("best, on searched data", amount(chosen.objective))]
    names = [_name(number, each) for number, each in enumerate(result.searches, 1)]
    tables = [_walk_forward(result)] if result.is_walk_forward else []
    tables += [_trials(result, each, name) for each, name in zip(result.searches, names, strict=True)]
    return SearchReport(
        title=f"Sweep of {result.profile}",
        subtitle=f"{space.objective.figure}, {space.objective.direction.value}d, by {space.sampler.value}",
        facts=facts,
        objective=space.objective.figure,
        maximise=space.objective.direction is Direction.MAXIMISE,
        searches=names,
        axes=[_axis(each) for each in space.parameters],
        dots=[
            Dot(
                search=number,
                number=trial.number,
                objective=None if trial.objective is None else float(trial.objective),
                keeps=trial.keeps,
                values=[_place(each, trial.values) for each in space.parameters],
                note=trial.error or "",
            )
            for number, search in enumerate(result.searches)
            for trial in search.trials
            if len(trial.values) == len(space.parameters)
        ],
        tables=tables,
    )


def _name(number: int, search: SearchResult) -> str:
    train = search.window.train
    return "all data" if train is None else f"{number}: {when(train.begin_ns)} to {when(train.end_ns)}"


def _axis(parameter: Parameter) -> Axis:
    match parameter.values:
        case Choices(texts=texts):
            return Axis(name=parameter.path, choices=[shown(text) for text in texts])
        case Durations():
            return Axis(name=f"{parameter.path}, ms")
        case Integers(log=log) | Floats(log=log):
            return Axis(name=parameter.path, log=log)
    return Axis(name=parameter.path)


def _place(parameter: Parameter, values: Mapping[str, str]) -> float:
    text = values[parameter.path]
    match parameter.values:
        case Choices(texts=texts):
            return texts.index(text)
        case Durations():
            return parse_duration(text) / _NS_PER_MS
    return float(shown(text))


def _walk_forward(result: SweepResult) -> ReportTable:
    rows = []
    for number, search in enumerate(result.searches, 1):
        chosen, test = search.chosen, search.window.test
        rows.append(
            (
                _name(number, search),
                "-" if test is None else f"{when(test.begin_ns)} to {when(test.end_ns)}",
                "-" if chosen is None else str(chosen.number),
                amount(None if chosen is None else chosen.objective),
                amount(result.judged(search)),
            )
        )
    columns = ("searched", "not searched", "trial", "objective, searched", "not searched")
    return ReportTable(title="What was chosen, on data that were not searched", columns=columns, rows=rows)


def _trials(result: SweepResult, search: SearchResult, name: str) -> ReportTable:
    parameters = [each.path for each in result.space.parameters]
    rows = [
        (
            str(each.number),
            amount(each.objective),
            "yes" if each.keeps else "no",
            *(shown(each.values[path]) for path in parameters),
        )
        for each in result.ranked(search)[:_TABLE_ROWS]
    ]
    columns = ("trial", result.space.objective.figure, "keeps constraints", *parameters)
    return ReportTable(title=f"Best trials, {name}", columns=columns, rows=rows)
