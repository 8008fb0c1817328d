"""What was seen is known for long enough, and not for ever."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft import seen
from hft.seen import Seen

S = 1_000_000_000


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "SEEN_NUMBER", 5)
    monkeypatch.setattr(seen, "SEEN_FOR_NS", 10 * S)


def test_a_key_is_new_once() -> None:
    keys: Seen[str] = Seen()
    assert keys.add("a", 1)
    assert not keys.add("a", 2)
    assert "a" in keys
    assert list(keys.items()) == [("a", 1)]


def test_many_at_once_are_all_known() -> None:
    keys: Seen[int] = Seen()
    for key in range(100):
        assert keys.add(key, 5 * S)
    assert not any(keys.add(key, 6 * S) for key in range(100))


def test_without_times_the_newest_are_known() -> None:
    keys: Seen[int] = Seen()
    for key in range(100):
        keys.add(key, 0)
    assert [key for key, _ in keys.items()] == [95, 96, 97, 98, 99]


@given(st.lists(st.integers(0, 3), max_size=200))
def test_nothing_is_forgotten_that_is_young_and_little_is_kept_that_is_old(steps: list[int]) -> None:
    keys: Seen[int] = Seen()
    now_ns, times = S, []
    for key, step in enumerate(steps):
        now_ns += step * S
        keys.add(key, now_ns)
        times.append(now_ns)
    for key, at_ns in enumerate(times):
        if at_ns > now_ns - 10 * S or key >= len(times) - 5:
            assert key in keys
    young = sum(at_ns > now_ns - 10 * S for at_ns in times)
    assert len(keys) == max(min(5, len(times)), young)
