"""What a fault can be, and what it refuses to be."""

from __future__ import annotations

from typing import Any

import pytest

from hft import Duration
from hft.sim import Fault, FaultKind
from hft.sim.fault import KINDS, Place


@pytest.mark.parametrize(
    ("where", "place", "name", "matched"),
    [
        ("spot/*@depth*", Place.STREAM, "spot/btcusdt@depth@100ms", True),
        ("spot/*@depth*", Place.STREAM, "spot/btcusdt@trade", False),
        ("*", Place.STREAM, "private/orders", True),
        ("*", Place.REQUEST, "request/order.place", False),
        ("request/*", Place.REQUEST, "request/POST /api/v3/order", True),
        ("request/*", Place.REPLY, "reply/order.place", False),
        ("reply/*order*", Place.REPLY, "reply/order.place", True),
        ("reply/*order*", Place.REPLY, "reply/DELETE /api/v3/order", True),
        ("connect/ws*", Place.CONNECT, "connect/ws/btcusdt@trade", True),
    ],
)
def test_a_place_is_known_by_its_beginning(where: str, place: Place, name: str, matched: bool) -> None:
    kind = FaultKind.DROP
    assert Fault(kind=kind, where=where).matches(place, name) is matched


@pytest.mark.parametrize("place", Place)
def test_every_kind_happens_at_its_places_and_nowhere_else(place: Place) -> None:
    where = {Place.STREAM: "topic", Place.CLOCK: "clock"}.get(place, f"{place.value}/x")
    for kind in FaultKind:
        more: dict[str, Any] = {"ahead": Duration(1)} if kind is FaultKind.CLOCK_SKEW else {}
        if kind in KINDS[place]:
            assert Fault(kind=kind, where=where, **more).place is place
        else:
            with pytest.raises(ValueError, match=f"kind {kind.value!r} cannot happen at a {place.value}"):
                Fault(kind=kind, where=where, **more)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": FaultKind.DROP, "status": 500}, "'status' says nothing of kind 'drop', remove it"),
        ({"kind": FaultKind.DROP, "where": "GET /x"}, "'GET /x' is no topic, write 'request/GET /x'"),
        ({"kind": FaultKind.DROP, "chance": 0.0}, "chance"),
        ({"kind": FaultKind.DROP, "count": -1}, "count"),
        ({"kind": FaultKind.DROP, "duration": Duration(0)}, "'duration' is no time at all"),
        (
            {"kind": FaultKind.DELAY, "delay": Duration(2), "delay_max": Duration(1)},
            "'delay_max' is below 'delay'",
        ),
        ({"kind": FaultKind.CLOCK_SKEW, "where": "clock"}, "'ahead' or 'behind' by some time"),
        (
            {"kind": FaultKind.CLOCK_SKEW, "where": "clock", "ahead": Duration(1), "behind": Duration(1)},
            "give one of the two",
        ),
        ({"kind": FaultKind.CLOCK_SKEW, "where": "clock", "ahead": Duration(1), "count": 2}, "'count' says"),
    ],
)
def test_nonsense_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Fault(**{"where": "topic", **options})
