"""Requests are answered once, given up once, and never forgotten without a word."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hft import PendingRequests, SimulatedClock

TIMEOUT_NS = 100


class Ends:
    """Pending requests on a clock of the test, and what was given up."""

    def __init__(self) -> None:
        self.clock = SimulatedClock(1_000)
        self.given_up: list[tuple[str, str]] = []
        self.pending: PendingRequests[str] = PendingRequests(
            self.clock, TIMEOUT_NS, lambda request, reason: self.given_up.append((request, reason))
        )

    def add(self, request_id: str) -> None:
        self.pending.add(request_id, f"request {request_id}", self.clock.now_ns())


def test_an_answer_finds_its_request_once() -> None:
    ends = Ends()
    ends.add("1")
    assert ends.pending.take("2") is None
    assert ends.pending.take("1") == "request 1"
    assert ends.pending.take("1") is None
    ends.clock.advance(10 * TIMEOUT_NS)
    assert ends.given_up == []


def test_a_request_without_an_answer_is_given_up_at_its_time_and_a_late_answer_still_finds_it() -> None:
    ends = Ends()
    ends.add("1")
    ends.clock.advance(TIMEOUT_NS // 2)
    ends.add("2")
    ends.clock.advance(TIMEOUT_NS // 2 - 1)
    assert ends.given_up == []
    ends.clock.advance(1)
    assert ends.given_up == [("request 1", "no answer within 1e-07 s")]
    assert len(ends.pending) == 1
    ends.clock.advance(TIMEOUT_NS // 2)
    assert [request for request, _ in ends.given_up] == ["request 1", "request 2"]
    assert ends.pending.take("1") == "request 1"
    assert ends.pending.take("1") is None


def test_a_broken_connection_gives_up_everything_in_its_order() -> None:
    ends = Ends()
    for request_id in "123":
        ends.add(request_id)
    ends.pending.discard("2")
    ends.pending.lose("cut")
    assert ends.given_up == [("request 1", "cut"), ("request 3", "cut")]
    ends.clock.advance(10 * TIMEOUT_NS)
    assert len(ends.given_up) == 2
    ends.add("4")
    ends.clock.advance(TIMEOUT_NS)
    assert len(ends.given_up) == 3


def test_who_is_told_may_ask_again_at_once() -> None:
    clock = SimulatedClock()
    told: list[str] = []

    def again(request: str, _: str) -> None:
        told.append(request)
        if len(told) < 3:
            pending.add(f"{request}+", f"{request}+", clock.now_ns())

    pending: PendingRequests[str] = PendingRequests(clock, TIMEOUT_NS, again)
    pending.add("a", "a", clock.now_ns())
    clock.advance(10 * TIMEOUT_NS)
    assert told == ["a", "a+", "a++"]


def test_what_is_remembered_of_late_requests_is_bounded() -> None:
    ends = Ends()
    for number in range(10_001):
        ends.add(str(number))
    ends.pending.lose("cut")
    assert ends.pending.take("0") is None
    assert ends.pending.take("1") == "request 1"
    assert ends.pending.take("10000") == "request 10000"


@given(st.lists(st.sampled_from(["add", "take", "discard", "lose", "wait"]), max_size=40))
def test_every_request_ends_exactly_once(steps: list[str]) -> None:
    ends = Ends()
    ended: list[str] = []
    open_ids: list[str] = []
    added = 0
    for step in steps:
        if step == "add":
            ends.add(str(added))
            open_ids.append(str(added))
            added += 1
        elif step == "wait":
            ends.clock.advance(TIMEOUT_NS // 3)
        elif step == "lose":
            ends.pending.lose("cut")
        elif open_ids:
            request_id = open_ids.pop(0)
            given_up = any(request == f"request {request_id}" for request, _ in ends.given_up)
            if step == "take":
                assert ends.pending.take(request_id) is not None
            else:
                ends.pending.discard(request_id)
            if not given_up:
                ended.append(f"request {request_id}")
    ends.pending.lose("the end")
    ended += [request for request, _ in ends.given_up]
    assert sorted(ended) == sorted(f"request {number}" for number in range(added))
