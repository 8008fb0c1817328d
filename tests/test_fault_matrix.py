"""A live trader meets every kind of fault and holds: the short form of the campaign."""

from __future__ import annotations

import pytest

from hft.sim import FaultKind
from tests.campaigns.fault_cases import CASES, PLACES, Plan, plan_of
from tests.campaigns.fault_run import run_plan
from tests.campaigns.faults import figures

# One run of each kind, at places where a trader is struck for sure; see `plan_of`.
SEEDS = {
    kind: next(n for n, case in enumerate(CASES) if case.kind is kind and case.where in where)
    for kind, where in {
        FaultKind.DROP: ["reply/order.place"],
        FaultKind.DELAY: ["user/*/executionReport"],
        FaultKind.DUPLICATE: ["user/*"],
        FaultKind.REORDER: ["user/*/ORDER_TRADE_UPDATE"],
        FaultKind.TRUNCATE: ["reply/order.cancel"],
        FaultKind.GARBAGE: ["public/*@depth*"],
        FaultKind.GAP: ["spot/*@depth*"],
        FaultKind.DISCONNECT: ["request/order.place"],
        FaultKind.SILENCE: ["user/*"],
        FaultKind.SLOW: ["reply/order.place"],
        FaultKind.REFUSE: ["request/GET /api/v3/myTrades"],
        FaultKind.CLOCK_SKEW: ["clock"],
    }.items()
}


@pytest.mark.parametrize("kind", FaultKind, ids=lambda kind: kind.value)
def test_a_trader_holds_whatever_goes_wrong(kind: FaultKind) -> None:
    outcome = run_plan(SEEDS[kind], plan_of(SEEDS[kind], tuple(FaultKind)))
    assert outcome.wrong == []
    assert outcome.hits
    assert outcome.recovery_s is not None
    assert outcome.orders
    assert outcome.fills


def test_the_same_seed_does_the_same() -> None:
    plan = plan_of(len(CASES) + 1, tuple(FaultKind))
    assert plan.name == "pair"
    assert run_plan(5, plan) == run_plan(5, plan)


def test_every_kind_is_tried_at_every_place_where_it_can_happen() -> None:
    tried = {
        (fault.kind, fault.where) for n in range(len(CASES)) for fault in plan_of(n, tuple(FaultKind)).faults
    }
    possible = {(kind, where) for where, kinds in PLACES.possible().items() for kind in kinds}
    assert possible <= tried
    assert {kind for kind, _ in possible} == set(FaultKind)


def test_a_run_that_goes_wrong_is_reported() -> None:
    good = run_plan(1, Plan("none", (), is_early=False))
    assert good.wrong == []
    good.wrong.append("an order is lost")
    assert figures([good])["all"]["failed"] == [1]
