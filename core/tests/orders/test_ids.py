"""Client order ids."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from hft.orders import ClientOrderIds


@given(st.text(), st.text())
def test_ids_are_within_every_exchanges_rules(profile: str, run: str) -> None:
    ids = ClientOrderIds(profile, run)
    made = [ids.next() for _ in range(3_000)]
    assert len(set(made)) == 3_000
    assert all(re.fullmatch("[a-z0-9]{20,24}", each) and ids.owns(each) for each in made)


def test_ids_repeat_in_a_repeated_run_and_in_no_other() -> None:
    first, again, other_run = (ClientOrderIds("btc-maker-1", run) for run in ("7", "7", "8"))
    assert first.next() == again.next()
    assert not first.owns(other_run.next())
    assert other_run.next().startswith(first.profile_prefix)


def test_profiles_that_begin_alike_are_kept_apart() -> None:
    one, two = ClientOrderIds("btc-maker-1", "7"), ClientOrderIds("btc-maker-2", "7")
    assert not two.next().startswith(one.profile_prefix)
