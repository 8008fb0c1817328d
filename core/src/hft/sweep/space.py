"""What a sweep searches and by what it judges: the space file, read as strictly as a profile."""

from __future__ import annotations

import enum
from decimal import Decimal
from pathlib import Path

import attrs

from hft.errors import Fault, ProfileError, UsageError
from hft.plugin.config import option
from hft.profile.document import FileKind, Items, Node, Section, read_document
from hft.profile.fault import Mark, Refused
from hft.profile.structure import Structurer
from hft.sweep.parameter import Parameter, read_parameter

__all__ = [
    "Constraint",
    "Direction",
    "Objective",
    "Sampler",
    "Space",
    "SpaceKeys",
    "WalkForward",
    "read_space",
]

_KIND = FileKind("space file", "objective: {figure: net_pnl}")

_MAX_GRID = 100_000


class Direction(enum.Enum):
    """Which of two objectives is the better one."""

    MAXIMISE = "maximise"
    MINIMISE = "minimise"


class Sampler(enum.Enum):
    """How the values of a trial are chosen."""

    TPE = "tpe"
    RANDOM = "random"
    GRID = "grid"


def _check_positive(_: object, __: object, value: int | None) -> None:
    if value is not None and value < 1:
        raise ValueError(f"must be at least 1, got {value}")


def _check_seed(_: object, __: object, value: int) -> None:
    if value < 0:
        raise ValueError(f"must not be negative, got {value}")


def _check_parameters(_: object, __: object, value: dict[str, Node]) -> None:
    if not value:
        raise ValueError("must have at least one parameter")


@attrs.frozen(kw_only=True)
class Objective:
    """By what trials are compared."""

    figure: str = option(doc="a figure of the result, by its name in hft backtest --json")
    direction: Direction = option(Direction.MAXIMISE, doc="whether more of it is better, or less")


@attrs.frozen(kw_only=True)
class Constraint:
    """What a figure of a trial must keep for the trial to be chosen."""

    figure: str = option(doc="a figure of the result, by its name in hft backtest --json")
    at_least: Decimal | None = option(None, doc="the least that it may be")
    at_most: Decimal | None = option(None, doc="the most that it may be")

    def violation(self, value: Decimal) -> Decimal:
        """Return how far a value is from what is allowed, 0 or less where it is kept."""
        over = [] if self.at_most is None else [value - self.at_most]
        under = [] if self.at_least is None else [self.at_least - value]
        return max(over + under)


@attrs.frozen(kw_only=True)
class WalkForward:
    """How the time of the data is parted into windows, each to search in and to judge behind."""

    windows: int = option(doc="how many windows, one search each", validator=_check_positive)
    train: int = option(3, doc="how many times as long as its test a training is", validator=_check_positive)
    anchored: bool = option(False, doc="every training begins where the data begin, and so grows")


@attrs.frozen(kw_only=True)
class SpaceKeys:
    """The keys of the whole file."""

    objective: Objective = option(doc="by what trials are compared")
    constraints: tuple[Constraint, ...] = option((), doc="what a trial must keep to be chosen")
    sampler: Sampler = option(Sampler.TPE, doc="how the values of a trial are chosen")
    trials: int | None = option(
        None, doc="how many trials a search has: 100, or all points of a grid", validator=_check_positive
    )
    seed: int = option(1, doc="seed of the sampler, so that a sweep can be repeated", validator=_check_seed)
    round: int = option(
        8, doc="how many trials tpe chooses at a time, from all that went before", validator=_check_positive
    )
    walk_forward: WalkForward | None = option(None, doc="windows to search in and to judge behind")
    parameters: dict[str, Node] = option(
        doc="what varies: paths into the profile, each with a list of values or a range",
        validator=_check_parameters,
    )


@attrs.frozen(kw_only=True)
class Space:
    """A space file without fault."""

    path: Path
    objective: Objective
    constraints: tuple[Constraint, ...]
    sampler: Sampler
    trials: int
    seed: int
    round: int
    walk_forward: WalkForward | None
    parameters: tuple[Parameter, ...]
    objective_mark: Mark
    constraint_marks: tuple[Mark, ...]
    """Where the figures stand, for what is wrong with them."""

    def limit(self, trials: int) -> int:
        """Return how many trials are run where so many are asked for; raise `UsageError` for a grid."""
        if self.sampler is Sampler.GRID:
            raise UsageError("--trials: a grid has all of its points, use sampler: random")
        return trials


def read_space(path: Path) -> Space:
    """Read a space file; raise `ProfileError` with everything that is wrong with it."""
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "that is no file name"
        raise ProfileError([Fault(str(path), 0, "", f"cannot be read: {reason}")]) from None
    try:
        # Values are put into profiles as they stand here; what they refer to is for the profile to read.
        root, faults = read_document(str(path), data, {}, _KIND)
    except Refused as refused:
        raise ProfileError(refused.faults) from None
    keys: SpaceKeys | None = None
    try:
        keys = Structurer(()).fill(root, SpaceKeys)
    except Refused as refused:
        faults += refused.faults
    parameters = _parameters(root.get("parameters"), faults)
    constraints = root.get("constraints")
    marks = tuple(_figure_mark(each) for each in constraints) if isinstance(constraints, Items) else ()
    trials = 0
    if keys is not None:
        for constraint, mark in zip(keys.constraints, marks, strict=True):
            if constraint.at_least is constraint.at_most is None:
                faults.append(mark.fault("allows everything, add at_least or at_most"))
        trials = _trials(keys, parameters, root, faults)
    if faults or keys is None:
        raise ProfileError(sorted(faults, key=lambda fault: (fault.line, fault.path)))
    return Space(
        path=path,
        objective=keys.objective,
        constraints=keys.constraints,
        sampler=keys.sampler,
        trials=trials,
        seed=keys.seed,
        round=keys.round,
        walk_forward=keys.walk_forward,
        parameters=tuple(parameters),
        objective_mark=_figure_mark(root["objective"]),
        constraint_marks=marks,
    )


def _parameters(node: Node | None, faults: list[Fault]) -> list[Parameter]:
    parameters = []
    for path, each in node.items() if isinstance(node, Section) else ():
        try:
            parameters.append(read_parameter(path, each))
        except Refused as refused:
            faults += refused.faults
    return parameters


def _trials(keys: SpaceKeys, parameters: list[Parameter], root: Section, faults: list[Fault]) -> int:
    if keys.sampler is not Sampler.GRID:
        return 100 if keys.trials is None else keys.trials
    points = 1
    for parameter in parameters:
        count = parameter.count
        if count is None:
            faults.append(parameter.mark.fault("a grid needs a step, add one or use sampler: random"))
            return 0
        points *= count
    if points > _MAX_GRID:
        message = f"the grid has {points:,} points, at most {_MAX_GRID:,} are tried, use larger steps"
        faults.append(root["parameters"].mark.fault(message))
    if keys.trials is not None and keys.trials < points:
        message = f"the grid has {points:,} points: remove the key, or use sampler: random"
        faults.append(root["trials"].mark.fault(message))
    return points


def _figure_mark(node: Node) -> Mark:
    figure = node.get("figure") if isinstance(node, Section) else None
    return node.mark if figure is None else figure.mark
