"""The watchdog on a simulated clock: silent books leave LIVE, and what stays silent is asked for anew."""

from __future__ import annotations

import random

import pytest

from hft.book import OrderBook
from hft.clock import NS_PER_S, SimulatedClock
from hft.market import Market
from hft.run.watchdog import Watchdog
from hft.testing.trading import make_instrument, make_market
from hft.types import BookState, Duration

MAX_AGE = Duration(10 * NS_PER_S)


class Scene:
    def __init__(self, max_age: Duration = MAX_AGE) -> None:
        self.clock = SimulatedClock(1_000 * NS_PER_S)
        self.warnings: list[str] = []
        self.replaced: list[int] = []
        self.market = make_market(make_instrument())
        self.watchdog = Watchdog(self.clock, random.Random(1), self.warnings.append, self._replace)
        self.watchdog.watch([self.market], max_age)
        self.hear()
        self.watchdog.start()

    def _replace(self, market: Market) -> None:
        assert market is self.market
        self.replaced.append(self.clock.now_ns())

    def hear(self) -> None:
        """Bring an update of the book."""
        self.market.book.recv_ns = self.clock.now_ns()
        self.market.book.state = BookState.LIVE

    def hear_for(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(NS_PER_S)
            self.hear()


def test_a_live_book_is_left_alone() -> None:
    scene = Scene()
    scene.hear_for(200)
    assert scene.market.book.state is BookState.LIVE
    assert (scene.warnings, scene.replaced) == ([], [])


def test_a_book_that_comes_back_between_two_looks_is_stale_in_time() -> None:
    scene = Scene(Duration(NS_PER_S * 3 // 10))
    scene.clock.advance(NS_PER_S // 10 * 5)
    assert scene.market.book.state is BookState.STALE
    scene.clock.advance(NS_PER_S // 100)
    scene.hear()
    scene.clock.advance(NS_PER_S // 10 * 4)
    assert scene.market.book.state is BookState.STALE


def test_a_silent_book_is_stale_and_then_asked_for_anew_ever_more_rarely() -> None:
    scene = Scene()
    start_ns = scene.clock.now_ns()
    scene.clock.advance(NS_PER_S * 101 // 10)
    assert scene.market.book.state is BookState.STALE
    assert scene.replaced == [], "an update may still come"
    scene.clock.advance(3_600 * NS_PER_S)
    first_s, *_ = (when - start_ns for when in scene.replaced)
    assert 2 * MAX_AGE <= first_s <= 5 * MAX_AGE
    gaps_s = [(b - a) // NS_PER_S for a, b in zip(scene.replaced, scene.replaced[1:], strict=False)]
    assert gaps_s[0] < gaps_s[2] < gaps_s[4]
    assert max(gaps_s) <= 600
    assert 8 <= len(scene.replaced) <= 16


@pytest.mark.parametrize("state", [BookState.SYNCING, BookState.BROKEN])
def test_a_book_that_never_becomes_live_is_asked_for_anew(state: BookState) -> None:
    scene = Scene()
    scene.market.book.state = state
    scene.clock.advance(40 * NS_PER_S)
    assert len(scene.replaced) == 1
    assert scene.market.book.state is state


def test_a_book_that_speaks_now_and_then_is_not_asked_for_ever_more_often() -> None:
    """What is rarely traded becomes STALE all day long; its connection must not move all day long."""
    scene = Scene()
    for _ in range(100):
        scene.clock.advance(45 * NS_PER_S)
        scene.hear()
    assert len(scene.replaced) <= 4


def test_patience_is_short_again_after_a_minute_without_silence() -> None:
    scene = Scene()
    scene.clock.advance(3_600 * NS_PER_S)
    scene.hear()
    scene.hear_for(70)
    scene.replaced.clear()
    scene.clock.advance(50 * NS_PER_S)
    assert len(scene.replaced) == 1


def test_a_listener_that_raises_does_not_end_the_watch() -> None:
    scene = Scene()

    def fail(book: OrderBook) -> None:
        raise RuntimeError(str(book.state))

    scene.market.listen_lost(fail)
    with pytest.raises(RuntimeError, match="STALE"):
        scene.clock.advance(11 * NS_PER_S)
    scene.hear()
    with pytest.raises(RuntimeError, match="STALE"):
        scene.clock.advance(11 * NS_PER_S)


def test_nothing_is_left_on_the_clock() -> None:
    scene = Scene()
    scene.watchdog.stop()
    assert scene.clock.next_timer_ns() is None
