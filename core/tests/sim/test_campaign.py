"""Faults drawn for campaigns: the same for a seed, possible where they are, and of every kind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft.sim import FaultKind, FaultPlaces, random_faults
from hft.sim.fault import KINDS, Place

PLACES = FaultPlaces(
    streams=("spot/*@depth*", "private/*"),
    methods=("order.place", "order.cancel"),
    requests=("GET /api/v3/depth", "POST /api/v3/order"),
    connects=("*",),
)


@given(st.integers(), st.integers(1, 4))
def test_a_seed_draws_the_same_and_only_what_can_happen(seed: int, n: int) -> None:
    faults = random_faults(seed, n, PLACES)
    assert faults == random_faults(seed, n, PLACES)
    assert len(faults) == n
    for fault in faults:
        assert fault.where in PLACES.patterns()
        assert fault.kind in KINDS[fault.place]
        if fault.where.endswith(("order.place", "order.cancel")):
            assert fault.kind is not FaultKind.REFUSE
        elif fault.place is Place.REPLY:
            assert fault.kind not in (FaultKind.DUPLICATE, FaultKind.REORDER, FaultKind.SLOW)


def test_every_kind_is_drawn_at_every_place_where_it_can_happen() -> None:
    drawn = {(fault.place, fault.kind) for seed in range(2000) for fault in random_faults(seed, 2, PLACES)}
    assert drawn == {(place, kind) for place, kinds in KINDS.items() for kind in kinds}


def test_pairs_are_often_at_one_place() -> None:
    pairs = [random_faults(seed, 2, PLACES) for seed in range(500)]
    together = sum(first.where == second.where for first, second in pairs)
    assert 230 < together < 350


def test_kinds_can_be_chosen() -> None:
    for seed in range(50):
        (fault,) = random_faults(seed, 1, PLACES, kinds=[FaultKind.GAP])
        assert (fault.kind, fault.place) == (FaultKind.GAP, Place.STREAM)
    with pytest.raises(ValueError, match="none of the kinds can happen"):
        random_faults(1, 1, FaultPlaces(streams=("x",), clock=False), kinds=[FaultKind.REFUSE])
