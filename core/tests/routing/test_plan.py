"""The planner against every plan there is, on small books."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import product as every_choice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hft.instrument import Instrument
from hft.routing import Offer, Plan, plan
from hft.testing.trading import make_instrument
from hft.types import Price, Side, Size

LOTS = ["0.1", "0.2", "1"]
"""Of any two one is a multiple of the other."""


def offer(
    levels: Sequence[tuple[str, str]],
    *,
    fee: str = "0",
    exchange: str = "a",
    lot_size: str = "0.001",
    min_size: int = 1,
    max_size: int | None = None,
    min_notional: str = "0",
    latency_ns: int = 0,
    penalty: str = "0",
) -> Offer:
    instrument = make_instrument(
        exchange=exchange,
        lot_size=lot_size,
        min_size=Size(min_size),
        max_size=None if max_size is None else Size(max_size),
        min_notional=min_notional,
    )
    return Offer(
        instrument=instrument,
        levels=[(instrument.price(price), instrument.size(size)) for price, size in levels],
        fee=Decimal(fee),
        penalty=Decimal(penalty),
        latency_ns=latency_ns,
    )


def shown(found: Plan) -> dict[str, tuple[str, str]]:
    """Return what is sent to each exchange as text."""
    return {
        child.instrument.exchange: (
            child.instrument.format_price(child.price),
            child.instrument.format_size(child.size),
        )
        for child in found.children
    }


# -- by hand -------------------------------------------------------------------------------------------


def test_the_fee_decides_where_the_price_alone_would_not() -> None:
    cheap = offer([("100.00", "1"), ("100.10", "1")], fee="0.001", exchange="a")
    dear = offer([("100.05", "2")], fee="0.0002", exchange="b")
    found = plan([cheap, dear], Side.BUY, Decimal("2.5"), None)
    # Net: b 100.07001; a 100.10 and 100.2001.
    assert shown(found) == {"b": ("100.05", "2.000"), "a": ("100.00", "0.500")}
    assert found.size == Decimal("2.5")
    assert found.net == Decimal(2) * Decimal("100.05") * Decimal("1.0002") + Decimal("0.5") * Decimal("100.1")


def test_a_sell_goes_to_the_bid_that_brings_most_after_fees() -> None:
    high = offer([("100.00", "1")], fee="0.001", exchange="a")
    low = offer([("99.95", "1")], fee="0.0002", exchange="b")
    found = plan([high, low], Side.SELL, Decimal(1), None)
    assert shown(found) == {"b": ("99.95", "1.000")}
    assert found.net == Decimal("99.95") * Decimal("0.9998")


@pytest.mark.parametrize(
    ("side", "limit", "limit_is_net", "size"),
    [
        (Side.BUY, "100.00", False, "1"),
        (Side.BUY, "100.09", True, "0"),
        (Side.BUY, "100.10", True, "1"),
        (Side.SELL, "100.00", False, "1"),
        (Side.SELL, "99.91", True, "0"),
        (Side.SELL, "99.90", True, "1"),
        (Side.SELL, "100.005", False, "0"),
    ],
)
def test_the_limit_holds_without_fees_or_with_them(
    side: Side, limit: str, limit_is_net: bool, size: str
) -> None:
    only = offer([("100.00", "1")], fee="0.001")
    found = plan([only], side, Decimal(2), Decimal(limit), limit_is_net=limit_is_net)
    assert found.size == Decimal(size)


def test_between_equal_prices_the_quicker_exchange_comes_first_then_the_one_named_first() -> None:
    slow = offer([("100", "1")], exchange="slow", latency_ns=2_000_000)
    quick = offer([("100", "1")], exchange="quick", latency_ns=1_000_000)
    also_quick = offer([("100", "1")], exchange="also", latency_ns=1_000_000)
    found = plan([slow, quick, also_quick], Side.BUY, Decimal(1), None)
    assert shown(found) == {"quick": ("100.00", "1.000")}


def test_a_penalty_counts_in_the_choice_and_not_in_the_result() -> None:
    late = offer([("100.00", "1")], exchange="late", penalty="0.001")
    other = offer([("100.05", "1")], exchange="other")
    assert shown(plan([late, other], Side.BUY, Decimal(1), None)) == {"other": ("100.05", "1.000")}
    alone = plan([late], Side.BUY, Decimal(1), Decimal(100), limit_is_net=True)
    assert alone.net == Decimal(100)


def test_what_is_too_little_for_the_last_exchange_is_taken_from_the_others() -> None:
    best = offer([("100", "0.9")], exchange="a")
    big = offer([("101", "5")], exchange="b", min_size=500)
    assert shown(plan([best, big], Side.BUY, Decimal(1), None)) == {
        "a": ("100.00", "0.500"),
        "b": ("101.00", "0.500"),
    }


def test_a_coarse_lot_is_made_room_for() -> None:
    fine = offer([("100", "0.008")], exchange="fine")
    coarse = offer([("101", "1")], exchange="coarse", lot_size="0.01")
    found = plan([fine, coarse], Side.BUY, Decimal("0.015"), None)
    assert shown(found) == {"fine": ("100.00", "0.005"), "coarse": ("101.00", "0.01")}


def test_a_contract_multiplier_is_part_of_the_size() -> None:
    contracts = Instrument(
        id=make_instrument(exchange="c").id,
        native_symbol="BTC",
        kind=make_instrument().kind,
        base="BTC",
        quote="USDT",
        settle="USDT",
        tick_size=Decimal("0.1"),
        lot_size=Decimal(1),
        contract_multiplier=Decimal("0.01"),
    )
    levels = [(contracts.price("100.0"), Size(7))]
    found = plan(
        [Offer(instrument=contracts, levels=levels, fee=Decimal(0))], Side.BUY, Decimal("0.0599"), None
    )
    assert found.children[0].size == 5
    assert (found.size, found.net) == (Decimal("0.05"), Decimal(5))


def test_nothing_on_offer_is_an_empty_plan() -> None:
    assert plan([], Side.BUY, Decimal(1), None).children == ()
    assert plan([offer([])], Side.BUY, Decimal(1), None).children == ()
    assert plan([offer([("100", "1")])], Side.BUY, Decimal("0.0001"), None).children == ()
    assert plan([offer([("0", "1")], min_notional="5")], Side.SELL, Decimal(1), None).children == ()


def test_many_exchanges_with_minimums_keep_the_rules() -> None:
    offers = [offer([("100", "0.3")], exchange=f"e{number}", min_size=250) for number in range(8)]
    found = plan(offers, Side.BUY, Decimal("1.1"), None)
    assert found.size == Decimal("1.1")
    assert all(child.size >= 250 for child in found.children)


# -- against every plan --------------------------------------------------------------------------------


def price_at(offer_: Offer, count: int) -> Price:
    for price, lots in offer_.levels:
        count -= lots
        if count <= 0:
            return price
    raise AssertionError("deeper than the book")


def gross(offer_: Offer, count: int) -> Decimal:
    value = Decimal(0)
    for price, lots in offer_.levels:
        value += offer_.instrument.notional(price, min(lots, count))
        count -= min(lots, count)
    return value


def allowed(offer_: Offer, side: Side, limit: Decimal | None, limit_is_net: bool) -> list[int]:
    """Return every size that the rules allow one order, 0 included."""
    instrument = offer_.instrument
    depth = sum(
        lots
        for price, lots in offer_.levels
        if limit is None or side.sign * (net_price(offer_, side, price, limit_is_net) - limit) <= 0
    )
    depth = min(depth, instrument.max_size or depth)

    def is_large_enough(count: int) -> bool:
        return (
            count >= instrument.min_size
            and instrument.notional(price_at(offer_, count), count) >= instrument.min_notional
        )

    found: list[int] = []
    for count in range(depth, 0, -1):
        if not is_large_enough(count):
            break
        found.append(count)
    return [0, *found]


def net_price(offer_: Offer, side: Side, price: Price, net: bool) -> Decimal:
    exact = offer_.instrument.price_to_decimal(price)
    return exact * (1 + side.sign * offer_.fee) if net else exact


def every_plan(
    offers: Sequence[Offer], side: Side, size: Decimal, limit: Decimal | None, limit_is_net: bool
) -> Iterator[tuple[Decimal, Decimal]]:
    """Yield size and cost of each plan that keeps the rules; a sell's cost is negative."""
    for counts in every_choice(*(allowed(one, side, limit, limit_is_net) for one in offers)):
        pairs = list(zip(offers, counts, strict=True))
        filled = sum((count * one.instrument.base_per_lot for one, count in pairs), Decimal(0))
        if filled <= size:
            yield filled, sum((cost(one, side, count) for one, count in pairs), Decimal(0))


def cost(offer_: Offer, side: Side, count: int) -> Decimal:
    return side.sign * gross(offer_, count) * (1 + side.sign * (offer_.fee + offer_.penalty))


@st.composite
def some_offers(draw: st.DrawFn, side: Side, lots: Sequence[str] = LOTS) -> list[Offer]:
    offers = []
    for index in range(draw(st.integers(1, 3))):
        lot_size = draw(st.sampled_from(lots))
        instrument = make_instrument(
            exchange=f"e{index}",
            tick_size=draw(st.sampled_from(["0.5", "1"])),
            lot_size=lot_size,
            min_size=Size(draw(st.integers(1, 4))),
            max_size=draw(st.none() | st.integers(4, 8).map(Size)),
            min_notional=draw(st.sampled_from(["0", "3", "11.7"])),
        )
        prices = draw(st.lists(st.integers(3, 12), min_size=0, max_size=4, unique=True))
        levels = [
            (Price(price), Size(draw(st.integers(1, 4))))
            for price in sorted(prices, reverse=side is Side.SELL)
        ]
        rates = st.sampled_from(["0", "0.001", "0.1", "-0.05"])
        offers.append(
            Offer(
                instrument=instrument,
                levels=levels,
                fee=Decimal(draw(rates)),
                penalty=Decimal(draw(st.sampled_from(["0", "0.02"]))),
            )
        )
    return offers


@settings(max_examples=300, deadline=None)
@given(st.data(), st.sampled_from(Side), st.booleans())
def test_no_plan_fills_more_and_none_that_fills_as_much_costs_less(
    data: st.DataObject, side: Side, limit_is_net: bool
) -> None:
    offers = data.draw(some_offers(side))
    size = Decimal(data.draw(st.integers(1, 80))) / 20
    limit = data.draw(st.none() | st.integers(2, 24).map(lambda halves: Decimal(halves) / 2))
    found = plan(offers, side, size, limit, limit_is_net=limit_is_net)

    by_instrument = {one.instrument: one for one in offers}
    filled = spent = net = Decimal(0)
    for child in found.children:
        one = by_instrument.pop(child.instrument)  # at most one order an exchange
        assert child.size in allowed(one, side, limit, limit_is_net)
        assert child.price == price_at(one, child.size)
        filled += child.size * child.instrument.base_per_lot
        spent += cost(one, side, child.size)
        net += gross(one, child.size) * (1 + side.sign * one.fee)
    assert filled <= size
    assert (found.size, found.net) == (filled, net)
    best = min(
        (-each_filled, each_cost)
        for each_filled, each_cost in every_plan(offers, side, size, limit, limit_is_net)
    )
    assert (-filled, spent) == best


@settings(max_examples=200, deadline=None)
@given(st.data(), st.sampled_from(Side))
def test_lots_that_are_no_multiples_of_each_other_keep_the_rules_all_the_same(
    data: st.DataObject, side: Side
) -> None:
    offers = data.draw(some_offers(side, ["0.2", "0.3", "0.5"]))
    size = Decimal(data.draw(st.integers(1, 40))) / 10
    found = plan(offers, side, size, None)
    by_instrument = {one.instrument: one for one in offers}
    spent = Decimal(0)
    for child in found.children:
        assert child.size in allowed(by_instrument[child.instrument], side, None, False)
        spent += cost(by_instrument[child.instrument], side, child.size)
    assert found.size <= size
    best = min((-filled, each_cost) for filled, each_cost in every_plan(offers, side, size, None, False))
    assert (-found.size, spent) >= best
    assert found.children or best == (0, 0)
