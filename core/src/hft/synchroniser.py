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

from hft.book import Chain, DepthLayout, JsonSlice
from hft.clock import Clock, Timer
from hft.depth_path import DepthPath, new_gate, new_path
from hft.errors import DataError
from hft.market import Market
from hft.net.backoff import Backoff
from hft.types import BookState, quick

__all__ = ["Continuity", "Step", "Synchroniser"]

_MAX_BUFFERED = 20_000
"""Updates kept while a snapshot is awaited: half an hour of a 100 ms stream."""

_MAX_OLD = 1_000
"""Old updates in a row after which the exchange's numbering is taken to have begun anew: more than
the overlap of two connections or the lead of a snapshot ever brings."""

_STABLE_NS = 60_000_000_000
"""A book that was in step for this long starts its back-off from nothing; one that flaps does not."""

_IN_STREAM_NS = 10_000_000_000
"""How long a subscription may take to bring its snapshot before it is asked for again."""


@quick
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
    failure by `on_snapshot_failed`. One request is under way at a time, and those after the first are
    spaced by exponential back-off with jitter, for ever. Where snapshots arrive in the stream itself
    (``snapshots_in_stream``) asking means to subscribe again, updates before the snapshot are dropped
    instead of buffered, and a snapshot that does not come is asked for again.

    A snapshot makes the book LIVE at once only if it was asked for after the updates had begun to
    flow. Any other, such as the late answer to a question from before a disconnection, waits for an
    update that continues it: it may be older than what was missed.

    The book leaves LIVE, and `Market.on_book_lost` is called, before anybody could be told of the
    update that revealed the fault.
    """

    __slots__ = (
        "_backoff",
        "_bridged",
        "_bridges",
        "_buffer",
        "_clock",
        "_flowing",
        "_follows",
        "_gate",
        "_in_step_since_ns",
        "_late",
        "_old",
        "_old_id",
        "_requested",
        "_synced",
        "_timer",
        "_unsure",
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
        self._bridges, self._follows = continuity.bridges, continuity.follows
        self.request_snapshot = request_snapshot
        self.warn = warn
        self.snapshots_in_stream = snapshots_in_stream
        self.dropped = 0
        """Updates thrown away for want of a snapshot to apply them to."""
        self._clock = clock
        self._backoff = Backoff(random, initial_ns=500_000_000, maximum_ns=30_000_000_000)
        self._timer: Timer | None = None
        self._buffer: deque[_Delta] = deque()
        self._flowing = False  # updates are certain to reach us from here on
        self._synced = False  # the book holds a snapshot that updates can be related to
        self._bridged = False  # ... and an update has been applied to it
        self._unsure = False  # ... but none yet, and the snapshot may be older than what was missed
        self._requested = False  # an answer is under way
        self._late = False  # ... asked for before the last disconnection
        self._in_step_since_ns: int | None = None
        self._old = self._old_id = 0
        self._gate = new_gate()  # open only while every update that follows is to be applied at once

    def path(self, layout: DepthLayout, chain: Chain) -> DepthPath | None:
        """Make the short way for updates that are written by this layout; None where there is none.

        ``chain`` says of which updates the `Continuity` surely says NEXT.
        """
        return new_path(self.market, self._gate, layout, chain, self._on_crossed)

    def on_subscribed(self) -> None:
        """Begin: updates are certain to flow from now on, so a snapshot asked for now bridges."""
        self._flowing = True
        if self._synced and not self._unsure:
            return
        if not self.snapshots_in_stream:
            self._request()
        elif not self._requested and self._timer is None:
            self._requested = True
            self._timer = self._clock.call_later(_IN_STREAM_NS, self._on_overdue)

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
            self._keep((first_id, last_id, prev_id, bids, asks, exchange_ns, recv_ns))
            return
        market = self.market
        book = market.book
        relate = self._follows if self._bridged else self._bridges
        step = relate(book.update_id, first_id, last_id, prev_id)
        if step is Step.NEXT:
            trace = market.trace
            trace.decoded_ns = trace.now_ns()
            try:
                book.apply_delta(bids, asks)
            except DataError as error:
                self._restart(BookState.BROKEN, f"update {last_id} refused: {error}")
                return
            trace.applied_ns = trace.now_ns()
            trace.exchange_ns = exchange_ns
            if not self._bridged:
                self._bridge()
            book.update_id = last_id
            book.exchange_ns = exchange_ns
            book.recv_ns = recv_ns
            if book.is_crossed:
                self._on_crossed(last_id)
                return
            market.counters.book_updates += 1
            book.state = BookState.LIVE
            self._gate.open = True
            market.on_book(book)
        elif step is Step.GAP:
            delta = (first_id, last_id, prev_id, bids, asks, exchange_ns, recv_ns)
            reason = f"gap between update {book.update_id} and {first_id}"
            # A snapshot that was never relied on and turns out too old is no hole in the sequence.
            market.counters.gaps += not self._unsure
            self._restart(BookState.SYNCING, reason, delta)
        else:
            self._on_old(last_id)

    def on_snapshot(
        self, update_id: int, bids: JsonSlice, asks: JsonSlice, exchange_ns: int, recv_ns: int
    ) -> None:
        """Take a snapshot, and the buffered updates that follow it."""
        in_stream = self.snapshots_in_stream
        unsure = not in_stream and (self._late or not self._requested)
        if self._requested:
            self._forget_request()
        if self._synced and not self._unsure and not in_stream:
            return
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
        market.counters.book_updates += in_stream
        self._gate.open = False
        self._synced, self._bridged, self._unsure = True, False, unsure
        if not self._apply_buffer():
            return
        if book.is_crossed:
            self._restart(BookState.BROKEN, f"crossed after snapshot {update_id}")
            return
        if self._unsure:
            if self._flowing:
                market.lose(BookState.SYNCING)
                self._request()
            return
        self._get_in_step()
        book.state = BookState.LIVE
        market.on_book(book)

    def on_snapshot_failed(self) -> None:
        """Learn that the snapshot did not come; ask again after a while."""
        if not self._requested:
            return
        self._forget_request()
        if self._flowing and (not self._synced or self._unsure):
            self._request()

    def on_disconnect(self) -> None:
        """Learn that the connection broke: what it would have brought is missing."""
        self._lose(BookState.STALE)
        self._flowing = False
        self._stop_timer()
        if self.snapshots_in_stream:
            self._requested = False
        self._late = self._requested

    def on_corrupt(self, reason: str) -> None:
        """Learn from the plugin (a failed checksum, an update it cannot read) that the book is wrong."""
        self._restart(BookState.BROKEN, reason)

    def _on_crossed(self, last_id: int) -> None:
        self._restart(BookState.BROKEN, f"crossed after update {last_id}")

    def _keep(self, delta: _Delta) -> None:
        self._flowing = True
        if self.snapshots_in_stream:
            self.dropped += 1
        else:
            buffer = self._buffer
            if len(buffer) >= _MAX_BUFFERED:
                # Half a buffer cannot be bridged from its front: drop all of it, begin anew behind it.
                self.dropped += len(buffer)
                buffer.clear()
                self.warn(
                    f"{self.market.instrument.id}: dropped {_MAX_BUFFERED} updates for want of a snapshot"
                )
            buffer.append(delta)
        self._request()

    def _apply_buffer(self) -> bool:
        """Apply what was buffered; False when the snapshot has to be asked for again."""
        market = self.market
        book = market.book
        buffer = self._buffer
        while buffer:
            first_id, last_id, prev_id, bids, asks, exchange_ns, recv_ns = buffer[0]
            relate = self._follows if self._bridged else self._bridges
            step = relate(book.update_id, first_id, last_id, prev_id)
            if step is Step.GAP:
                # Unbridged: the snapshot is older than the oldest update kept. Bridged: a hole in
                # what was kept. Either way a newer snapshot can bridge to what is left.
                market.counters.gaps += self._bridged
                self._synced = False
                self._in_step_since_ns = None
                self._request()
                return False
            buffer.popleft()
            if step is Step.OLD:
                continue
            try:
                book.apply_delta(bids, asks)
            except DataError as error:
                self._restart(BookState.BROKEN, f"update {last_id} refused: {error}")
                return False
            if not self._bridged:
                self._bridge()
            book.update_id = last_id
            book.exchange_ns = exchange_ns
            book.recv_ns = max(book.recv_ns, recv_ns)  # mostly it came before the snapshot
            market.counters.book_updates += 1
        return True

    def _bridge(self) -> None:
        self._bridged = True
        self._unsure = False
        self._get_in_step()

    def _get_in_step(self) -> None:
        if self._in_step_since_ns is None:
            self._in_step_since_ns = self._clock.now_ns()
        self._stop_timer()

    def _on_old(self, last_id: int) -> None:
        book_id = self.market.book.update_id
        if book_id != self._old_id:
            self._old, self._old_id = 0, book_id
        self._old += 1
        if self._old >= _MAX_OLD:
            self._old = 0
            self._restart(BookState.SYNCING, f"updates went back from {book_id} to {last_id}")

    def _restart(self, state: BookState, reason: str, delta: _Delta | None = None) -> None:
        self._lose(state)
        self.warn(f"{self.market.instrument.id}: {reason}, synchronising again")
        if delta is not None:
            self._keep(delta)
        elif self._flowing or self.snapshots_in_stream:
            self._request()

    def _lose(self, state: BookState) -> None:
        if self._synced and not self._unsure:
            self.market.counters.resyncs += 1
        self._synced = self._bridged = self._unsure = self._gate.open = False
        self._buffer.clear()
        since_ns, self._in_step_since_ns = self._in_step_since_ns, None
        if since_ns is not None and self._clock.now_ns() - since_ns >= _STABLE_NS:
            self._backoff.reset()
        self.market.lose(state)

    def _request(self) -> None:
        """Ask for a snapshot, now or after the back-off; always the last thing done.

        The answer may come before the call returns.
        """
        if self._requested or self._timer is not None:
            return
        if self.market.book.state is not BookState.BROKEN:
            self.market.lose(BookState.SYNCING)
        delay_ns = self._backoff.next_ns()
        if delay_ns:
            self._timer = self._clock.call_later(delay_ns, self._ask)
        else:
            self._ask()

    def _ask(self) -> None:
        self._requested = True
        in_stream = self.snapshots_in_stream
        self._timer = self._clock.call_later(_IN_STREAM_NS, self._on_overdue) if in_stream else None
        self.request_snapshot()

    def _on_overdue(self) -> None:
        self._timer = None
        self.on_snapshot_failed()

    def _forget_request(self) -> None:
        self._requested = self._late = False
        self._stop_timer()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
