"""Exact arithmetic fails rather than rounds."""

from __future__ import annotations

from decimal import Decimal, DivisionByZero, Inexact, InvalidOperation
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft.money import EXACT, difference, product, total, trim

amounts = st.decimals(allow_nan=False, allow_infinity=False, places=18, min_value=-(10**20), max_value=10**20)


@given(st.lists(amounts, min_size=1, max_size=5))
def test_sums_and_differences_are_exact(values: list[Decimal]) -> None:
    assert Fraction(total(values)) == sum(map(Fraction, values))
    assert Fraction(difference(values[0], values[-1])) == Fraction(values[0]) - Fraction(values[-1])


@given(amounts, amounts)
def test_products_are_exact(first: Decimal, second: Decimal) -> None:
    assert Fraction(product(first, second)) == Fraction(first) * Fraction(second)


def test_a_result_that_does_not_fit_raises() -> None:
    third = Decimal("0." + "3" * 99)
    with pytest.raises(Inexact):
        product(third, third)
    with pytest.raises(Inexact):
        total((Decimal("1e99"), Decimal("1e-99")))
    with pytest.raises(Inexact):
        EXACT.divide(1, 3)
    with pytest.raises(DivisionByZero):
        EXACT.divide(1, 0)
    with pytest.raises(InvalidOperation):
        product(Decimal("Infinity"), 0)


@pytest.mark.parametrize(
    ("amount", "text"),
    [("1.500", "1.5"), ("100", "100"), ("1E+2", "100"), ("0.000", "0"), ("-0.10", "-0.1"), ("1E-9", "1E-9")],
)
def test_trimming_changes_the_text_and_not_the_number(amount: str, text: str) -> None:
    assert str(trim(Decimal(amount))) == text
    assert trim(Decimal(amount)) == Decimal(amount)
