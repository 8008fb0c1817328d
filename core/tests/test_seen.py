"""What was seen is known for long enough, and not for ever."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft import seen
from hft.seen import Horizon, Seen

S = 1_000_000_000


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "SEEN_NUMBER", 5)


def test_a_key_is_new_once() -> None:
    keys = Seen(Horizon())
    assert keys.add("a", 1)
    assert not keys.add("a", 2)
    assert "a" in keys
    assert list(keys.items()) == [("a", 1)]


def test_all_that_may_be_told_again_is_known() -> None:
    keys = Seen(Horizon(5 * S))
    for key in range(100):
        assert keys.add(key, 5 * S)
    assert not any(keys.add(key, 6 * S) for key in range(100))


def test_without_times_the_newest_are_known() -> None:
    keys = Seen(Horizon())
    for key in range(100):
        keys.add(key, 0)
    assert [key for key, _ in keys.items()] == [95, 96, 97, 98, 99]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=200))
def test_nothing_is_forgotten_within_the_horizon_and_little_beyond_it(steps: list[tuple[int, int]]) -> None:
    horizon = Horizon(0)
    keys = Seen(horizon)
    now_ns, times = S, []
    for key, (step, back) in enumerate(steps):
        now_ns += step * S
        horizon.since_ns = max(horizon.since_ns, now_ns - back * S)
        keys.add(key, now_ns)
        times.append(now_ns)
    young = [key for key, at_ns in enumerate(times) if at_ns >= horizon.since_ns]
    newest = range(max(0, len(times) - 5), len(times))
    assert {key for key, _ in keys.items()} == {*young, *newest}
