"""The arithmetic of the quotes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft import Level, Price, Side, Size
from hft.testing.trading import make_instrument
from hft_market_making.quotes import Centre, Grid, avellaneda_stoikov, ladder, symmetric
from hft_market_making.volatility import Volatility

INSTRUMENT = make_instrument(min_size=Size(2), min_notional="0.01")


def make_grid(
    *,
    levels: int = 3,
    min_spread: int = 100,
    spacing: int = 10,
    order_size: int = 100,
    max_position: int = 1_000,
) -> Grid:
    return Grid.of(
        INSTRUMENT,
        levels=levels,
        min_spread=min_spread,
        spacing=spacing,
        order_size=Size(order_size),
        max_position=Size(max_position),
    )


def quotes(
    centre: Centre, grid: Grid, position: int = 0, best_bid: int = 9_999, best_ask: int = 10_001
) -> tuple[list[Level], list[Level]]:
    return ladder(
        INSTRUMENT,
        centre,
        grid,
        position=Size(position),
        best_bid=Price(best_bid),
        best_ask=Price(best_ask),
    )


def test_a_ladder_by_hand() -> None:
    bids, asks = quotes(Centre(100.004, 0.5), make_grid())
    # 99.504 is rounded down to 99.50, 100.504 up to 100.51; ten ticks between levels.
    assert bids == [(9_950, 100), (9_940, 100), (9_930, 100)]
    assert asks == [(10_051, 100), (10_061, 100), (10_071, 100)]


def test_every_level_is_at_a_price_that_orders_may_have() -> None:
    figured = make_instrument(price_figures=4)
    grid = make_grid(min_spread=37, spacing=4)
    bids, asks = ladder(
        figured, Centre(100.0, 0.1), grid, position=Size(0), best_bid=Price(9_999), best_ask=Price(10_010)
    )
    # Above 100.00 prices are 0.10 apart, below it 0.01.
    assert [price for price, _ in bids] == [9_973, 9_969, 9_965]
    assert [price for price, _ in asks] == [10_010, 10_020, 10_030]


def test_a_side_is_cut_where_its_fills_would_pass_the_largest_position() -> None:
    bids, asks = quotes(Centre(100.0, 0.5), make_grid(), position=850)
    assert bids == [(9_950, 100), (9_940, 50)]
    assert len(asks) == 3
    bids, asks = quotes(Centre(100.0, 0.5), make_grid(), position=1_200)
    assert bids == []
    assert [size for _, size in asks] == [100, 100, 100]
    # One lot of room is less than the exchange takes.
    assert quotes(Centre(100.0, 0.5), make_grid(), position=-999)[1] == []


def test_what_is_worth_too_little_is_left_out_level_by_level() -> None:
    # 2 lots are worth 0.01 from 500.00 on: the first ask is not sent, those behind it are.
    _, asks = quotes(
        Centre(499.0, 0.9), make_grid(order_size=2, spacing=10), best_bid=49_800, best_ask=49_801
    )
    assert asks == [(50_000, 2), (50_010, 2)]


def test_a_quote_stops_short_of_the_other_side_of_the_book() -> None:
    bids, asks = quotes(Centre(101.0, 0.5), make_grid(levels=1))
    assert bids == [(10_000, 100)]
    assert asks == [(10_150, 100)]
    bids, asks = quotes(Centre(98.0, 0.5), make_grid(levels=1))
    assert (bids, asks) == ([(9_750, 100)], [(10_000, 100)])


@given(
    price=st.floats(0.01, 1e6),
    half_spread=st.floats(0, 1e4),
    levels=st.integers(1, 6),
    min_spread=st.integers(1, 1_000),
    spacing=st.integers(1, 500),
    order_size=st.integers(1, 500),
    max_position=st.integers(1, 2_000),
    position=st.integers(-3_000, 3_000),
    best_bid=st.integers(1, 10**8),
    spread=st.integers(1, 10_000),
)
def test_the_laws_of_a_ladder(
    price: float,
    half_spread: float,
    levels: int,
    min_spread: int,
    spacing: int,
    order_size: int,
    max_position: int,
    position: int,
    best_bid: int,
    spread: int,
) -> None:
    grid = make_grid(
        levels=levels,
        min_spread=min_spread,
        spacing=spacing,
        order_size=order_size,
        max_position=max_position,
    )
    best_ask = best_bid + spread
    bids, asks = quotes(Centre(price, half_spread), grid, position, best_bid, best_ask)
    if bids and asks:
        assert asks[0][0] - bids[0][0] >= min_spread
    for side, side_levels in ((Side.BUY, bids), (Side.SELL, asks)):
        prices = [level[0] for level in side_levels]
        assert prices == sorted(set(prices), reverse=side is Side.BUY)
        assert all(p < best_ask if side is Side.BUY else p > best_bid for p in prices)
        assert len(side_levels) <= levels
        filled = position * side.sign + sum(size for _, size in side_levels)
        assert filled <= max(max_position, position * side.sign)
        for level_price, size in side_levels:
            assert level_price > 0
            assert 2 <= size <= order_size
            assert INSTRUMENT.notional(level_price, size) >= INSTRUMENT.min_notional


_SYMMETRIC = {"half_spread": 0.5, "inventory_skew": 0.5, "volatility": 0.0, "volatility_multiple": 0.0}
_STOIKOV = {"half_spread": 0.5, "variance": 4.0, "gamma": 0.1, "kappa": 1.5, "horizon_s": 1.0}


def test_without_position_the_quotes_stand_evenly_about_the_mid() -> None:
    assert symmetric(100.0, 0.0, **_SYMMETRIC) == Centre(100.0, 0.5)
    assert avellaneda_stoikov(100.0, 0.0, **_STOIKOV).price == 100.0


def test_a_full_position_shifts_by_the_skew_and_no_further() -> None:
    assert symmetric(100.0, 1.0, **_SYMMETRIC) == Centre(99.75, 0.5)
    assert symmetric(100.0, 7.0, **_SYMMETRIC) == Centre(99.75, 0.5)
    assert symmetric(100.0, -1.0, **_SYMMETRIC) == Centre(100.25, 0.5)


def test_volatility_widens() -> None:
    centre = symmetric(100.0, 0.0, **(_SYMMETRIC | {"volatility": 0.3, "volatility_multiple": 2.0}))
    assert centre.half_spread == pytest.approx(1.1)


def test_avellaneda_stoikov_as_in_the_paper() -> None:
    # Its numerical example: gamma = 0.1, sigma = 2, T = 1, kappa = 1.5. At t = 0 with q = 1:
    # r = s - 1 * 0.1 * 4 * 1; spread = 0.1 * 4 + 2 / 0.1 * ln(1 + 0.1 / 1.5) = 1.69, which falls
    # evenly to 1.29 at t = 1: 1.49 on average, as the paper states.
    centre = avellaneda_stoikov(100.0, 1.0, **_STOIKOV)
    assert centre.price == pytest.approx(99.6)
    assert 2 * centre.half_spread == pytest.approx(0.4 + 20 * math.log(1 + 0.1 / 1.5))
    assert 2 * centre.half_spread == pytest.approx(1.69, abs=0.005)


def test_avellaneda_stoikov_never_quotes_closer_than_the_target() -> None:
    assert avellaneda_stoikov(100.0, 0.0, **(_STOIKOV | {"half_spread": 2.0})).half_spread == 2.0


@given(st.floats(-50, 50), st.floats(0, 50))
def test_the_longer_the_position_the_lower_the_quotes(inventory: float, more: float) -> None:
    assert (
        symmetric(100.0, inventory + more, **_SYMMETRIC).price
        <= symmetric(100.0, inventory, **_SYMMETRIC).price
    )
    lower = avellaneda_stoikov(100.0, inventory + more, **_STOIKOV).price
    assert lower <= avellaneda_stoikov(100.0, inventory, **_STOIKOV).price


def test_volatility_of_even_moves() -> None:
    volatility = Volatility(memory_s=60.0)
    assert volatility.variance == 0.0
    for number in range(600):
        volatility.update(100.0 + 0.5 * (number % 2), 1_000_000_000 * (number + 1))
    # Every second a move of 0.5: 0.25 a second, whatever the memory.
    assert volatility.variance == pytest.approx(0.25)


def test_volatility_does_not_depend_on_how_often_a_price_is_told() -> None:
    seldom, often = Volatility(60.0), Volatility(60.0)
    for second in range(1, 300):
        price = 100.0 + (second * 7919 % 13) / 10
        seldom.update(price, second * 1_000_000_000)
        for part in range(4):
            often.update(price, second * 1_000_000_000 + part * 250_000_000)
    assert often.variance == pytest.approx(seldom.variance, rel=0.03)


def test_volatility_fades_and_forgets() -> None:
    volatility = Volatility(memory_s=10.0)
    volatility.update(100.0, 1_000_000_000)
    volatility.update(110.0, 2_000_000_000)
    shocked = volatility.variance
    for second in range(3, 100):
        volatility.update(110.0, second * 1_000_000_000)
    assert volatility.variance < shocked / 1000


def test_updates_at_one_instant_do_no_harm() -> None:
    volatility = Volatility(10.0)
    volatility.update(100.0, 5)
    volatility.update(101.0, 5)
    assert volatility.variance == 0.0
    volatility.update(101.0, 1_000_000_005)
    assert math.isfinite(volatility.variance)
