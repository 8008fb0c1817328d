from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft.latency import Histogram, Stamps, Trace


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


@pytest.mark.parametrize(
    ("value_ns", "counted_ns"), [(-(10**30), 0), (-1, 0), (2**63, 2**63 - 1), (10**30, 2**63 - 1)]
)
def test_times_that_cannot_be_are_counted_at_the_ends(value_ns: int, counted_ns: int) -> None:
    histogram = Histogram()
    histogram.record(value_ns)
    assert (histogram.count, histogram.maximum_ns, histogram.percentile_ns(50)) == (1, counted_ns, counted_ns)


def test_an_exchange_may_send_any_time() -> None:
    machine = Machine()
    machine.trace.begin(400)
    machine.trace.exchange_ns = 10**30
    machine.order(500, 510, 520)
    machine.trace.end()
    assert machine.counted()["feed"] == [1, 0]


class Machine:
    """A clock that is moved by hand, and a trace that looks at it."""

    def __init__(self, *, replayed: bool = False) -> None:
        self.now_ns = 1000
        self.replay_ns = 50
        replay_ns = (lambda: self.replay_ns) if replayed else None
        self.trace = Trace(lambda: self.now_ns, replay_ns=replay_ns)

    def update(self, at_ns: int) -> None:
        """Do what the synchroniser does."""
        self.trace.exchange_ns, self.trace.decoded_ns, self.trace.applied_ns = 300, at_ns, at_ns + 7

    def order(self, decided_ns: int, approved_ns: int, written_ns: int) -> Stamps:
        """Do what the order manager does."""
        self.trace.decided_ns, self.trace.approved_ns = decided_ns, approved_ns
        self.now_ns = written_ns
        return self.trace.sent()

    def counted(self) -> dict[str, list[int]]:
        """Return count and maximum of every stage that was counted."""
        found = {"tick": self.trace.tick_to_order} | {
            str(name): each for name, each in self.trace.stages.items()
        }
        return {name: [each.count, each.maximum_ns] for name, each in found.items() if each.count}


def test_an_order_carries_the_times_of_its_causes_and_every_stage_is_counted() -> None:
    machine = Machine()
    machine.trace.begin(400)
    machine.update(1010)
    first = machine.order(1100, 1130, 1150)
    second = machine.order(1151, 1160, 1165)
    assert machine.counted() == {}, "nothing is counted while orders may follow"
    machine.trace.end()
    assert first == Stamps(300, 400, 1010, 1017, 1100, 1130, 1150, 1150)
    assert second == Stamps(300, 400, 1010, 1017, 1151, 1160, 1165, 1165)
    machine.trace.acknowledged(first, 5150)
    machine.trace.acknowledged(first, 9999)
    assert first.acknowledged_ns == 5150
    assert machine.counted() == {
        "tick": [2, 765],
        "feed": [2, 100],
        "decode": [2, 610],
        "book": [2, 7],
        "strategy": [2, 83],  # the second's counts from the writing of the first
        "risk": [2, 30],
        "send": [2, 20],
        "acknowledge": [1, 4000],
    }


def test_what_a_timer_caused_answers_to_no_frame() -> None:
    machine = Machine()
    machine.trace.begin(400)
    machine.update(1010)
    machine.trace.end()
    stamps = machine.order(2000, 2010, 2030)
    assert stamps == Stamps(0, 0, 0, 0, 2000, 2010, 2030, 2030)
    assert machine.counted() == {"risk": [1, 10], "send": [1, 20]}


def test_a_frame_that_is_no_book_s_has_no_book_stages() -> None:
    machine = Machine()
    machine.trace.begin(400)
    machine.update(1010)
    machine.trace.end()
    machine.trace.begin(1500)
    machine.order(1600, 0, 1700)  # a cancellation, which no rule sees
    machine.trace.end()
    assert machine.counted() == {"tick": [1, 200], "send": [1, 100]}


def test_a_recording_s_frames_count_from_when_they_are_handled() -> None:
    machine = Machine(replayed=True)
    machine.trace.begin(310)
    machine.update(1010)
    stamps = machine.order(1100, 1130, 1150)
    machine.trace.end()
    machine.trace.acknowledged(stamps, 58)
    counted = machine.counted()
    assert (counted["tick"], counted["decode"]) == ([1, 150], [1, 10])
    assert (counted["feed"], counted["acknowledge"]) == ([1, 10], [1, 8])
