"""Where in the queue of its price our order stands: what to make of a level that changed."""

from __future__ import annotations

from abc import ABC, abstractmethod

from hft.paper.config import QueueModelName

__all__ = ["QueueModel", "RiskAverseQueue", "new_queue_model"]


class QueueModel(ABC):
    """Guesses how many lots stand ahead of our order after its price level was shown anew.

    Trades are not guessed: the fill model takes them off before it asks. What is left to guess is
    whether lots that vanished without a trade stood ahead of us or behind.
    """

    @abstractmethod
    def ahead(self, ahead: int, shown_before: int, shown: int, traded: int) -> int:
        """Return the lots ahead now.

        ``ahead`` is what was ahead after the trades, ``shown_before`` and ``shown`` are the level's
        size in the previous update and in this one, ``traded`` what traded at the price between the
        two. Our own orders are in none of them. The fill model never lets the result exceed
        ``ahead``: nobody gets in front of an order that waits.
        """


class RiskAverseQueue(QueueModel):
    """Lots vanish behind us as long as there are any: only trades and a shorter level move us forward.

    The most careful of the models of hftbacktest (``RiskAverseQueueModel``). It needs to know nothing
    about the trades, so that a trade that was taken off already is not taken off again.
    """

    def ahead(self, ahead: int, shown_before: int, shown: int, traded: int) -> int:
        return min(ahead, shown)


_MODELS: dict[QueueModelName, type[QueueModel]] = {QueueModelName.RISK_AVERSE: RiskAverseQueue}


def new_queue_model(name: QueueModelName) -> QueueModel:
    """Make the queue model that a profile names."""
    return _MODELS[name]()
