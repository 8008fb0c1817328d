"""Figures of orders are exact, whatever is counted in the integers of a processor."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from hft.paper import OrderStatistics
from hft.types import Liquidity, Side

BUY, SELL = Side.BUY, Side.SELL

NUMBERS = st.integers(1, 100) | st.integers(2**31 - 2, 2**31 + 2) | st.integers(1, 2**61)


@given(
    fills=st.lists(
        st.tuples(NUMBERS, NUMBERS, st.sampled_from([0, 1, 2**31 - 1, 2**31, 10**17])), max_size=12
    )
)
def test_sums_of_large_numbers_are_exact(fills: list[tuple[int, int, int]]) -> None:
    figures = OrderStatistics()
    now_ns = start_ns = 1_700_000_000_000_000_000
    lots = turnover = inventory = inventory_time = inventory_max = waited_ns = 0
    for price, size, gap_ns in fills:
        # One side after the other, so that no more is held than one order has.
        side = SELL if inventory > 0 else BUY
        now_ns += gap_ns
        inventory_time += abs(inventory) * gap_ns
        lots, turnover = lots + size, turnover + price * size
        inventory += side.sign * size
        inventory_max = max(inventory_max, abs(inventory))
        waited_ns += now_ns - start_ns
        figures.fill(side, price, size, Liquidity.MAKER, Decimal(0), now_ns)
        figures.join(side, size, now_ns)
        figures.reach(now_ns - start_ns)
        figures.leave(side, now_ns)
    figures.close(now_ns + 7)
    assert (figures.lots, figures.turnover) == (lots, turnover)
    assert (figures.inventory, figures.inventory_max) == (inventory, inventory_max)
    assert figures.inventory_time == inventory_time + abs(inventory) * 7
    assert (figures.ahead, figures.waited_ns) == (lots, waited_ns)
    assert figures.joined == figures.queue_fills == figures.maker_fills == len(fills)
