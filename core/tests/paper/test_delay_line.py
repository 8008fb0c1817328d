"""Delay lines keep order, never call at once and leave nothing behind."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from hft.book import BOOK
from hft.clock import Clock, SimulatedClock, Timer
from hft.paper.choice import new_clock

from .conftest import CallLine


@pytest.fixture(params=["pure", "native"])
def clock(request: pytest.FixtureRequest) -> SimulatedClock:
    """Return a clock for a line."""
    if request.param == "pure":
        return SimulatedClock()
    if BOOK.name != "native":
        pytest.skip(BOOK.reason)
    return new_clock()


@pytest.mark.parametrize("is_always_the_same", [True, False])
@pytest.mark.parametrize("delay_ns", [0, 5])
def test_calls_are_made_in_order_and_never_from_inside_send(
    clock: SimulatedClock, delay_ns: int, is_always_the_same: bool
) -> None:
    made = list[tuple[int, str]]()
    line = CallLine(clock, delay_ns if is_always_the_same else lambda _: delay_ns)

    def made_at(name: str) -> None:
        made.append((clock.now_ns(), name))

    line.call(made_at, "a")
    line.call(made_at, "b")
    assert made == []
    clock.advance_to(2)
    line.call(made_at, "c")
    clock.advance_to(20)
    assert made == [(delay_ns, "a"), (delay_ns, "b"), (2 + delay_ns, "c")]


def test_what_a_call_sends_arrives_one_delay_later(clock: SimulatedClock) -> None:
    made = list[int]()
    line = CallLine(clock, lambda _: 5)

    def again() -> None:
        made.append(clock.now_ns())
        if len(made) < 3:
            line.call(again)

    line.call(again)
    clock.advance_to(100)
    assert made == [5, 10, 15]


def test_closing_leaves_nothing_on_the_clock(clock: SimulatedClock) -> None:
    line = CallLine(clock, lambda _: 5)
    line.call(pytest.fail, "was closed")
    line.close()
    line.call(pytest.fail, "was closed")
    assert clock.next_timer_ns() is None
    clock.advance_to(10)


def test_a_call_may_close_the_line(clock: SimulatedClock) -> None:
    line = CallLine(clock, lambda _: 5)
    line.call(line.close)
    line.call(pytest.fail, "was closed")
    clock.advance_to(10)
    assert clock.next_timer_ns() is None


def test_a_call_that_raises_does_not_hold_up_the_next(clock: SimulatedClock) -> None:
    made = list[str]()
    line = CallLine(clock, lambda _: 5)

    def fail() -> None:
        raise RuntimeError("a bug")

    line.call(fail)
    line.call(made.append, "next")
    with pytest.raises(RuntimeError, match="a bug"):
        clock.advance_to(5)
    clock.advance_to(5)
    assert made == ["next"]


class RoughClock(Clock):
    """Keeps its timers in a heap without order of equals and wakes too early, as event loops do."""

    def __init__(self) -> None:
        self.ns = 0
        self.timers: list[Timer] = []

    def now_ns(self) -> int:
        return self.ns

    def call_at(self, when_ns: int, callback: Callable[[], None]) -> Timer:
        self.timers.append(Timer(when_ns, callback))
        return self.timers[-1]

    def fire_all(self) -> None:
        timers, self.timers = self.timers[::-1], []
        for timer in timers:
            timer.fire()


def test_a_timer_that_fires_early_makes_no_call_early_and_none_out_of_order() -> None:
    clock, made = RoughClock(), list[str]()
    line = CallLine(clock, lambda _: 10)
    line.call(made.append, "a")
    clock.ns = 1
    line.call(made.append, "b")
    clock.ns = 9
    clock.fire_all()
    assert made == []
    clock.ns = 10
    clock.fire_all()
    assert made == ["a"]
    clock.ns = 11
    clock.fire_all()
    assert made == ["a", "b"]


def test_what_a_call_sends_waits_for_another_round_also_without_delay() -> None:
    clock, made = RoughClock(), list[int]()
    line = CallLine(clock, lambda _: 0)

    def again() -> None:
        made.append(len(made))
        if len(made) < 10:
            line.call(again)

    line.call(again)
    clock.fire_all()
    assert made == [0]
    clock.fire_all()
    assert made == [0, 1]


def test_what_is_sent_later_never_overtakes(clock: SimulatedClock) -> None:
    made: list[tuple[int, int]] = []
    delays = iter([10, 3, 0, 20])
    line = CallLine(clock, lambda _: next(delays))
    for number in range(4):
        clock.advance_to(number)
        line.call(lambda number: made.append((clock.now_ns(), number)), number)
    clock.advance_to(100)
    assert made == [(10, 0), (10, 1), (10, 2), (23, 3)]


@pytest.mark.parametrize("seed", range(10))
def test_all_that_is_sent_arrives_when_it_is_due(clock: SimulatedClock, seed: int) -> None:
    chance = random.Random(seed)
    delays = chance.choice([(0, 3), (5, 5), (0, 200)])
    due, made = list[tuple[int, int]](), list[tuple[int, int]]()
    delay_ns = 0
    line = CallLine(clock, lambda _: delay_ns)

    def send() -> None:
        nonlocal delay_ns
        delay_ns = chance.randint(*delays)
        due.append((max(clock.now_ns() + delay_ns, due[-1][0] if due else 0), len(due)))
        line.call(arrive, len(due) - 1)

    def arrive(number: int) -> None:
        made.append((clock.now_ns(), number))
        if chance.random() < 0.4:
            send()

    for _ in range(500):
        send()
        clock.advance(chance.choice([0, 0, 1, 7]))
    clock.advance(10_000)
    assert len(made) > 600
    assert made == due
