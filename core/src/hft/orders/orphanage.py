"""The owner of orders whose strategy no longer runs."""

from __future__ import annotations

from hft.events import Fill
from hft.order import Order
from hft.orders.owner import Owner

__all__ = ["Orphanage"]


class Orphanage(Owner):
    """Owns what an earlier run left and nobody wants; its orders are cancelled, their fills are booked."""

    refusal = "orphan: its strategy no longer runs"

    def __init__(self, name: str = "") -> None:
        self.name = name

    def on_order(self, order: Order) -> None:
        """Nothing follows from it."""

    def on_fill(self, fill: Fill) -> None:
        """Nothing follows from it: ledger and journal have it."""
