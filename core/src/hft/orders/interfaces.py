"""What the order manager needs of its neighbours."""

from __future__ import annotations

from typing import Protocol

from hft.events import Fill
from hft.instrument import Instrument
from hft.order import Order
from hft.plugin.execution import ApprovedOrder
from hft.plugin.risk import Refused
from hft.types import Price, Size

__all__ = ["ClosedGate", "Ledger", "Owner", "RiskGate"]


class Owner(Protocol):
    """Who placed an order and wants to know what became of it.

    ``refusal`` says why no order of this owner may be sent any more; it is empty while one may.
    """

    name: str
    refusal: str

    def on_order(self, order: Order) -> None:
        """Learn that an order's state changed, other than by a request of one's own."""
        ...

    def on_fill(self, fill: Fill) -> None:
        """Learn of a fill; ledger and order have it already."""
        ...


class Ledger(Protocol):
    """What the order manager needs of the ledger."""

    def on_fill(self, fill: Fill) -> None:
        """Book a fill."""
        ...

    def position(self, instrument: Instrument) -> Size:
        """Return the position in signed lots."""
        ...


class RiskGate(Protocol):
    """What the order manager needs of the risk engine: the only source of approved orders."""

    def approve(self, order: Order) -> ApprovedOrder | Refused:
        """Judge a new order."""
        ...

    def approve_amendment(self, order: Order, price: Price, size: Size) -> ApprovedOrder | Refused:
        """Judge an open order as it is to be."""
        ...


class ClosedGate:
    """Stands in until there is a risk engine: nothing is sent unjudged."""

    def approve(self, order: Order) -> ApprovedOrder | Refused:
        return Refused("risk: there is no risk engine")

    def approve_amendment(self, order: Order, price: Price, size: Size) -> ApprovedOrder | Refused:
        return Refused("risk: there is no risk engine")
