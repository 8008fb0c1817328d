"""When faults strike: windows, counts, chances, and what is left behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hft import Duration, SimulatedClock
from hft.sim import Fault, FaultKind, Faults, SkewedClock
from hft.sim.fault import KINDS, Place
from hft.sim.faults import Damage, whole

S = 1_000_000_000


class Frame:
    """A frame that notes what became of it."""

    def __init__(self, text: str, log: list[str]) -> None:
        self.text = text
        self.log = log

    def deliver(self, damage: Damage = whole) -> None:
        self.log.append(damage(self.text))

    def disconnect(self, *, behind: bool) -> None:
        self.log.append("cut behind" if behind else "cut")

    def silence(self) -> None:
        self.log.append("silence")

    def stall(self) -> Callable[[], None]:
        self.log.append("stall")
        return lambda: self.log.append("flow")


class Line:
    """A stream of numbered frames through faults."""

    def __init__(self, *, seed: int = 1) -> None:
        self.clock = SkewedClock(SimulatedClock())
        self.faults = Faults(self.clock, seed=seed)
        self.log: list[str] = []

    def inject(self, kind: FaultKind, **options: Any) -> None:
        self.faults.inject(Fault(kind=kind, where=options.pop("where", "*"), **options))

    def send(self, *frames: int, topic: str = "depth") -> list[str]:
        """Send frames and return everything that has arrived so far."""
        for frame in frames:
            self.faults.pass_on(Place.STREAM, topic, topic, Frame(str(frame), self.log))
        return self.log

    def advance(self, ns: int) -> None:
        clock = self.clock.true
        assert isinstance(clock, SimulatedClock)
        clock.advance(ns)


@pytest.fixture
def line() -> Line:
    return Line()


def test_a_window_opens_and_closes(line: Line) -> None:
    line.inject(FaultKind.DROP, count=0, start=Duration(10), duration=Duration(5))
    line.send(1)
    line.advance(10)
    line.send(2)
    line.advance(4)
    line.send(3)
    line.advance(1)
    assert line.send(4) == ["1", "4"]
    assert line.faults.is_idle
    assert line.faults.hits == 2


def test_what_passes_before_the_window_is_not_counted(line: Line) -> None:
    line.inject(FaultKind.DROP, after=1, start=Duration(10))
    line.send(1, 2)
    line.advance(10)
    assert line.send(3, 4, 5) == ["1", "2", "3", "5"]


def test_chance_is_drawn_from_the_seed() -> None:
    def survivors(seed: int) -> list[str]:
        line = Line(seed=seed)
        line.inject(FaultKind.DROP, count=0, chance=0.3)
        return line.send(*range(1000))

    assert survivors(1) == survivors(1) != survivors(2)
    assert 620 < len(survivors(1)) < 780


def test_one_more_fault_changes_nothing_in_the_draws_of_another() -> None:
    alone, beside = Line(), Line()
    for line in (alone, beside):
        line.inject(FaultKind.DROP, count=0, chance=0.5, where="depth")
    beside.inject(FaultKind.DROP, count=0, chance=0.5, where="trade")
    for frame in range(100):
        alone.send(frame)
        beside.send(frame)
        beside.faults.pass_on(Place.STREAM, "trade", "trade", Frame("x", []))
    assert alone.log == beside.log


def test_a_delay_is_drawn_between_two_values(line: Line) -> None:
    line.inject(FaultKind.DELAY, count=0, delay=Duration(5), delay_max=Duration(15))
    line.send(*range(200))
    line.advance(4)
    assert not line.log
    line.advance(5)
    some = len(line.log)
    assert 60 < some < 130
    line.advance(6)
    assert sorted(line.log, key=int) == [str(n) for n in range(200)]
    assert line.log != sorted(line.log, key=int)


def test_a_gap_is_one_stream_alone(line: Line) -> None:
    line.inject(FaultKind.GAP, where="*depth", length=3, after=1)
    line.send(1, 2)
    line.send(10, 11, topic="other/depth")
    assert line.send(3, 4, 5) == ["1", "10", "11", "5"]
    assert line.faults.hits == 1
    assert line.faults.is_idle


def test_what_is_reordered_comes_by_itself_where_nothing_follows(line: Line) -> None:
    line.inject(FaultKind.REORDER, delay=Duration(10))
    line.send(1)
    line.advance(9)
    assert line.log == []
    line.advance(1)
    assert line.log == ["1"]
    assert line.send(2) == ["1", "2"]


def test_two_reordered_in_a_row_both_come(line: Line) -> None:
    line.inject(FaultKind.REORDER, count=2)
    assert sorted(line.send(1, 2, 3)) == ["1", "2", "3"]
    assert line.faults.is_idle


def test_damage(line: Line) -> None:
    line.inject(FaultKind.TRUNCATE)
    line.inject(FaultKind.GARBAGE)
    half, garbage, intact = line.send(1234, 5678, 9)
    assert (half, intact) == ("12", "9")
    assert "5678" not in garbage
    assert "<html>" in garbage


def test_a_disconnection_before_and_behind_what_is_delivered(line: Line) -> None:
    line.inject(FaultKind.DISCONNECT)
    line.inject(FaultKind.DISCONNECT, deliver=True)
    assert line.send(1, 2) == ["cut", "2", "cut behind"]


def test_a_slow_connection_flows_again(line: Line) -> None:
    line.inject(FaultKind.SLOW, delay=Duration(10))
    assert line.send(1) == ["stall", "1"]
    line.advance(10)
    assert line.log == ["stall", "1", "flow"]


def test_clearing_lets_go_of_what_is_held(line: Line) -> None:
    line.inject(FaultKind.REORDER)
    line.inject(FaultKind.DROP, count=0, where="*")
    line.inject(FaultKind.GAP, where="x", length=100)
    line.send(1)
    line.send(2, topic="x")
    assert line.faults.clear() == 2
    assert line.log == ["1"]
    assert line.faults.is_idle
    assert line.send(3) == ["1", "3"]


def test_nothing_comes_after_stop(line: Line) -> None:
    line.inject(FaultKind.REORDER)
    line.inject(FaultKind.DELAY)
    line.send(1)
    line.send(2, topic="other")
    line.faults.stop()
    line.advance(100 * S)
    assert line.log == []


def test_only_so_many_can_be_armed(line: Line) -> None:
    while line.faults.room:
        line.inject(FaultKind.DROP)
    with pytest.raises(ValueError, match="faults are armed already, clear them first"):
        line.inject(FaultKind.DROP)


def test_kinds_that_cannot_happen_at_a_passage_wait_for_one_where_they_can(line: Line) -> None:
    line.inject(FaultKind.DUPLICATE, where="reply/*")
    http = KINDS[Place.REPLY] - {FaultKind.DUPLICATE}
    assert line.faults.strike(Place.REPLY, "reply/GET /x", http) is None
    assert line.faults.hits == 0
    strike = line.faults.strike(Place.REPLY, "reply/order.place", KINDS[Place.REPLY])
    assert strike is not None
    assert strike.kind is FaultKind.DUPLICATE


# -- the clock -----------------------------------------------------------------------------------


def test_the_clock_jumps_and_is_set_right_again(line: Line) -> None:
    line.inject(FaultKind.CLOCK_SKEW, where="clock", behind=Duration(3 * S), duration=Duration(10 * S))
    assert line.clock.now_ns() == -3 * S
    line.advance(9 * S)
    assert line.clock.now_ns() == 6 * S
    line.advance(S)
    assert line.clock.now_ns() == 10 * S
    assert line.faults.hits == 1


def test_the_clock_drifts(line: Line) -> None:
    options: Any = {"start": Duration(S), "ahead": Duration(2 * S), "over": Duration(10 * S)}
    line.inject(FaultKind.CLOCK_SKEW, where="clock", **options)
    seen = []
    for _ in range(14):
        seen.append(line.clock.now_ns() / S)
        line.advance(S)
    assert seen == [0, 1, 2.2, 3.4, 4.6, 5.8, 7, 8.2, 9.4, 10.6, 11.8, 13, 14, 15]
    line.faults.clear()
    assert line.clock.now_ns() == 14 * S


def test_a_skewed_clock_calls_when_it_really_is_time(line: Line) -> None:
    line.inject(FaultKind.CLOCK_SKEW, where="clock", ahead=Duration(100 * S))
    called: list[str] = []
    line.clock.call_later(5 * S, lambda: called.append("later"))
    line.clock.call_at(107 * S, lambda: called.append("at"))
    line.advance(5 * S)
    assert called == ["later"]
    line.advance(2 * S)
    assert called == ["later", "at"]


def test_a_clock_that_cannot_be_skewed_is_said() -> None:
    faults = Faults(SimulatedClock())
    with pytest.raises(ValueError, match="this clock cannot be skewed"):
        faults.inject(Fault(kind=FaultKind.CLOCK_SKEW, where="clock", ahead=Duration(1)))
    assert faults.is_idle
