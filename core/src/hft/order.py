"""One of our orders, from intent to its final state."""

from __future__ import annotations

import attrs

from hft.instrument import Instrument
from hft.types import OrderState, OrderType, Price, Side, Size, TimeInForce

__all__ = ["Order"]


@attrs.define(kw_only=True, eq=False)
class Order:
    """An order and what is known of it; only the order manager changes it.

    ``size`` is the whole size in lots, ``filled`` what has traded of it. ``price`` is None for
    market orders. ``strategy`` is the profile key of the strategy that owns it. ``exchange_ns`` and
    ``recv_ns`` belong to the event that caused it (0 for a timer).
    """

    client_order_id: str
    strategy: str
    instrument: Instrument
    side: Side
    size: Size
    price: Price | None
    type: OrderType = OrderType.LIMIT
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    reduce_only: bool = False
    state: OrderState = OrderState.PENDING_NEW
    filled: Size = Size(0)
    exchange_order_id: str = ""
    reason: str = ""
    created_ns: int = 0

    @property
    def remaining(self) -> Size:
        """Lots that may still trade."""
        return Size(self.size - self.filled)

    @property
    def is_open(self) -> bool:
        """Whether it may still trade; UNKNOWN counts, since nothing says it may not."""
        return not self.state.is_final
