"""Take books out of LIVE that have not been heard of for too long."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hft.clock import Clock, Timer
from hft.market import Market
from hft.types import BookState, Duration

__all__ = ["Watchdog"]

_INTERVAL_NS = 100_000_000


class Watchdog:
    """Looks at every book ten times a second; a LIVE one older than its limit becomes STALE.

    "Connected" proves nothing: a half-open connection and a subscription that was silently refused
    both look like a market in which nothing happens. The next update in sequence makes the book
    LIVE again.
    """

    def __init__(self, clock: Clock, warn: Callable[[str], None]) -> None:
        self._clock = clock
        self._warn = warn
        self._watched: list[tuple[Market, int]] = []
        self._timer: Timer | None = None

    def watch(self, markets: Iterable[Market], max_age: Duration) -> None:
        """Watch these markets' books."""
        self._watched += [(market, max_age) for market in markets]

    def start(self) -> None:
        """Begin to look."""
        self._timer = self._clock.call_later(_INTERVAL_NS, self._look)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        now_ns = self._clock.now_ns()
        for market, max_age in self._watched:
            book = market.book
            age_ns = now_ns - book.recv_ns
            if book.state is BookState.LIVE and age_ns > max_age:
                market.lose(BookState.STALE)
                self._warn(f"{market.instrument.id}: no book update for {age_ns / 1e9:.1f} s, book is STALE")
        self.start()
