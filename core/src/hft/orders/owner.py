"""Who placed an order."""

from __future__ import annotations

from hft.events import Fill
from hft.order import Order

__all__ = ["Owner"]


class Owner:
    """Who placed an order and wants to know what became of it.

    ``refusal`` says why no order of this owner may be sent any more; it is empty while one may.
    """

    __slots__ = ()

    name = ""
    refusal = ""

    def on_order(self, order: Order) -> None:
        """Learn that an order's state changed, other than by a request of one's own."""

    def on_fill(self, fill: Fill) -> None:
        """Learn of a fill; ledger and order have it already."""
