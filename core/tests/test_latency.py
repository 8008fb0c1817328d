from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hft.latency import Histogram, TickToOrder


@given(st.lists(st.integers(0, 2**60), min_size=1, max_size=200), st.floats(0.1, 100))
def test_a_percentile_is_within_one_bucket_of_the_exact_one(values: list[int], percent: float) -> None:
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    ordered = sorted(values)
    rank = next(i for i in range(len(ordered)) if i + 1 >= len(ordered) * percent / 100)
    exact = ordered[rank]
    reported = histogram.percentile_ns(percent)
    assert reported is not None
    assert exact <= reported <= exact * (1 + 1 / 32) + 1
    assert histogram.maximum_ns == ordered[-1]


def test_nothing_recorded_has_no_percentile() -> None:
    assert Histogram().percentile_ns(50) is None


def test_only_orders_caused_by_a_frame_are_measured() -> None:
    now = 1000
    latency = TickToOrder(lambda: now)
    latency.sent()
    latency.begin(400)
    latency.sent()
    latency.end()
    latency.sent()
    assert latency.histogram.count == 1
    assert latency.histogram.maximum_ns == 600
