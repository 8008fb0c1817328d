"""Arithmetic of money that is exact or fails: nothing is ever rounded silently."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Clamped, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow, Underflow
from typing import NewType, Self

import attrs

__all__ = [
    "AMOUNT_DIGITS",
    "EXACT",
    "MONEY",
    "Amount",
    "Money",
    "amount_to_decimal",
    "difference",
    "divide",
    "product",
    "to_amount",
    "total",
    "trim",
]

EXACT = Context(
    # Ticks times lots of the largest counts are 38 digits; the rest is room for fractions and for sums.
    prec=100,
    traps=[Clamped, DivisionByZero, Inexact, InvalidOperation, Overflow, Underflow],
)
"""Traps every inexact result. Python's default context rounds to 28 digits without a word."""

_ONE = Decimal(1)

MONEY = r"[0-9]{1,40}(\.[0-9]{1,40})? [A-Za-z0-9][A-Za-z0-9._-]{0,31}"
"""How `Money` is written."""

_MONEY = re.compile(r"([0-9]{1,40}(?:\.[0-9]{1,40})?) ([A-Za-z0-9][A-Za-z0-9._-]{0,31})")

AMOUNT_DIGITS = 52
"""Digits of an `Amount` behind the point: half a tick of 10^-18 times a lot of 10^-18, and room for costs."""

_AMOUNT_DIGITS = Decimal(AMOUNT_DIGITS)

_add, _multiply, _scale, _whole = EXACT.add, EXACT.multiply, EXACT.scaleb, EXACT.to_integral_exact

_WIDE = Context(prec=1_000, traps=EXACT.traps)

Amount = NewType("Amount", int)
"""Money as a count of 10^-52 of its asset, exact whatever the tick and lot: integers are added and compared
in 50 ns, and sums over instruments need no common grid. Make one with `to_amount`."""


@attrs.frozen
class Money:
    """A positive amount of an asset as a profile states it, written ``200 USDT``."""

    value: Decimal
    asset: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``200.5 USDT``; raise `ValueError` saying what is wrong."""
        match = _MONEY.fullmatch(text)
        if match is None:
            raise ValueError('is not an amount of money, write the number and the asset: "200 USDT"')
        value = Decimal(match[1])
        if not value:
            raise ValueError("is no money at all, write more than 0")
        return cls(value, match[2])

    @property
    def amount(self) -> Amount:
        """The same as a count, exact and quick to compare."""
        return to_amount(self.value)

    def __str__(self) -> str:
        return f"{self.value:f} {self.asset}"


def to_amount(value: Decimal | int) -> Amount:
    """Return an exact amount; raise `decimal.Inexact` for one that is finer than 10^-52."""
    scaled = _scale(value, _AMOUNT_DIGITS)
    try:
        return int(_whole(scaled))  # type: ignore[return-value]  # Amount() is a call
    except Inexact:
        raise Inexact(f"{value} has more than {AMOUNT_DIGITS} digits behind the point") from None


def amount_to_decimal(amount: int) -> Decimal:
    """Return the same money as a decimal, without trailing zeros."""
    return trim(_WIDE.scaleb(Decimal(amount), -AMOUNT_DIGITS))


def divide(numerator: int, denominator: int) -> int:
    """Divide with rounding half to even, which leans to neither side."""
    quotient, rest = divmod(numerator, denominator)
    twice = rest * 2  # of the sign of the denominator
    is_more = twice > denominator if denominator > 0 else twice < denominator
    if is_more or (twice == denominator and quotient % 2):
        quotient += 1
    return quotient


def product(first: Decimal | int, *others: Decimal | int) -> Decimal:
    """Multiply exactly; raise `decimal.Inexact` if the result does not fit."""
    result = Decimal(first)
    for other in others:
        result = _multiply(result, other)
    return result


def total(amounts: Iterable[Decimal | int]) -> Decimal:
    """Add up exactly; 0 when there is nothing."""
    result = Decimal(0)
    for amount in amounts:
        result = _add(result, amount)
    return result


def difference(minuend: Decimal | int, subtrahend: Decimal | int) -> Decimal:
    """Subtract exactly."""
    return EXACT.subtract(minuend, subtrahend)


def trim(amount: Decimal) -> Decimal:
    """Return the same number without trailing zeros behind the point, and never as ``1E+2``."""
    trimmed = _WIDE.normalize(amount)
    is_whole = trimmed == trimmed.to_integral_value()
    return _WIDE.quantize(trimmed, _ONE) if is_whole else trimmed
