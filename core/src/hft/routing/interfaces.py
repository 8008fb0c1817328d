"""What the router needs of the order manager."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hft.instrument import Instrument
from hft.order import Order
from hft.types import Price, Side, Size, TimeInForce

__all__ = ["Orders", "Place"]


class Place(Protocol):
    """Sends an order of one strategy; what is refused is returned in state REJECTED and told later."""

    def __call__(
        self,
        instrument: Instrument,
        side: Side,
        size: Size,
        price: Price | None = None,
        *,
        time_in_force: TimeInForce = TimeInForce.GTC,
    ) -> Order: ...


class Orders(Protocol):
    """What the router needs of the order manager beside sending."""

    def cancel(self, order: Order) -> None:
        """Cancel an order; do nothing if it is final or going."""
        ...

    def open_orders(self, instrument: Instrument) -> Sequence[Order]:
        """Return the orders of the whole process that may still trade."""
        ...
