"""Take books out of LIVE that have not been heard of for too long, and have them asked for anew."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

from hft.clock import NS_PER_S, Clock, Timer
from hft.market import Market
from hft.net.backoff import Backoff
from hft.types import BookState, Duration

__all__ = ["Watchdog"]

_SHORTEST_NS = NS_PER_S // 10
_LONGEST_NS = NS_PER_S
"""From one look to the next, which is made when a book may be too old."""

_PATIENCE = 3
"""A book that is not LIVE for up to this many times its largest age is asked for anew."""

_MAX_PATIENCE_NS = 600 * NS_PER_S
_STABLE_NS = 60 * NS_PER_S
"""A book that was LIVE for this long is asked for as soon as the first time."""

# Bound once: looking up a member of an enum takes longer than the rest of a look at one book.
_LIVE = BookState.LIVE


class _Watched:
    """One book: when it was last seen in another state, and how long it may stay out of LIVE."""

    __slots__ = ("_backoff", "_patience_ns", "is_known_live", "is_live", "market", "max_age", "since_ns")

    def __init__(self, market: Market, max_age: Duration, random: random.Random) -> None:
        self.market = market
        self.max_age = max_age
        self.is_live = False
        self.is_known_live = False
        """Whether nothing is to be noted of it as long as it is LIVE."""
        self.since_ns = 0
        self._backoff = Backoff(random, initial_ns=_PATIENCE * max_age, maximum_ns=_MAX_PATIENCE_NS)
        self._patience_ns = 0

    def is_to_be_replaced(self, is_live: bool, now_ns: int) -> bool:
        """Note whether the book is LIVE; say whether it has been anything else for too long."""
        if is_live is not self.is_live or not self.since_ns:
            if self.is_live and now_ns - self.since_ns >= _STABLE_NS:
                self._backoff.reset()
                self._patience_ns = 0
            self.is_live, self.since_ns = is_live, now_ns
        # The first delay of a back-off is none; what was not waited to its end serves again.
        self._patience_ns = self._patience_ns or self._backoff.next_ns() or self._backoff.next_ns()
        self.is_known_live = is_live and self.since_ns > 0 and self._patience_ns > 0
        if is_live or now_ns - self.since_ns < self._patience_ns:
            return False
        self.since_ns, self._patience_ns = now_ns, 0
        return True


class Watchdog:
    """Looks at every book; a LIVE one older than its limit becomes STALE, a tenth of a second later at most.

    "Connected" proves nothing: a half-open connection and a subscription that was silently refused
    both look like a market in which nothing happens. The next update in sequence makes the book
    LIVE again. For one that stays out of LIVE ``replace(market)`` is called, which subscribes it anew;
    again and again, with exponential back-off and jitter, since it may as well be a quiet market.
    """

    def __init__(
        self,
        clock: Clock,
        random: random.Random,
        warn: Callable[[str], None],
        replace: Callable[[Market], None],
    ) -> None:
        self._clock = clock
        self._random = random
        self._warn = warn
        self._replace = replace
        self._watched: list[_Watched] = []
        self._timer: Timer | None = None

    def watch(self, markets: Iterable[Market], max_age: Duration) -> None:
        """Watch these markets' books."""
        self._watched += [_Watched(market, max_age, self._random) for market in markets]

    def start(self) -> None:
        """Begin to look."""
        self._look_again()

    def _look_again(self) -> bool:
        """Arrange the next look; say whether there is nothing else to do, as is nearly always so."""
        now_ns, left_ns, all_well = self._clock.now_ns(), _LONGEST_NS, True
        for watched in self._watched:
            book = watched.market.book
            if book.state is _LIVE:
                book_left_ns = book.recv_ns + watched.max_age - now_ns
                if book_left_ns < 0 or not watched.is_known_live:
                    all_well = False
            else:
                # It may be LIVE from now on.
                book_left_ns, all_well = watched.max_age, False
            if book_left_ns < left_ns:
                left_ns = book_left_ns
        if left_ns < _SHORTEST_NS:
            left_ns = _SHORTEST_NS
        self._timer = self._clock.call_later(left_ns, self._look)
        return all_well

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        if self._look_again():  # before anything that could raise
            return
        now_ns = self._clock.now_ns()
        for watched in self._watched:
            market = watched.market
            book = market.book
            age_ns = now_ns - book.recv_ns
            if book.state is BookState.LIVE and age_ns > watched.max_age:
                market.lose(BookState.STALE)
                self._warn(f"{market.instrument.id}: no book update for {age_ns / 1e9:.1f} s, book is STALE")
            if watched.is_to_be_replaced(book.state is BookState.LIVE, now_ns):
                self._replace(market)
