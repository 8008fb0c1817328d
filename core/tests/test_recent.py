"""The newest entries are kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hft.recent import Recent


def test_the_oldest_is_forgotten() -> None:
    recent: Recent[str, int] = Recent(2)
    recent["a"], recent["b"], recent["c"] = 1, 2, 3
    assert dict(recent) == {"b": 2, "c": 3}


def test_an_entry_that_changes_stays_as_old_as_it_is() -> None:
    recent: Recent[str, int] = Recent(2)
    recent["a"], recent["b"] = 1, 2
    recent["a"] = 3
    recent["c"] = 4
    assert dict(recent) == {"b": 2, "c": 4}


@given(st.lists(st.integers(0, 20), max_size=100), st.integers(1, 10))
def test_it_is_a_dict_whose_oldest_are_taken_away(keys: list[int], most: int) -> None:
    recent: Recent[int, int] = Recent(most)
    model: dict[int, int] = {}
    for number, key in enumerate(keys):
        recent[key] = model[key] = number
        if len(model) > most:
            del model[next(iter(model))]
        assert list(recent.items()) == list(model.items())
