"""Keep one book in step with its exchange's sequence: the one machine for all exchanges.

An exchange's plugin says how its updates chain (`Continuity`) and how to ask for a snapshot. The
machine buffers, bridges, applies, finds gaps and starts over by itself, for one instrument alone.
"""

from __future__ import annotations

import enum
import random
from collections import deque
from collections.abc import Callable
from typing import Protocol

from hft.book import JsonSlice
from hft.clock import Clock, Timer
from hft.errors import DataError
from hft.market import Market
from hft.net.backoff import Backoff
from hft.types import BookState

__all__ = ["Continuity", "Step", "Synchroniser"]

_MAX_BUFFERED = 20_000
"""Updates kept while a snapshot is awaited: half an hour of a 100 ms stream."""


_STABLE_NS = 60_000_000_000
"""A book that was LIVE for this long starts its back-off from nothing; one that flaps does not."""


class Step(enum.Enum):
    """How an update relates to the book as it is."""

    OLD = "old"
    """Already contained: ignore it."""
    NEXT = "next"
    """Follows: apply it."""
    GAP = "gap"
    """Something between is missing: start over."""


class Continuity(Protocol):
    """An exchange's rule for chaining updates; ids are 0 where the exchange has none."""

    def bridges(self, snapshot_id: int, first_id: int, last_id: int, prev_id: int) -> Step:
        """Relate the first update after a snapshot to it."""
        ...

    def follows(self, book_id: int, first_id: int, last_id: int, prev_id: int) -> Step:
        """Relate an update to the one applied before."""
        ...


_Delta = tuple[int, int, int, JsonSlice, JsonSlice, int, int]


class Synchroniser:
    """Applies one instrument's updates to its book, and keeps the book's state honest.

    ``request_snapshot`` asks the exchange for a snapshot; its answer comes back by `on_snapshot`, its
    failure by `on_snapshot_failed`. Requests after the first are spaced by exponential back-off with
    jitter, for ever. Where snapshots arrive in the stream itself (``snapshots_in_stream``) asking
    means to subscribe again, and updates before the snapshot are dropped instead of buffered.

    The book leaves LIVE, and `Market.on_book_lost` is called, before anybody could be told of the
    update that revealed the fault.
    """

    __slots__ = (
        "_backoff",
        "_bridged",
        "_buffer",
        "_clock",
        "_live_since_ns",
        "_requested",
        "_synced",
        "_timer",
        "continuity",
        "dropped",
        "market",
        "request_snapshot",
        "snapshots_in_stream",
        "warn",
    )

    def __init__(
        self,
        market: Market,
        continuity: Continuity,
        request_snapshot: Callable[[], None],
        *,
        clock: Clock,
        random: random.Random,
        warn: Callable[[str], None],
        snapshots_in_stream: bool = False,
    ) -> None:
        self.market = market
        self.continuity = continuity
        self.request_snapshot = request_snapshot
        self.warn = warn
        self.snapshots_in_stream = snapshots_in_stream
        self.dropped = 0
        self._clock = clock
        self._backoff = Backoff(random, initial_ns=500_000_000, maximum_ns=30_000_000_000)
        self._buffer: deque[_Delta] = deque()
        self._live_since_ns = 0
        self._synced = False
        self._bridged = False
        self._requested = False
        self._timer: Timer | None = None

    def on_subscribed(self) -> None:
        """Begin: updates are certain to flow from now on, so a snapshot asked for now bridges."""
        if not self._synced:
            self._request()

    def on_delta(
        self,
        first_id: int,
        last_id: int,
        prev_id: int,
        bids: JsonSlice,
        asks: JsonSlice,
        exchange_ns: int,
        recv_ns: int,
    ) -> None:
        """Take an update that covers the ids ``first_id`` to ``last_id`` and follows ``prev_id``."""
        if not self._synced:
            self._buffer_delta((first_id, last_id, prev_id, bids, asks, exchange_ns, recv_ns))
            return
        market = self.market
        book = market.book
        relate = self.continuity.follows if self._bridged else self.continuity.bridges
        step = relate(book.update_id, first_id, last_id, prev_id)
        if step is Step.NEXT:
            try:
                book.apply_delta(bids, asks)
            except DataError as error:
                self._restart(BookState.BROKEN, f"update {last_id} refused: {error}")
                return
            self._bridged = True
            book.update_id = last_id
            book.exchange_ns = exchange_ns
            book.recv_ns = recv_ns
            if book.is_crossed:
                self._restart(BookState.BROKEN, f"crossed after update {last_id}")
                return
            market.counters.book_updates += 1
            book.state = BookState.LIVE
            market.on_book(book)
        elif step is Step.GAP:
            market.counters.gaps += 1
            self._restart(BookState.SYNCING, f"gap between update {book.update_id} and {first_id}")
            self._buffer_delta((first_id, last_id, prev_id, bids, asks, exchange_ns, recv_ns))

    def on_snapshot(
        self, update_id: int, bids: JsonSlice, asks: JsonSlice, exchange_ns: int, recv_ns: int
    ) -> None:
        """Take a snapshot, and the buffered updates that follow it."""
        # An answer to a question from before a disconnection is older than what we wait for.
        if not self.snapshots_in_stream and (self._synced or not self._requested):
            return
        self._requested = False
        market = self.market
        book = market.book
        try:
            book.apply_snapshot(bids, asks)
        except DataError as error:
            self._restart(BookState.BROKEN, f"snapshot {update_id} refused: {error}")
            return
        book.update_id = update_id
        book.exchange_ns = exchange_ns
        book.recv_ns = recv_ns
        if self.snapshots_in_stream:
            market.counters.book_updates += 1
        self._synced, self._bridged = True, False
        if not self._apply_buffer():
            return
        if book.is_crossed:
            self._restart(BookState.BROKEN, f"crossed after snapshot {update_id}")
            return
        self._live_since_ns = self._clock.now_ns()
        book.state = BookState.LIVE
        market.on_book(book)

    def on_snapshot_failed(self) -> None:
        """Learn that the snapshot did not come; ask again after a while."""
        self._requested = False
        if not self._synced:
            self._request()

    def on_disconnect(self) -> None:
        """Learn that the connection broke: what it would have brought is missing."""
        self._synced, self._requested = False, False
        self._buffer.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.market.lose(BookState.STALE)

    def on_corrupt(self, reason: str) -> None:
        """Learn from the plugin (a failed checksum) that the book is wrong."""
        self._restart(BookState.BROKEN, reason)

    def _apply_buffer(self) -> bool:
        """Apply what was buffered; False when the snapshot has to be asked for again."""
        market = self.market
        book = market.book
        pending, self._buffer = self._buffer, deque()
        while pending:
            delta = pending.popleft()
            first_id, last_id, prev_id, bids, asks, exchange_ns, recv_ns = delta
            relate = self.continuity.follows if self._bridged else self.continuity.bridges
            step = relate(book.update_id, first_id, last_id, prev_id)
            if step is Step.OLD:
                continue
            if step is Step.GAP:
                # Unbridged: the snapshot is older than the oldest update kept. Bridged: a hole in
                # what was kept. Either way a newer snapshot can bridge to what is left.
                market.counters.gaps += self._bridged
                pending.appendleft(delta)
                self._synced, self._buffer = False, pending
                market.lose(BookState.SYNCING)
                self._request()
                return False
            try:
                book.apply_delta(bids, asks)
            except DataError as error:
                self._restart(BookState.BROKEN, f"update {last_id} refused: {error}")
                return False
            self._bridged = True
            book.update_id = last_id
            book.exchange_ns = exchange_ns
            book.recv_ns = recv_ns
            market.counters.book_updates += 1
        return True

    def _restart(self, state: BookState, reason: str) -> None:
        if self._synced:
            self.market.counters.resyncs += 1
        self._synced = False
        self._buffer.clear()
        self.market.lose(state)
        self.warn(f"{self.market.instrument.id}: {reason}, synchronising again")
        if self._clock.now_ns() - self._live_since_ns > _STABLE_NS:
            self._backoff.reset()
        self._request()

    def _buffer_delta(self, delta: _Delta) -> None:
        if self.snapshots_in_stream:
            self.dropped += 1
            self._request()
            return
        if len(self._buffer) >= _MAX_BUFFERED:
            # Half a buffer cannot be bridged from its front: drop all of it and begin anew behind it.
            self.dropped += len(self._buffer)
            self._buffer.clear()
            self.warn(f"{self.market.instrument.id}: no snapshot for {_MAX_BUFFERED} updates, dropped them")
        self._buffer.append(delta)
        self._request()

    def _request(self) -> None:
        if self._requested:
            return
        self._requested = True
        if self.market.book.state is not BookState.BROKEN:
            self.market.book.state = BookState.SYNCING
        delay_ns = self._backoff.next_ns()
        if delay_ns:
            self._timer = self._clock.call_later(delay_ns, self.request_snapshot)
        else:
            self.request_snapshot()
