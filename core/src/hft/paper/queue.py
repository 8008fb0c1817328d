"""Where in the queue of its price our order stands: what to make of a level that changed."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

from hft.instrument import Instrument
from hft.paper.config import PaperConfig, QueueModelName

__all__ = ["L3Queue", "LogQueue", "PowerQueue", "QueueModel", "RiskAverseQueue", "new_queue_model"]


class QueueModel(ABC):
    """Guesses how many lots stand ahead of our order after its price level was shown anew.

    Trades are not guessed: the fill model takes them off before it asks. What is left to guess is
    whether lots that vanished without a trade stood ahead of us or behind. The place is an estimate, and may
    be a fraction of a lot.
    """

    @abstractmethod
    def ahead(self, ahead: float, shown_before: int, shown: int, traded: int) -> float:
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

    def ahead(self, ahead: float, shown_before: int, shown: int, traded: int) -> float:
        return min(ahead, shown)


class ProbabilisticQueue(QueueModel):
    """Lots vanish ahead of us and behind us with a probability that depends on how many stand where.

    The ``ProbQueueModel`` of hftbacktest, after R. Fernandez-Tapia and others: of the lots that vanished
    without a trade the share `weight` gives stood behind us, as far as so many stood there at all.
    """

    @abstractmethod
    def weight(self, lots: float) -> float:
        """Return the weight of so many lots, by which those ahead and behind share what vanishes."""

    def ahead(self, ahead: float, shown_before: int, shown: int, traded: int) -> float:
        gone = shown_before - shown - traded
        if gone <= 0 or not ahead:
            return min(ahead, shown)
        behind = max(0.0, shown_before - ahead)
        back = self.weight(behind)
        both = back + self.weight(ahead)
        share = back / both if both else 0.0
        left = ahead - (1.0 - share) * gone + min(behind - share * gone, 0.0)
        return min(max(0.0, left), shown)


class PowerQueue(ProbabilisticQueue):
    """``behind^n / (behind^n + ahead^n)``: ``PowerProbQueueModel`` of hftbacktest."""

    def __init__(self, exponent: float) -> None:
        self.exponent = exponent

    def weight(self, lots: float) -> float:
        return math.pow(lots, self.exponent)


class LogQueue(ProbabilisticQueue):
    """``log(1 + behind) / (log(1 + behind) + log(1 + ahead))``: ``LogProbQueueModel`` of hftbacktest.

    Both are sizes as the exchange states them, ``lot`` a lot: by the formula it matters in what one counts.
    """

    def __init__(self, lot: float) -> None:
        self.lot = lot

    def weight(self, lots: float) -> float:
        return math.log(1.0 + lots * self.lot)


class L3Queue(QueueModel):
    """Nothing is guessed: the fill model is told of every order that leaves, where the data have them.

    The ``L3FIFOQueueModel`` of hftbacktest is of the same kind.
    """

    def ahead(self, ahead: float, shown_before: int, shown: int, traded: int) -> float:
        return ahead


def new_queue_model(config: PaperConfig, instrument: Instrument) -> QueueModel:
    """Make the queue model that a profile names, for an instrument."""
    match config.queue:
        case QueueModelName.RISK_AVERSE:
            return RiskAverseQueue()
        case QueueModelName.POWER:
            return PowerQueue(float(config.queue_power))
        case QueueModelName.LOG:
            return LogQueue(float(instrument.lot_size))
        case QueueModelName.L3:
            return L3Queue()
