"""Simulated time in native code does what that in Python does."""

from __future__ import annotations

import gc
import random
import weakref

import pytest

from hft.book import BOOK
from hft.clock import SimulatedClock, Timer

if BOOK.name != "native":
    pytest.skip(BOOK.reason, allow_module_level=True)

from hft.paper.native_clock import NativeClock

from .conftest import CallLine

Log = list[tuple[str, int, int]]


def live(clock: SimulatedClock, seed: int) -> Log:
    """Set, cancel and fire timers, send over two lines, and do all that from inside calls as well."""
    chance, log = random.Random(seed), Log()
    timers: list[Timer] = []
    lines = [CallLine(clock, lambda _: chance.randint(0, 5)) for _ in range(2)]
    count = 0

    def note(what: str) -> None:
        nonlocal count
        count = number = count + 1

        def call() -> None:
            log.append((what, number, clock.now_ns()))
            if chance.random() < 0.6:
                act()

        match what:
            case "at":
                timers.append(clock.call_at(clock.now_ns() + chance.randint(-5, 20), call))
            case "later":
                timers.append(clock.call_later(chance.randint(0, 20), call))
            case _:
                chance.choice(lines).call(call)

    def act() -> None:
        note(chance.choice(["at", "later", "sent", "sent"]))
        if timers and chance.random() < 0.3:
            timer = chance.choice(timers)
            timer.cancel()
            log.append(("cancelled", int(timer.cancelled), timer.when_ns))

    for _ in range(300):
        act()
        log.append(("next", clock.next_timer_ns() or -1, clock.now_ns()))
        if chance.random() < 0.5:
            clock.advance_to(clock.now_ns() + chance.randint(-3, 6))
        else:
            clock.advance(chance.randint(0, 3))
    lines[0].close()
    clock.advance(1_000)
    log.append(("end", count, clock.now_ns()))
    return log


@pytest.mark.parametrize("seed", range(20))
def test_both_clocks_make_the_same_calls(seed: int) -> None:
    assert live(SimulatedClock(7), seed) == live(NativeClock(7), seed)


def test_a_cancelled_timer_does_not_fire() -> None:
    clock = NativeClock()
    timer = clock.call_at(5, lambda: pytest.fail("was cancelled"))
    timer.cancel()
    timer.fire()
    clock.advance(10)


def test_a_call_that_raises_leaves_the_others_due() -> None:
    clock, made = NativeClock(), list[int]()

    def fail() -> None:
        raise RuntimeError("a bug")

    clock.call_at(5, fail)
    clock.call_at(5, lambda: made.append(clock.now_ns()))
    with pytest.raises(RuntimeError, match="a bug"):
        clock.advance_to(10)
    assert clock.now_ns() == 5
    clock.advance_to(10)
    assert made == [5]


def test_calls_that_nobody_waits_for_any_more_are_collected() -> None:
    class Waits:
        def __init__(self) -> None:
            self.clock = NativeClock()
            for delay_ns in (5, 1, 3, 1_000):
                self.timer = self.clock.call_later(delay_ns, self.call)
            self.clock.advance(4)

        def call(self) -> None: ...

    gone = weakref.ref(Waits())
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize(
    "when_ns", [0, 1, 2**30, 2**60 - 1, 2**60, 2**60 + 2**30 + 1, 10**18, 17 * 10**17, 2**63 - 2]
)
def test_every_time_is_told_and_kept_as_it_is(when_ns: int) -> None:
    clock, calls = NativeClock(), list[int]()
    timer = clock.call_at(when_ns, lambda: calls.append(clock.now_ns()))
    assert (timer.when_ns, clock.next_timer_ns()) == (when_ns, when_ns)
    clock.advance_to(when_ns)
    assert calls == [when_ns]
    assert clock.now_ns() == when_ns


@pytest.mark.parametrize("when_ns", [2**63, -(2**63) - 1, 10**30])
def test_no_call_is_made_at_a_time_that_cannot_be_kept(when_ns: int) -> None:
    clock = NativeClock()
    with pytest.raises(OverflowError):
        clock.call_at(when_ns, lambda: None)
    with pytest.raises(TypeError):
        clock.call_at(None, lambda: None)  # type: ignore[arg-type]
    assert clock.next_timer_ns() is None
