"""A repeating warning gets through now and then, with the count of what was held back."""

from __future__ import annotations

from hft.clock import SimulatedClock
from hft.net import RateLimitedLog, rate_limited


def test_a_key_speaks_once_per_interval_and_says_what_was_held_back() -> None:
    clock, lines = SimulatedClock(), list[str]()
    log = RateLimitedLog(clock, lines.append, every_ns=100)
    for _ in range(4):
        log("a", "it broke")
    log("b", "something else")
    assert lines == ["it broke", "something else"]
    clock.advance(99)
    log("a", "it broke")
    clock.advance(1)
    log("a", "it broke again")
    assert lines[2:] == ["it broke again (4 more like this held back)"]
    assert log.suppressed == 4
    clock.advance(100)
    log("a", "and again")
    assert lines[3:] == ["and again"]


def test_keys_are_bounded() -> None:
    log = RateLimitedLog(SimulatedClock(), lambda line: None)
    for number in range(rate_limited._MAX_KEYS * 2):
        log(str(number), "x")
    assert len(log._next) == rate_limited._MAX_KEYS
