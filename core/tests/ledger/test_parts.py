"""What the ledger keeps in parts and by places is what plain integers, tuples and dicts say."""

from __future__ import annotations

from decimal import Decimal, Inexact

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hft import seen
from hft.ledger.fees import Fees
from hft.ledger.trades import Trades
from hft.ledger.wide import MOST, Wide
from hft.money import divide, to_amount
from hft.seen import Horizon, Seen
from hft.types import Side

ROOM = 2**238
numbers = st.one_of(
    st.integers(-(2**62), 2**62),
    st.integers(-(2**182), 2**182),
    st.integers(-16 * ROOM, 16 * ROOM),
    # Where one part goes over into the next.
    st.builds(
        lambda sign, bits, more: sign * 2**bits + more,
        st.sampled_from([1, -1]),
        st.sampled_from([60, 120, 180, 238]),
        st.integers(-2, 2),
    ),
)
counts = st.one_of(st.integers(0, 50), st.integers(0, MOST - 1))


@settings(max_examples=400, deadline=None)
@given(numbers, numbers, counts, st.sampled_from([1, -1]))
def test_numbers_in_parts_are_added_as_integers_or_not_at_all(
    first: int, second: int, count: int, sign: int
) -> None:
    other, times = Wide(second), sign * count
    for done, number, result in (
        ((one := Wide(first)).add(other), one, first + second),
        ((two := Wide(first)).subtract(other), two, first - second),
        ((three := Wide(first)).add_times(other, times), three, first + times * second),
    ):
        assert number.get() == (result if done else first)
        assert done or max(abs(first), abs(second), abs(result)) >= ROOM
        assert number.is_zero() == (not number.get())
        copy = Wide()
        copy.take(number)
        number.clear()
        assert (copy.get(), number.get()) == (result if done else first, 0)
    assert other.get() == second


@settings(max_examples=400, deadline=None)
@given(numbers, counts, counts)
def test_a_part_of_a_number_is_rounded_as_a_quotient_of_integers_is(
    number: int, first: int, second: int
) -> None:
    part, whole = min(first, second), max(first, second, 1)
    wide = Wide(number)
    done = wide.reduce(part, whole)
    assert wide.get() == (divide(number * part, whole) if done else number)
    assert done or abs(number) >= ROOM


@pytest.mark.parametrize("number", [3, -3, 5, -5, 2**61 - 1, 2**121 - 1, 1 - 2**61, 1 - 2**181])
def test_a_half_is_rounded_to_the_even_number(number: int) -> None:
    wide = Wide(number)
    assert wide.reduce(1, 2)
    assert wide.get() == divide(number, 2)
    assert wide.get() % 2 == 0


def test_fees_that_come_again_are_the_same() -> None:
    fees, often = Fees(), Decimal("0.25")
    for count in range(3_000):
        # Made here and dropped: another may come to lie where it lay.
        assert fees.of(Decimal(count), count, 1).get() == count * 10**52
        assert fees.of(often, 2 * count, -count).get() == to_amount(often)
        assert fees.of(often, 2 * count, -count) is fees.of(often, 2 * count, -count)
    for _ in range(2):
        with pytest.raises(Inexact):
            fees.of(Decimal("1e-53"), MOST, MOST)
    assert fees.of(Decimal("1e40"), MOST, -MOST).get() == 10**92


trades = st.tuples(st.integers(0, 12), st.sampled_from(Side), st.integers(0, 9), st.integers(0, 9))


@settings(deadline=None)
@given(st.lists(trades, max_size=80))
def test_trades_are_known_as_long_as_their_ids_and_sides_would_be(
    steps: list[tuple[int, Side, int, int]],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seen, "SEEN_NUMBER", 5)
        horizon = Horizon(0)
        ours, keys = Trades(horizon), Seen(horizon)
        for number, side, at_ns, since_ns in steps:
            horizon.since_ns = max(horizon.since_ns, since_ns)
            trade_id = str(number)
            assert ours.knows(trade_id, side) == ((trade_id, side) in keys)
            assert ours.add(trade_id, side, at_ns) == keys.add((trade_id, side), at_ns)
            assert list(ours.items()) == [(*key, known_ns) for key, known_ns in keys.items()]
