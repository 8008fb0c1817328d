"""How updates chain: the documented rules at their edges."""

from __future__ import annotations

import pytest

from hft import Step
from hft_okx.symbol import SequenceContinuity


@pytest.mark.parametrize(
    ("last_id", "prev_id", "step"),
    [
        (101, 100, Step.NEXT),
        (900, 100, Step.NEXT),  # ids jump
        (100, 100, Step.NEXT),  # nothing has happened for a minute
        (7, 100, Step.NEXT),  # they began anew at maintenance
        (100, 95, Step.OLD),  # the last one, told twice
        (101, 99, Step.GAP),
        (105, 103, Step.GAP),
        (99, 95, Step.GAP),  # older, and there is but one connection that could have brought it
        (7, 5, Step.GAP),  # began anew, and where was not said
    ],
)
def test_a_book_at_id_100(last_id: int, prev_id: int, step: Step) -> None:
    rule = SequenceContinuity()
    assert rule.follows(100, 0, last_id, prev_id) is step
    assert rule.bridges(100, 0, last_id, prev_id) is step


@pytest.mark.parametrize(
    ("last_id", "prev_id", "step"),
    [
        (99, 95, Step.OLD),  # one of both connections lags behind
        (91, 90, Step.OLD),
        (90, 89, Step.GAP),  # not from the time of both
        (101, 100, Step.NEXT),
        (105, 103, Step.GAP),
        (7, 100, Step.NEXT),
    ],
)
def test_while_a_connection_is_replaced(last_id: int, prev_id: int, step: Step) -> None:
    rule = SequenceContinuity()
    rule.floor = 90
    assert rule.follows(100, 0, last_id, prev_id) is step
