"""The replay in native code, for native books and fill models."""

from __future__ import annotations

from collections.abc import Sequence

from hft.book._native import NativeLoop, bind_loop
from hft.events import Quote, Trade
from hft.market import Channel
from hft.paper.native_clock import NativeClock
from hft.paper.replay import Replay, ReplayFeed

__all__ = ["NativeReplay"]


class NativeReplay(NativeLoop, Replay):
    """See `Replay`."""

    def __init__(self, clock: NativeClock, feeds: Sequence[ReplayFeed]) -> None:
        NativeLoop.__init__(self, clock, feeds)


bind_loop(Trade, Quote, Channel)
