"""The exchange's time is measured every minute, and at once where ours is refused."""

from __future__ import annotations

import pytest

from hft import ClockOffset, DecodeError, ExchangeTime, HttpRequest, RestAnswer, RestCall
from hft.testing.link import FakeLink

MINUTE_NS = 60_000_000_000


class World:
    """An exchange whose clock is some nanoseconds from ours."""

    def __init__(self) -> None:
        self.link = FakeLink()
        self.offset = ClockOffset()
        self.time = ExchangeTime(self.link, self.offset, self.call, self.take, whose="spot")

    def call(self) -> RestCall:
        return RestCall(method="GET", shown="/time", write=lambda _: HttpRequest(url="https://acme/time"))

    def take(self, answer: RestAnswer) -> None:
        if not answer.body.isdigit():
            raise DecodeError("no time is stated")
        self.offset.measure(answer.sent_ns, answer.recv_ns, int(answer.body))

    def answer(self, server_ns: int) -> None:
        self.link.calls[-1].answer(str(server_ns))


def test_it_is_measured_every_minute_until_it_stops() -> None:
    world = World()
    world.time.begin()
    world.link.clock.advance(MINUTE_NS - 1)
    assert not world.link.calls
    world.link.clock.advance(1)
    world.answer(MINUTE_NS + 7)
    assert world.offset.offset_ns == 7
    world.link.clock.advance(MINUTE_NS)
    assert len(world.link.calls) == 2
    world.time.stop()
    world.time.stop()
    world.link.clock.advance(10 * MINUTE_NS)
    assert len(world.link.calls) == 2


def test_one_question_at_a_time_whatever_becomes_of_it() -> None:
    world = World()
    world.time.begin()
    world.link.clock.advance(2 * MINUTE_NS)
    assert len(world.link.calls) == 1
    world.link.calls[-1].fail()
    for body, status in (("no time", 200), ("5", 503)):
        world.link.clock.advance(MINUTE_NS)
        world.link.calls[-1].answer(body, status)
    assert world.offset.round_trip_ns is None
    assert world.link.faults == [("time of spot", b"no time", "no time is stated")]
    world.link.clock.advance(MINUTE_NS)
    assert len(world.link.calls) == 4


def test_a_refused_time_is_measured_at_once_and_the_new_one_believed() -> None:
    world = World()
    world.time.distrust()
    world.answer(100)
    assert world.offset.offset_ns == 100
    world.time.distrust()
    world.link.clock.advance(50)  # a longer round trip, believed all the same
    world.answer(5_025)
    assert world.offset.offset_ns == 5_000


@pytest.mark.parametrize(
    ("offset_ns", "said"),
    [
        (2_000_000_000, "acme: this clock is 2.000 s behind spot's;"),
        (-2_500_000_000, "acme: this clock is 2.500 s ahead of spot's;"),
        (1_000_000_000, ""),
        (-999_000_000, ""),
    ],
)
def test_a_clock_that_is_far_off_is_told(offset_ns: int, said: str) -> None:
    world = World()
    world.offset.measure(0, 0, offset_ns)
    world.time.warn_if_far()
    assert [warning[: len(said)] for warning in world.link.warnings] == ([said] if said else [])
