"""Latency measured always: a histogram of logarithmic buckets that costs a list increment."""

from __future__ import annotations

import enum
from array import array
from collections.abc import Callable

from hft.primitives import bit_length, copied, elapsed
from hft.stamps import Moments, Stamps

__all__ = ["UNTRACED", "Histogram", "Stage", "Stamps", "Trace", "acknowledge", "stamp"]

_SUB_BITS = 5
"""Each power of two is cut into 32 buckets: a reported value is at most 1/32 above the true one."""

_SUB = 1 << _SUB_BITS
_BUCKETS = (64 - _SUB_BITS) * _SUB
_MOST_NS = (1 << 63) - 1


class Histogram:
    """Counts of nanosecond values in buckets of about 3 % width, as HdrHistogram keeps them.

    Recording is one bit_length, one shift and one increment; memory is fixed. Values below 0 count as 0,
    since clocks differ, and those above 292 years as that: an exchange's time may be any number.
    """

    __slots__ = ("_counts", "count", "maximum_ns")

    def __init__(self) -> None:
        self._counts = array("q", bytes(8 * _BUCKETS))
        self.count = 0
        self.maximum_ns = 0

    def record(self, value_ns: int) -> None:
        """Count one value."""
        # Comparisons, not min() and max(): those are calls, each twice as dear as all of this.
        if value_ns < 0:
            self.add(0)
        elif value_ns > _MOST_NS:
            self.add(_MOST_NS)
        else:
            self.add(value_ns)

    def add(self, counted_ns: int) -> None:
        """Count one value that is neither negative nor too large."""
        at = counted_ns
        if counted_ns >= 2 * _SUB:
            shift = bit_length(counted_ns) - _SUB_BITS - 1
            at = (shift << _SUB_BITS) + (counted_ns >> shift)
        self._counts[at] += 1
        self.count = self.count + 1
        if counted_ns > self.maximum_ns:
            self.maximum_ns = counted_ns

    def percentile_ns(self, percent: float) -> int | None:
        """Return a value that ``percent`` of the values do not exceed, None before the first."""
        if not self.count:
            return None
        wanted = self.count * percent / 100
        seen = 0
        for index, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                return min(_upper_bound(index), self.maximum_ns)
        return self.maximum_ns


def _upper_bound(index: int) -> int:
    if index < 2 * _SUB:
        return index
    shift = (index >> _SUB_BITS) - 1
    return ((index - (shift << _SUB_BITS) + 1) << shift) - 1


class Stage(enum.StrEnum):
    """A stretch of the way from an exchange's book to its answer to an order."""

    FEED = "feed"
    """From the exchange's time to the arrival of the frame: the network, and the error of both clocks."""
    DECODE = "decode"
    BOOK = "book"
    STRATEGY = "strategy"
    """From the book, or the order before it, to the strategy's order."""
    RISK = "risk"
    SEND = "send"
    ACKNOWLEDGE = "acknowledge"


class _Stages:
    """A histogram of each stage, and how a request is counted in them."""

    __slots__ = ("acknowledge", "book", "decode", "feed", "risk", "send", "strategy", "tick_to_order")

    def __init__(self) -> None:
        self.tick_to_order = Histogram()
        self.feed = Histogram()
        self.decode = Histogram()
        self.book = Histogram()
        self.strategy = Histogram()
        self.risk = Histogram()
        self.send = Histogram()
        self.acknowledge = Histogram()

    def count(self, stamps: Stamps, arrived_ns: int, since_ns: int) -> None:
        """Count a request whose frame arrived then, and that the strategy could begin with since then."""
        self.tick_to_order.add(elapsed(stamps.written_ns, stamps.recv_ns))
        if stamps.exchange_ns:
            self.feed.add(elapsed(arrived_ns, stamps.exchange_ns))
        if stamps.applied_ns:
            self.decode.add(elapsed(stamps.decoded_ns, stamps.recv_ns))
            self.book.add(elapsed(stamps.applied_ns, stamps.decoded_ns))
        if since_ns:
            self.strategy.add(elapsed(stamps.decided_ns, since_ns))
        self.count_sending(stamps)

    def count_sending(self, stamps: Stamps) -> None:
        """Count a request that answers to no frame."""
        approved_ns = stamps.approved_ns
        if approved_ns:
            self.risk.add(elapsed(approved_ns, stamps.decided_ns))
            self.send.add(elapsed(stamps.written_ns, approved_ns))
        else:
            self.send.add(elapsed(stamps.written_ns, stamps.decided_ns))

    def by_name(self) -> dict[Stage, Histogram]:
        """Return the histograms of the stages, in the order of the way."""
        return {
            Stage.FEED: self.feed,
            Stage.DECODE: self.decode,
            Stage.BOOK: self.book,
            Stage.STRATEGY: self.strategy,
            Stage.RISK: self.risk,
            Stage.SEND: self.send,
            Stage.ACKNOWLEDGE: self.acknowledge,
        }


_UNSTAMPED = Stamps(0, 0, 0, 0, 0, 0, 0, 0)


class Trace(Moments):
    """Stamps every order with the times of its causes, and counts how long each stage took.

    Whoever gets to a point of the path sets the plain attribute that is named after it, by ``now_ns``:
    ``exchange_ns``, ``decoded_ns`` and ``applied_ns`` the synchroniser, ``decided_ns`` and ``approved_ns``
    the order manager. A frame that causes no order costs two looks at the clock. What is counted is counted
    when the frame has been handled, and so costs no order its time. ``tick_to_order`` is the time from the
    arrival of a frame to the return of the call that sent an order; what a timer caused answers to no frame.

    Frames of a recording were received long ago: with ``replay_ns``, the recording's clock, their time counts
    from when they are handled, and that of acknowledgements by that clock.
    """

    __slots__ = ()

    def __init__(self, now_ns: Callable[[], int], *, replay_ns: Callable[[], int] | None = None) -> None:
        self.now_ns = now_ns
        self._stages = _Stages()
        self.tick_to_order = self._stages.tick_to_order
        self.stages = self._stages.by_name()
        self.exchange_ns = self.recv_ns = self.decoded_ns = self.applied_ns = 0
        self.decided_ns = self.approved_ns = 0
        self._replay_ns = replay_ns
        self._arrived_ns = 0
        self._last_ns = 0
        self._pending: list[tuple[Stamps, int, int]] = []

    def begin(self, recv_ns: int) -> None:
        """A frame that was received at ``recv_ns`` is about to be handled."""
        self._arrived_ns = recv_ns
        self.recv_ns = recv_ns if self._replay_ns is None else self.now_ns()
        self.exchange_ns = self.decoded_ns = self.applied_ns = self._last_ns = 0

    def end(self) -> None:
        """The frame has been handled."""
        self.recv_ns = 0
        if self._pending:
            self._count()

    def sent(self) -> Stamps:
        """An order, amendment or cancellation was handed to the exchange: return its stamps."""
        return stamp(self)

    def acknowledged(self, stamps: Stamps, recv_ns: int) -> None:
        """The exchange's answer to a request arrived; only the first is counted."""
        acknowledge(self, stamps, recv_ns)

    def _count(self) -> None:
        stages: _Stages = self._stages
        for stamps, arrived_ns, since_ns in self._pending:
            stages.count(stamps, arrived_ns, since_ns)
        self._pending.clear()


# Functions, to which a trace is no more than its moments: to find a method by its name costs as much as this.


def stamp(trace: Moments) -> Stamps:
    """Do what `Trace.sent` says."""
    stages: _Stages = trace._stages
    stamps = copied(_UNSTAMPED)
    stamps.decided_ns = trace.decided_ns
    stamps.approved_ns = trace.approved_ns
    stamps.written_ns = written_ns = trace.now_ns()
    stamps.sent_ns = written_ns if trace._replay_ns is None else trace._replay_ns()
    if not trace.recv_ns:
        stages.count_sending(stamps)
        return stamps
    stamps.exchange_ns = trace.exchange_ns
    stamps.recv_ns = trace.recv_ns
    stamps.decoded_ns = trace.decoded_ns
    stamps.applied_ns = trace.applied_ns
    trace._pending.append((stamps, trace._arrived_ns, trace._last_ns or trace.applied_ns))
    trace._last_ns = written_ns
    return stamps


def acknowledge(trace: Moments, stamps: Stamps, recv_ns: int) -> None:
    """Do what `Trace.acknowledged` says."""
    if not stamps.acknowledged_ns:
        stamps.acknowledged_ns = recv_ns
        stages: _Stages = trace._stages
        stages.acknowledge.add(elapsed(recv_ns, stamps.sent_ns))


UNTRACED = Trace(lambda: 0)
"""Takes the stamps of what belongs to no run."""
