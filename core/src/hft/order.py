"""One of our orders, from intent to its final state."""

from __future__ import annotations

import attrs

from hft.instrument import Instrument
from hft.latency import Stamps
from hft.types import OrderState, OrderType, PositionSide, Price, Side, Size, TimeInForce

__all__ = ["Order", "OrderRequest"]


@attrs.define(kw_only=True, eq=False)
class Order:
    """An order and what is known of it; only the order manager changes it.

    ``size`` is the whole size in lots, ``filled`` what has traded of it. ``price`` is None for
    market orders. ``trigger_price`` is where a stop becomes active, None for what is no stop;
    ``expire_ns`` when a GTD order ends by itself, 0 for all others. ``position_side`` says which position
    it changes in hedge mode. ``strategy`` is the profile key of the strategy that owns it.
    ``pending_price`` and
    ``pending_size`` are what an amendment under way asks for, None while there is none. ``replaces``
    is the client id of the order this one follows, where the exchange cannot amend. ``final_filled`` is how
    many lots the exchange said have traded in all when it ended the order, None while it has not or where
    it did not say. ``reason`` says
    why it, or the last request about it, was refused. ``acknowledged`` says whether the exchange has
    shown that it had the order. ``created_ns`` is when it was made, ``stamps`` when the newest request about
    it came about, None while nothing was sent.
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
    trigger_price: Price | None = None
    expire_ns: int = 0
    position_side: PositionSide = PositionSide.BOTH
    state: OrderState = OrderState.PENDING_NEW
    filled: Size = Size(0)
    pending_price: Price | None = None
    pending_size: Size | None = None
    acknowledged: bool = False
    exchange_order_id: str = ""
    replaces: str = ""
    final_filled: Size | None = None
    reason: str = ""
    created_ns: int = 0
    stamps: Stamps | None = None

    @property
    def remaining(self) -> Size:
        """Lots that may still trade, an amendment under way left aside."""
        return Size(self.size - self.filled)

    @property
    def largest_size(self) -> Size:
        """The whole size in lots, or that of an amendment under way if that is larger."""
        pending = self.pending_size
        return self.size if pending is None or pending < self.size else pending

    @property
    def is_open(self) -> bool:
        """Whether it may still trade; UNKNOWN counts, since nothing says it may not."""
        return not self.state.is_final

    @property
    def is_settled(self) -> bool:
        """Whether no further fill can be on its way: it ended, and the exchange said with how much filled."""
        if self.state is OrderState.FILLED or self.state is OrderState.REJECTED:
            return True
        return self.state.is_final and self.final_filled is not None and self.filled >= self.final_filled


@attrs.frozen(kw_only=True)
class OrderRequest:
    """One order of a batch; for its parts see `Order`."""

    side: Side
    size: Size
    price: Price | None = None
    type: OrderType = OrderType.LIMIT
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    reduce_only: bool = False
    trigger_price: Price | None = None
    expire_ns: int = 0
    position_side: PositionSide = PositionSide.BOTH
