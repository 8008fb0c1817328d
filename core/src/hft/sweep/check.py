"""Find what is wrong with a space for a profile and its data, before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from hft.errors import Fault, ProfileError, UsageError
from hft.profile import Mode, PluginSource, Profile, parse_profile
from hft.profile.amend import amend, places
from hft.run.tape import Tape
from hft.spelling import did_you_mean
from hft.sweep.figures import figure_names
from hft.sweep.parameter import Parameter
from hft.sweep.space import Space

__all__ = ["check_space", "read_base"]


def read_base(path: Path, text: str, registry: PluginSource) -> Profile:
    """Read the profile as it stands; raise `UsageError` where it is of another mode."""
    profile = parse_profile(path, text.encode(), registry)
    if profile.mode is not Mode.BACKTEST:
        raise UsageError(f"{path}: is of mode {profile.mode.value!r}, set mode: backtest")
    return profile


def check_space(path: Path, text: str, space: Space, tapes: Sequence[Tape], registry: PluginSource) -> None:
    """Raise `ProfileError` with every figure that no result has, and every value that the profile refuses.

    A value is refused if it is with the others as they stand in the profile, with all others at their lowest
    and with all at their highest: what only some of them refuse, the trials will show.
    """
    faults = list(_figures(space, figure_names(tapes)))
    known = places(text)
    missing = [each for each in space.parameters if each.path not in known]
    for each in missing:
        hint = did_you_mean(each.path, known) or ", write it there with the value that it has now"
        faults.append(each.mark.fault(f"no single value stands there in {path}{hint}"))
    if not missing:
        for each in space.parameters:
            faults += _values(path, text, each, space.parameters, registry)
    if faults:
        raise ProfileError(sorted(faults, key=lambda fault: (fault.line, fault.path)))


def _figures(space: Space, names: Sequence[str]) -> Iterator[Fault]:
    marks = (space.objective_mark, *space.constraint_marks)
    figures = (space.objective.figure, *(each.figure for each in space.constraints))
    for figure, mark in zip(figures, marks, strict=True):
        if figure not in names:
            hint = did_you_mean(figure, names) or ", hft backtest --json shows what there is"
            yield mark.fault(f"no result has the figure {figure!r}{hint}")


def _values(
    path: Path, text: str, one: Parameter, parameters: Sequence[Parameter], registry: PluginSource
) -> Iterator[Fault]:
    extremes = {each.path: list(each.extremes()) for each in parameters if each is not one}
    lowest = {name: values[0] for name, values in extremes.items()}
    highest = {name: values[-1] for name, values in extremes.items()}
    for value in one.extremes():
        refusals = []
        for others in ({}, lowest, highest):
            refusal = _refusal(path, amend(text, {**others, one.path: value}), registry)
            if refusal is None:
                break
            refusals.append(refusal)
        else:
            yield one.mark.fault(f"{value} is refused: {refusals[0]}")


def _refusal(path: Path, text: str, registry: PluginSource) -> Fault | None:
    """Return the first fault of a profile, None where it has none."""
    try:
        read_base(path, text, registry)
    except ProfileError as error:
        return next(iter(error.faults))
    except UsageError as error:
        return Fault(str(path), 0, "", str(error))
    return None
