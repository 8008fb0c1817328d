"""Arithmetic of money that is exact or fails: nothing is ever rounded silently."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Clamped, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow, Underflow

__all__ = ["EXACT", "difference", "product", "total", "trim"]

EXACT = Context(
    # Ticks times lots of the largest counts are 38 digits; the rest is room for fractions and for sums.
    prec=100,
    traps=[Clamped, DivisionByZero, Inexact, InvalidOperation, Overflow, Underflow],
)
"""Traps every inexact result. Python's default context rounds to 28 digits without a word."""

_ONE = Decimal(1)


def product(first: Decimal | int, *others: Decimal | int) -> Decimal:
    """Multiply exactly; raise `decimal.Inexact` if the result does not fit."""
    result = Decimal(first)
    for other in others:
        result = EXACT.multiply(result, other)
    return result


def total(amounts: Iterable[Decimal | int]) -> Decimal:
    """Add up exactly; 0 when there is nothing."""
    result = Decimal(0)
    for amount in amounts:
        result = EXACT.add(result, amount)
    return result


def difference(minuend: Decimal | int, subtrahend: Decimal | int) -> Decimal:
    """Subtract exactly."""
    return EXACT.subtract(minuend, subtrahend)


def trim(amount: Decimal) -> Decimal:
    """Return the same number without trailing zeros behind the point, and never as ``1E+2``."""
    trimmed = EXACT.normalize(amount)
    is_whole = trimmed == trimmed.to_integral_value()
    return EXACT.quantize(trimmed, _ONE) if is_whole else trimmed
