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


# -- prices with a limited number of figures -----------------------------------------------------------


def figured(tick: str) -> Instrument:
    return Instrument(
        id=InstrumentId("ETH/USDC:USDC", "hyperliquid"),
        native_symbol="ETH",
        kind=InstrumentKind.PERPETUAL,
        base="ETH",
        quote="USDC",
        settle="USDC",
        tick_size=Decimal(tick),
        lot_size=Decimal("0.01"),
        price_figures=5,
    )


def is_allowed(price: Decimal) -> bool:
    """The rule as it is published: five figures, or a whole number."""
    return price == price.to_integral_value() or len(price.normalize().as_tuple().digits) <= 5


FIGURED = ["1", "0.1", "0.01", "0.0001", "0.000001", "0.00000001"]


@pytest.mark.parametrize("tick", FIGURED)
@given(count=st.one_of(st.integers(1, 2**50), st.integers(0, 15).map(lambda n: 10**n), st.integers(1, 10**7)))
def test_the_allowed_prices_are_those_of_the_published_rule(tick: str, count: int) -> None:
    traded = figured(tick)
    assert traded.allows_price(count) is is_allowed(traded.price_to_decimal(count))


@pytest.mark.parametrize("tick", FIGURED)
@given(count=st.one_of(st.integers(2, 2**50), st.integers(1, 15).map(lambda n: 10**n)))
def test_rounding_goes_to_the_nearest_allowed_price_of_its_side(tick: str, count: int) -> None:
    traded = figured(tick)
    down, up = traded.price_down(count), traded.price_up(count)
    assert down <= count <= up
    assert traded.allows_price(down)
    assert traded.allows_price(up)
    assert (down == count) is (up == count) is traded.allows_price(count)
    # Nothing that is allowed lies between them, and stepping from either leads to the other.
    if down != up:
        assert traded.price_above(down) == up
        assert traded.price_below(up) == down
        assert not any(traded.allows_price(each) for each in {down + 1, count, up - 1} - {down, up})
    assert traded.price_below(count) < count < traded.price_above(count)


@pytest.mark.parametrize(
    ("tick", "price", "bid", "ask"),
    [
        ("0.01", 9999.96, "9999.90", "10000.00"),
        ("0.01", 10000.5, "10000.00", "10001.00"),
        ("0.1", 123456.7, "123456.0", "123457.0"),
        ("0.000001", 0.0123456, "0.012345", "0.012346"),
        ("0.000001", 1.23456, "1.234500", "1.234600"),
    ],
)
def test_signals_become_prices_that_orders_may_have(tick: str, price: float, bid: str, ask: str) -> None:
    traded = figured(tick)
    assert traded.format_price(traded.floor_price(price)) == bid
    assert traded.format_price(traded.ceil_price(price)) == ask


@given(count=st.integers(1, 2**60))
def test_without_a_limit_every_price_of_the_grid_is_allowed(count: int) -> None:
    traded = instrument("0.0025")
    assert traded.allows_price(count)
    assert traded.price_down(count) == traded.price_up(count) == count
    assert (traded.price_below(count), traded.price_above(count)) == (count - 1, count + 1)


def test_figures_need_a_tick_that_is_a_power_of_ten() -> None:
    with pytest.raises(GridError, match="power of ten"):
        figured("0.5")
