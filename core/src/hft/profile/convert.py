"""One value of a profile as the type that a field wants, or a `ValueError` that says what to write."""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal, get_args, get_origin

from hft.money import Money
from hft.profile.document import Scalar
from hft.profile.values import DECIMAL, parse_decimal, parse_duration
from hft.spelling import did_you_mean
from hft.types import Duration

__all__ = ["CONVERSIONS", "expect_text", "is_choice", "to_choice"]


def _to_bool(node: Scalar) -> bool:
    value = node.read()
    if isinstance(value, bool):
        return value
    quoted = value in ("true", "false") and not node.sensitive
    raise ValueError(f"wants true or false, got {node.shown}{', remove the quotes' if quoted else ''}")


def _to_int(node: Scalar) -> int:
    value = node.read()
    if type(value) is int:
        return value
    quoted = isinstance(value, str) and re.fullmatch(r"[-+]?[0-9]+", value) and not node.sensitive
    raise ValueError(f"wants a whole number, got {node.shown}{', remove the quotes' if quoted else ''}")


def _to_float(node: Scalar) -> float:
    value = node.read()
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"wants a number, got {node.shown}")
    if not math.isfinite(value):
        raise ValueError(f"wants a finite number, got {node.shown}")
    return float(value)


def expect_text(node: Scalar, what: str) -> str:
    """Return the value if it is text."""
    if isinstance(node.value, str):
        return node.value
    raise ValueError(f"wants {what}, got {node.shown}")


def _to_text(node: Scalar) -> str:
    if isinstance(node.value, bool | int | float):
        raise ValueError(f'wants text, got {node.text}, write it in quotes: "{node.text}"')
    return expect_text(node, "text")


def _to_decimal(node: Scalar) -> Decimal:
    value = node.value
    if type(value) is int:
        return Decimal(value)
    if isinstance(value, float) and re.fullmatch(DECIMAL, node.text):
        # It is a binary float by now, which "1.0" in quotes never becomes.
        raise ValueError(f'wants an exact decimal, write it in quotes: "{node.text}"')
    try:
        return parse_decimal(expect_text(node, 'an exact decimal, such as "0.001"'))
    except ValueError as error:
        raise _about(node, error) from None


def _to_money(node: Scalar) -> Money:
    try:
        return Money.parse(expect_text(node, "an amount of money with its asset, such as 200 USDT"))
    except ValueError as error:
        raise _about(node, error) from None


def _to_duration(node: Scalar) -> Duration:
    try:
        return parse_duration(expect_text(node, "a length of time with its unit, such as 100ms or 1.5s"))
    except ValueError as error:
        raise _about(node, error) from None


def _about(node: Scalar, error: ValueError) -> ValueError:
    message = str(error)
    return ValueError(f"{node.shown} {message}" if message.startswith("is ") else message)


CONVERSIONS: dict[Any, Callable[[Scalar], Any]] = {
    bool: _to_bool,
    int: _to_int,
    float: _to_float,
    str: _to_text,
    Decimal: _to_decimal,
    Duration: _to_duration,
    Money: _to_money,
}


def is_choice(type_: Any) -> bool:
    """Return whether a type is an enum or a `Literal`."""
    return get_origin(type_) is Literal or (isinstance(type_, type) and issubclass(type_, enum.Enum))


def to_choice(node: Scalar, type_: Any) -> Any:
    """Return the member of an enum by its value, or the alternative of a `Literal`."""
    members = get_args(type_) if get_origin(type_) is Literal else type_
    choices = {each.value if isinstance(each, enum.Enum) else each: each for each in members}
    value = node.read()
    for choice, member in choices.items():
        if type(choice) is type(value) and choice == value:
            return member
    names = [str(choice) for choice in choices]
    hint = did_you_mean(value, names) if isinstance(value, str) and not node.sensitive else ""
    raise ValueError(f"{node.shown} is not one of {', '.join(names)}{hint}")
