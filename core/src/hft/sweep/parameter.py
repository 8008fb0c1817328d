"""A parameter of a sweep: the values that it may have, exact, and how each is written into a profile."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from decimal import Decimal

import attrs

from hft.plugin.config import option
from hft.profile.document import Broken, Items, Node, Scalar, Section
from hft.profile.fault import Mark, Refused
from hft.profile.structure import Structurer
from hft.profile.values import format_duration, parse_decimal, parse_duration
from hft.types import Duration

__all__ = [
    "Choices",
    "Decimals",
    "Durations",
    "Floats",
    "Integers",
    "Parameter",
    "RangeKeys",
    "Values",
    "read_parameter",
]


_MAX_STEPS = 1_000_000_000


@attrs.frozen
class Choices:
    """One of these texts, each as a profile has it."""

    texts: tuple[str, ...]


@attrs.frozen
class Integers:
    """Whole numbers."""

    low: int
    high: int
    step: int
    log: bool


@attrs.frozen
class Decimals:
    """Exact decimals, a whole number of steps above the lowest."""

    low: Decimal
    high: Decimal
    step: Decimal


@attrs.frozen
class Durations:
    """Lengths of time in nanoseconds, a whole number of steps above the lowest."""

    low: Duration
    high: Duration
    step: Duration


@attrs.frozen
class Floats:
    """Binary floats; without a ``step`` any between the two."""

    low: float
    high: float
    step: float | None
    log: bool


Values = Choices | Integers | Decimals | Durations | Floats


@attrs.frozen(kw_only=True)
class RangeKeys:
    """The keys of a parameter that has a range."""

    low: Scalar | Broken = option(doc="the lowest value, written as the profile would have it")
    high: Scalar | Broken = option(doc="the highest value")
    step: Scalar | Broken | None = option(
        None, doc="the distance between values; decimals and durations must have one, and floats in a grid"
    )
    log: bool = option(False, doc="whether orders of magnitude count alike, for numbers without a step")


@attrs.frozen
class _Time:
    ns: Duration


@attrs.frozen
class Parameter:
    """A path into the profile, and what may stand there."""

    path: str
    mark: Mark
    values: Values

    @property
    def count(self) -> int | None:
        """How many values there are, None where they are not counted."""
        match self.values:
            case Choices(texts=texts):
                return len(texts)
            case Floats(step=None):
                return None
            case Floats(low=low, high=high, step=step):
                return int((_exact(high) - _exact(low)) / _exact(step or 1)) + 1
            case Decimals() as values:
                return int((values.high - values.low) / values.step) + 1
            case Integers() | Durations() as values:
                return (values.high - values.low) // values.step + 1

    def at(self, index: int) -> str | int | float:
        """Return one of the values that are counted, as a sampler has it."""
        match self.values:
            case Choices(texts=texts):
                return texts[index]
            case Floats() as values:
                return float(_exact(values.low) + index * _exact(values.step or 0))
            case Decimals() as values:
                return float(values.low + index * values.step)
            case Integers() | Durations() as values:
                return values.low + index * values.step

    def text(self, value: str | int | float) -> str:
        """Return what a sampler chose as YAML of one line, as it stands in the profile of the trial."""
        match self.values:
            case Choices():
                return str(value)
            case Integers():
                return str(int(value))
            case Durations():
                return format_duration(Duration(int(value)))
            case Decimals(low=low, step=step):
                return f'"{_on_grid(value, low, step):f}"'
            case Floats(step=None):
                return repr(value)
            case Floats(low=low, step=step):
                return repr(float(_on_grid(value, _exact(low), _exact(step or 1))))

    def extremes(self) -> Iterator[str]:
        """Return what must be fit for the profile before anything runs: every choice, or both ends."""
        match self.values:
            case Choices(texts=texts):
                yield from texts
            case Decimals(low=low, high=high):
                yield from (self.text(float(low)), self.text(float(high)))
            case Integers(low=low, high=high) | Durations(low=low, high=high):
                yield from (self.text(low), self.text(high))
            case Floats(low=lowest, high=highest):
                yield from (self.text(lowest), self.text(highest))


def read_parameter(path: str, node: Node) -> Parameter:
    """Read a list of values or a range; raise `Refused`."""
    match node:
        case Items():
            return Parameter(path, node.mark, _choices(node))
        case Section():
            keys: RangeKeys = Structurer(()).fill(node, RangeKeys)
            try:
                return Parameter(path, node.mark, _range(keys))
            except ValueError as error:
                raise Refused([node.mark.fault(str(error))]) from None
        case Scalar():
            message = "wants a list of values, or a range such as {low: 1, high: 10}"
            raise Refused([node.mark.fault(f"{message}, got {node.shown}")])
        case Broken():
            raise Refused


def _choices(node: Items) -> Choices:
    if not node:
        raise Refused([node.mark.fault("has no values, list some")])
    texts = []
    for item in node:
        scalar = _scalar(item)
        text = scalar.text if scalar.plain else json.dumps(scalar.text, ensure_ascii=False)
        if scalar.value is None:
            raise Refused([scalar.mark.fault("stands empty, write a value")])
        if text in texts:
            raise Refused(
                [scalar.mark.fault(f"{scalar.shown} is in the list already, remove one of the two")]
            )
        texts.append(text)
    return Choices(tuple(texts))


def _scalar(node: Node) -> Scalar:
    if isinstance(node, Scalar):
        return node
    raise Refused(() if isinstance(node, Broken) else [node.mark.fault("wants one value")])


def _number(node: Node) -> int | float | Decimal | _Time:
    value = _scalar(node).value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            return parse_decimal(value)
        with contextlib.suppress(ValueError):
            return _Time(parse_duration(value))
    message = 'is no number, write one like 3, 0.5, "0.001" or 100ms, or list the values: [a, b]'
    raise Refused([node.mark.fault(f"{_scalar(node).shown} {message}")])


def _range(keys: RangeKeys) -> Values:
    low, high = _number(keys.low), _number(keys.high)
    step = None if keys.step is None else _number(keys.step)
    if keys.log and step is not None:
        raise ValueError("has both step and log, remove one of the two")
    if isinstance(low, int) and isinstance(high, int) and isinstance(step, int | None):
        _check(low, high, step, log=keys.log)
        return Integers(low, high, 1 if step is None else step, keys.log)
    if (
        isinstance(low, int | float)
        and isinstance(high, int | float)
        and isinstance(step, int | float | None)
    ):
        _check(_exact(low), _exact(high), None if step is None else _exact(step), log=keys.log)
        return Floats(float(low), float(high), None if step is None else float(step), keys.log)
    if keys.log:
        raise ValueError("log is for whole numbers and floats, remove it or list the values")
    if step is None:
        raise ValueError("has no step, decimals and durations must have one")
    if isinstance(low, Decimal) and isinstance(high, Decimal) and isinstance(step, Decimal):
        _check(low, high, step, log=False)
        return Decimals(low, high, step)
    if isinstance(low, _Time) and isinstance(high, _Time) and isinstance(step, _Time):
        _check(low.ns, high.ns, step.ns, log=False)
        return Durations(low.ns, high.ns, step.ns)
    raise ValueError('low, high and step must be written alike: 1, 0.5, "0.5" or 100ms')


def _check(low: int | Decimal, high: int | Decimal, step: int | Decimal | None, *, log: bool) -> None:
    if low >= high:
        raise ValueError("low must be below high")
    if log and low <= 0:
        raise ValueError("low must be above 0 where log is true")
    if step is not None and step <= 0:
        raise ValueError("step must be above 0")
    if step is not None and (Decimal(high) - Decimal(low)) / Decimal(step) > _MAX_STEPS:
        raise ValueError(f"has more than {_MAX_STEPS:,} steps from low to high, use a larger one")
    if step is not None and (Decimal(high) - Decimal(low)) % Decimal(step):
        raise ValueError("high must be a whole number of steps above low")


def _exact(value: float) -> Decimal:
    """Return the decimal that was written, not the binary float that is next to it."""
    return Decimal(repr(value))


def _on_grid(value: str | int | float, low: Decimal, step: Decimal) -> Decimal:
    return low + round((Decimal(repr(value)) - low) / step) * step
