"""The exchange's time, as well as it can be known from questions and answers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hft.net.clock_offset import ClockOffset

trips = st.tuples(st.integers(0, 10**9), st.integers(0, 10**9))


@given(st.integers(-(10**12), 10**12), st.lists(trips, min_size=1, max_size=40))
def test_it_is_wrong_by_half_the_shortest_round_trip_at_most(
    truth_ns: int, ways: list[tuple[int, int]]
) -> None:
    clock, now_ns = ClockOffset(), 10**15
    for there_ns, back_ns in ways:
        clock.measure(now_ns, now_ns + there_ns + back_ns, now_ns + there_ns + truth_ns)
        now_ns += 60 * 10**9
    shortest = min(there_ns + back_ns for there_ns, back_ns in ways[-16:])
    assert clock.round_trip_ns == shortest
    assert abs(clock.offset_ns - truth_ns) <= shortest // 2 + 1


def test_of_equally_good_measurements_the_newest_counts_and_distrust_forgets_the_rest() -> None:
    clock = ClockOffset()
    assert (clock.offset_ns, clock.round_trip_ns) == (0, None)
    clock.measure(0, 10, 105)
    clock.measure(1000, 1010, 1205)
    assert clock.offset_ns == 200
    clock.measure(2000, 2100, 2550)
    assert clock.offset_ns == 200, "a longer way says less"
    clock.distrust()
    assert clock.offset_ns == 200, "until something better is known"
    clock.measure(3000, 3100, 3550)
    assert clock.offset_ns == 500
