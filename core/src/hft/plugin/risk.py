"""The interface of risk rules: each looks at every order before it is sent."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import final

import attrs

from hft.instrument import Instrument, InstrumentId
from hft.market import Market
from hft.order import Order
from hft.plugin.config import ConfigT, Configured
from hft.types import Size

__all__ = ["APPROVED", "Approved", "Refused", "RiskRule", "RiskView", "Verdict"]


@final
@attrs.frozen
class Approved:
    """The order may be sent as far as this rule is concerned."""


@final
@attrs.frozen
class Refused:
    """The order may not be sent; ``reason`` says why, with the figures."""

    reason: str


Verdict = Approved | Refused
APPROVED = Approved()


class RiskView(ABC):
    """What a rule may look at. Positions are signed lots, long positive."""

    @abstractmethod
    def instrument(self, instrument_id: InstrumentId) -> Instrument:
        """Return an instrument of this run; raise `UsageError` if the run does not have it."""

    @abstractmethod
    def market(self, instrument: Instrument) -> Market:
        """Return the book and counters of an instrument."""

    @abstractmethod
    def position(self, instrument: Instrument) -> Size:
        """Return the position as the ledger has it."""

    @abstractmethod
    def open_orders(self, instrument: Instrument) -> Sequence[Order]:
        """Return the orders that may still trade, UNKNOWN ones included."""

    @abstractmethod
    def worst_case_position(self, order: Order) -> Size:
        """Return the position if this order and every open order of its side filled.

        Of the two possible extremes it is the one that the order moves: a buy is judged by the
        longest position possible, a sell by the shortest. An amendment is judged by the larger of
        what the order was and what it is to be.
        """


class RiskRule(Configured[ConfigT], ABC):
    """Approves or refuses one order at a time, before it is sent.

    Rules run in the order of the profile; the first refusal ends the chain. `check` is on the hot
    path: pure, no I/O, no awaiting, no logging, and quick (a microsecond or two). A rule that raises
    refuses the order and halts trading: what cannot be checked is not sent. A verdict is `APPROVED`
    or `Refused`, never None.

    ::

        class MaxOrderSize(RiskRule[Config]):
            def check(self, order, view):
                if order.size > self.limit:
                    return Refused(f"size is {order.size}, limit is {self.limit}")
                return APPROVED
    """

    def __init__(self, config: ConfigT) -> None:
        self.config = config

    def on_start(self, view: RiskView) -> None:
        """Prepare once the instruments are known: turn decimals of the profile into lots and ticks.

        Raise `UsageError` for a limit that cannot be held.
        """

    @abstractmethod
    def check(self, order: Order, view: RiskView) -> Verdict:
        """Judge a new order, or an open one with the price and size it is to have."""
