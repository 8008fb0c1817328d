"""The fill model in native code, for native books."""

from __future__ import annotations

from hft.book._native import NativeFills, bind_fills
from hft.book.native_book import NativeBook
from hft.paper.fill_model import Arrival, FillModel, Match, Outcome
from hft.paper.queue import L3Queue, LogQueue, PowerQueue, QueueModel, RiskAverseQueue
from hft.types import Liquidity, TimeInForce

__all__ = ["NativeFillModel"]

_KINDS: dict[type[QueueModel], int] = {RiskAverseQueue: 0, PowerQueue: 1, LogQueue: 2, L3Queue: 3}


class NativeFillModel(NativeFills, FillModel):
    """See `FillModel`."""

    def __init__(self, book: NativeBook, queue: QueueModel) -> None:
        parameter = 0.0
        if isinstance(queue, PowerQueue):
            parameter = queue.exponent
        elif isinstance(queue, LogQueue):
            parameter = queue.lot
        NativeFills.__init__(self, book, queue, _KINDS[type(queue)], parameter)

    @staticmethod
    def knows(queue: QueueModel) -> bool:
        """Return whether this is a queue model that is there in native code."""
        return type(queue) in _KINDS


bind_fills(Match, Arrival, Outcome, Liquidity, TimeInForce)
