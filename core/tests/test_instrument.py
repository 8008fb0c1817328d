"""Prices and sizes to text and back: exact for every grid."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft import GridError, Instrument, InstrumentId, InstrumentKind


def instrument(step: str) -> Instrument:
    return Instrument(
        id=InstrumentId("BTC/USDT", "binance"),
        native_symbol="BTCUSDT",
        kind=InstrumentKind.SPOT,
        base="BTC",
        quote="USDT",
        settle="USDT",
        tick_size=Decimal(step),
        lot_size=Decimal(step),
    )


STEPS = ["0.01", "0.00001", "0.000000000000000001", "1", "0.5", "0.0025", "10", "25"]


@pytest.mark.parametrize("step", STEPS)
@given(count=st.integers(-(2**62), 2**62))
def test_the_text_of_a_count_is_that_of_its_decimal(step: str, count: int) -> None:
    traded = instrument(step)
    exact = Decimal(count) * Decimal(step)
    decimals = max(0, -int(Decimal(step).normalize().as_tuple().exponent))
    assert traded.format_price(count) == traded.format_size(count) == f"{exact:.{decimals}f}"
    assert traded.price_to_decimal(count) == exact


@pytest.mark.parametrize("step", STEPS)
@given(count=st.integers(0, 2**62 - 1))
def test_what_is_printed_is_read_back(step: str, count: int) -> None:
    traded = instrument(step)
    assert traded.price(traded.format_price(count)) == count


@pytest.mark.parametrize("text", ["0.015", "1e3", "-1", "+1", " 1", "1_0", "", ".", "nan", "٣", "9" * 41])
def test_what_is_not_on_the_grid_is_refused(text: str) -> None:
    with pytest.raises(GridError):
        instrument("0.01").price(text)
