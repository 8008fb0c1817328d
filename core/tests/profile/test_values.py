"""Durations and decimals are exact, or refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft.profile.values import format_duration, parse_decimal, parse_duration
from hft.types import Duration


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("250us", 250_000),
        ("100ms", 100_000_000),
        ("1.5s", 1_500_000_000),
        ("0.000000001s", 1),
        ("5m", 300_000_000_000),
        ("1h", 3_600_000_000_000),
        ("0s", 0),
        ("7ns", 7),
        ("0.1h", 360_000_000_000),
    ],
)
def test_duration(text, ns):
    assert parse_duration(text) == ns


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "s",
        "-1s",
        "1.s",
        ".5s",
        "1 s",
        "1e3s",
        "1.5ns",
        "1d",
        "1S",
        "٣s",
        "1s2",
        "9" * 19 + "h",
        "9" * 9999 + "s",
    ],
)
def test_no_duration(text):
    with pytest.raises(ValueError, match=r"^is "):
        parse_duration(text)


@given(st.integers(0, 2**63 - 1))
def test_duration_round_trip(ns):
    assert parse_duration(format_duration(Duration(ns))) == ns


@given(st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**12), max_value=10**12))
def test_decimal_round_trip(value):
    assert parse_decimal(f"{value:f}").as_tuple() == value.as_tuple()


@pytest.mark.parametrize(
    "text", ["", "NaN", "Infinity", "1e5", "1_0", " 1", "1.", ".5", "٣", "1,0", "0x1", "9" * 41]
)
def test_no_decimal(text):
    with pytest.raises(ValueError, match="is not a decimal number"):
        parse_decimal(text)


def test_trailing_zeros_stay():
    assert str(parse_decimal("1.50")) == "1.50"
    assert parse_decimal("-0.5") == Decimal("-0.5")
