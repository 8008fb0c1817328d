"""Take the fastest implementation there is: the native one where the book is native."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hft.book import BOOK, OrderBook
from hft.clock import SimulatedClock
from hft.paper.fill_model import FillModel
from hft.paper.queue import QueueModel

if TYPE_CHECKING:
    from hft.paper.replay import Replay, ReplayFeed

__all__ = ["new_clock", "new_fill_model", "new_replay"]


def new_clock(start_ns: int = 0) -> SimulatedClock:
    """Make the clock of a backtest."""
    if BOOK.name == "native":
        from hft.paper.native_clock import NativeClock

        return NativeClock(start_ns)
    return SimulatedClock(start_ns)


def new_fill_model(book: OrderBook, queue: QueueModel) -> FillModel:
    """Make the fill model of a book; a queue model of one's own is asked by the one in Python."""
    if BOOK.name == "native":
        from hft.book.native_book import NativeBook
        from hft.paper.native_fill_model import NativeFillModel

        if isinstance(book, NativeBook) and NativeFillModel.knows(queue):
            return NativeFillModel(book, queue)
    return FillModel(book, queue)


def new_replay(clock: SimulatedClock, feeds: Sequence[ReplayFeed]) -> Replay:
    """Make the replay of feeds, whose fill models are of `new_fill_model`, by a clock of `new_clock`."""
    # Imported here: columns take numpy, which dry-run does without.
    from hft.paper.replay import Replay

    if BOOK.name == "native":
        from hft.paper.native_clock import NativeClock
        from hft.paper.native_fill_model import NativeFillModel
        from hft.paper.native_replay import NativeReplay

        if isinstance(clock, NativeClock) and all(isinstance(feed.model, NativeFillModel) for feed in feeds):
            return NativeReplay(clock, feeds)
    return Replay(clock, feeds)
