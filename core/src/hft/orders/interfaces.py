"""What the order manager needs of its neighbours."""

from __future__ import annotations

from typing import Protocol

from hft.events import Fill, Funding
from hft.instrument import Instrument
from hft.order import Order
from hft.orders.owner import Owner
from hft.types import Price, Size

__all__ = ["NO_JOURNAL", "Ledger", "NoJournal", "OrderJournal", "Owner"]


class Ledger(Protocol):
    """What the order manager needs of the ledger."""

    def on_fill(self, fill: Fill) -> bool:
        """Book a fill, once; return False for one that was booked before."""
        ...

    def on_funding(self, funding: Funding) -> bool:
        """Book a funding payment, once; return False for one that was booked before."""
        ...

    def position(self, instrument: Instrument) -> Size:
        """Return the position in signed lots."""
        ...


class OrderJournal(Protocol):
    """What the order manager needs of the journal.

    Intentions are with the operating system when the call returns, so that a later run knows of every
    request that may have been sent; they raise `OrderError` where that cannot be. The rest returns at
    once and raises nothing.
    """

    def intend_place(self, order: Order) -> None:
        """Note that an order is about to be sent."""
        ...

    def intend_amend(self, order: Order, price: Price, size: Size) -> None:
        """Note that a change of an order is about to be sent."""
        ...

    def intend_cancel(self, order: Order) -> None:
        """Note that a cancellation is about to be sent."""
        ...

    def order(self, order: Order) -> None:
        """Note an order as it is now, after its state changed."""
        ...

    def fill(self, fill: Fill) -> None:
        """Note a fill that was booked."""
        ...


class NoJournal:
    """Stands in where nothing has to outlive the process."""

    def intend_place(self, order: Order) -> None:
        """Forget it."""

    def intend_amend(self, order: Order, price: Price, size: Size) -> None:
        """Forget it."""

    def intend_cancel(self, order: Order) -> None:
        """Forget it."""

    def order(self, order: Order) -> None:
        """Forget it."""

    def fill(self, fill: Fill) -> None:
        """Forget it."""


NO_JOURNAL = NoJournal()
"""The one that stands in by itself: whoever asks for much may leave out telling it."""
