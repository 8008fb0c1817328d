"""The price collar."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft import (
    APPROVED,
    InstrumentId,
    Market,
    Order,
    OrderType,
    Price,
    Refused,
    Side,
    Size,
    UsageError,
)
from hft.testing.trading import FakeRiskView, make_instrument, make_market
from hft_price_collar import Code, Config, PriceCollar
from hft_price_collar.plugin import HFT_API, hft_risk_rule


def test_the_plugin_offers_the_rule() -> None:
    assert HFT_API == 1
    assert hft_risk_rule() is PriceCollar
    assert PriceCollar.Config is Config
    assert PriceCollar.refusals is Code


BTC = make_market(
    make_instrument(),
    bids=[("99.99", "1"), ("99.00", "2"), ("98.00", "5")],
    asks=[("100.01", "1"), ("101.00", "2"), ("102.00", "5")],
)
ETH = make_market(make_instrument("ETH/USDT"), asks=())


def make_order(side: Side, price: int | None, size: int = 1, market: Market = BTC) -> Order:
    return Order(
        client_order_id="1",
        strategy="s",
        instrument=market.instrument,
        side=side,
        size=Size(size),
        price=None if price is None else Price(price),
        type=OrderType.MARKET if price is None else OrderType.LIMIT,
    )


def make_rule(
    percent: str = "1", passive: str | None = None, instrument: InstrumentId | None = None
) -> tuple[PriceCollar, FakeRiskView]:
    view = FakeRiskView([BTC, ETH])
    passive_percent = None if passive is None else Decimal(passive)
    rule = PriceCollar(
        Config(percent=Decimal(percent), passive_percent=passive_percent, instrument=instrument)
    )
    rule.on_start(view)
    return rule, view


@pytest.mark.parametrize(
    ("side", "price", "code"),
    [
        (Side.BUY, 10_100, None),
        (Side.BUY, 10_101, Code.TOO_AGGRESSIVE),
        (Side.BUY, 9_000, None),
        (Side.BUY, 8_999, Code.TOO_PASSIVE),
        (Side.SELL, 9_900, None),
        (Side.SELL, 9_899, Code.TOO_AGGRESSIVE),
        (Side.SELL, 11_000, None),
        (Side.SELL, 11_001, Code.TOO_PASSIVE),
    ],
)
def test_a_price_may_be_so_far_from_the_middle_and_no_further(
    side: Side, price: int, code: Code | None
) -> None:
    rule, view = make_rule("1", "10")
    verdict = rule.check(make_order(side, price), view)
    assert code is (verdict.code if isinstance(verdict, Refused) else None)


def test_without_a_passive_limit_an_order_may_rest_anywhere() -> None:
    rule, view = make_rule()
    assert rule.check(make_order(Side.BUY, 1), view) is APPROVED
    assert rule.check(make_order(Side.SELL, 10**9), view) is APPROVED
    assert rule.check(make_order(Side.BUY, 91_000), view) == Refused(
        "buy of BTC/USDT@test at 910.00 is 810.000% from the book, limit is 1%", Code.TOO_AGGRESSIVE
    )


@given(st.sampled_from(Side), st.integers(1, 10**6), st.decimals("0.0001", 1000, places=4))
def test_the_distance_is_compared_exactly(side: Side, price: int, percent: Decimal) -> None:
    rule, view = make_rule(str(percent))
    beyond = Fraction(price - 10_000, 10_000) * side.sign * 100
    assert (rule.check(make_order(side, price), view) is APPROVED) is (beyond <= Fraction(percent))


@pytest.mark.parametrize(
    ("side", "size", "approved"),
    [
        (Side.BUY, 300_000, True),  # 1 + 2 BTC up to 101.00, 1% above the middle
        (Side.BUY, 300_001, False),
        (Side.SELL, 300_000, True),
        (Side.SELL, 300_001, False),
    ],
)
def test_a_market_order_must_be_filled_inside_the_collar(side: Side, size: int, approved: bool) -> None:
    rule, view = make_rule()
    verdict = rule.check(make_order(side, None, size), view)
    assert (verdict is APPROVED) is approved
    if isinstance(verdict, Refused):
        assert verdict.code is Code.TOO_LARGE
        assert "3.00001 BTC/USDT@test is 0.00001 more than the book has within 1%" in verdict.reason


def test_a_market_order_larger_than_the_book_is_refused() -> None:
    rule, view = make_rule("50")
    assert rule.check(make_order(Side.BUY, None, 800_000), view) is APPROVED
    assert rule.check(make_order(Side.BUY, None, 800_001), view) != APPROVED


def test_a_book_that_is_deep_in_levels_is_looked_through() -> None:
    asks = [(f"100.{cents:02}", "0.00001") for cents in range(1, 61)]
    market = make_market(make_instrument(), asks=asks)
    rule = PriceCollar(Config(percent=Decimal(1)))
    view = FakeRiskView([market])
    rule.on_start(view)
    assert rule.check(make_order(Side.BUY, None, 60, market), view) is APPROVED
    assert rule.check(make_order(Side.BUY, None, 61, market), view) != APPROVED


def test_where_the_book_has_no_middle_nothing_is_approved() -> None:
    rule, view = make_rule()
    for price in (9_999, None):
        verdict = rule.check(make_order(Side.BUY, price, market=ETH), view)
        assert isinstance(verdict, Refused)
        assert verdict.code is Code.NO_BOOK


def test_a_stop_is_judged_at_its_trigger() -> None:
    rule, view = make_rule()
    order = attrs.evolve(make_order(Side.SELL, 7_920), type=OrderType.STOP_LIMIT, trigger_price=Price(8_000))
    assert rule.check(order, view) is APPROVED
    assert rule.check(attrs.evolve(order, price=Price(7_919)), view) != APPROVED
    assert rule.check(attrs.evolve(order, price=None, type=OrderType.STOP_MARKET), view) is APPROVED


def test_other_instruments_are_not_judged() -> None:
    rule, view = make_rule(instrument=ETH.instrument.id)
    assert rule.check(make_order(Side.BUY, 10**9), view) is APPROVED
    with pytest.raises(UsageError, match="XRP/USDT@test"):
        make_rule(instrument=InstrumentId("XRP/USDT", "test"))
