"""Exact arithmetic fails rather than rounds."""

from __future__ import annotations

from decimal import Decimal, DivisionByZero, Inexact, InvalidOperation
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft.money import (
    EXACT,
    Money,
    amount_to_decimal,
    difference,
    divide,
    product,
    to_amount,
    total,
    trim,
)

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


@given(amounts)
def test_an_amount_is_the_same_number(value: Decimal) -> None:
    assert amount_to_decimal(to_amount(value)) == value
    assert Fraction(to_amount(value), 10**52) == Fraction(value)


def test_an_amount_that_is_too_fine_raises() -> None:
    assert to_amount(Decimal("1e-52")) == 1
    with pytest.raises(Inexact):
        to_amount(Decimal("1e-53"))


@given(st.integers(-(10**30), 10**30), st.integers(-(10**15), 10**15).filter(bool))
def test_division_rounds_half_to_even(numerator: int, denominator: int) -> None:
    assert divide(numerator, denominator) == round(Fraction(numerator, denominator))


@given(
    st.decimals("0.00000001", 10**20, places=8),
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", fullmatch=True),
)
def test_money_is_read_as_it_is_written(value: Decimal, asset: str) -> None:
    money = Money.parse(f"{value:f} {asset}")
    assert (money.value, money.asset, money.amount) == (value, asset, to_amount(value))
    assert str(money) == f"{value:f} {asset}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (text, "is not an amount of money")
        for text in ("200", "USDT", "-1 USDT", "1e3 USDT", "1  USDT", "\u0661 USDT", "")
    ]
    + [("0 USDT", "is no money"), ("0.00 USDT", "is no money")],
)
def test_what_is_no_money_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Money.parse(text)
