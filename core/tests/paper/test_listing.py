"""What a simulated exchange knows of an instrument: exact, whatever is counted beforehand or remembered."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft.book import new_book
from hft.money import product, total, trim
from hft.order import Order
from hft.paper import FeeSchedule, FillModel, PaperConfig, RiskAverseQueue
from hft.paper import listing as module
from hft.paper.exchange import new_order
from hft.paper.listing import Costs, Listing
from hft.types import Price, Side, Size

from .conftest import make_instrument

STEPS = st.decimals(Decimal("0.000001"), Decimal(10), places=6)


def make_listing(**changes: Any) -> Listing:
    instrument = make_instrument(**changes)
    model = FillModel(new_book(instrument), RiskAverseQueue())
    return Listing(instrument, model, FeeSchedule(PaperConfig(), 0), None)


@given(
    tick=STEPS, lot=STEPS, price=st.integers(1, 10**6), size=st.integers(1, 10**6), more=st.integers(-1, 1)
)
def test_an_order_is_worth_enough_or_not_to_the_last_digit(
    tick: Decimal, lot: Decimal, price: int, size: int, more: int
) -> None:
    worth = product(price, size, tick, lot)
    least = total((worth, more * Decimal("0.000000000000000001")))
    listing = make_listing(tick_size=tick, lot_size=lot, min_notional=least)
    instrument = listing.instrument
    sent = Order(
        client_order_id="1",
        strategy="s",
        instrument=instrument,
        side=Side.BUY,
        size=Size(size),
        price=Price(price),
    )
    order = new_order(1, sent)
    assert bool(listing.refusal(order, Price(price), Size(size))) is (more > 0)


@pytest.mark.parametrize("known", [1, 4096])
@given(
    unit=STEPS,
    rate=st.decimals(Decimal("-0.01"), Decimal("0.01"), places=8),
    values=st.lists(st.integers(1, 10**30), max_size=5),
)
def test_a_fee_that_is_remembered_is_the_one_that_was_worked_out(
    known: int, unit: Decimal, rate: Decimal, values: list[int]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_KNOWN_COSTS", known)
        costs = Costs(unit, rate)
        for value in values * 2:
            # As text: also its trailing zeros are the same.
            assert str(costs.of(value)) == str(trim(product(value, unit, rate)))
