"""How an order was worded, so that it can be told again in the same words."""

from __future__ import annotations

import attrs

from hft import OrderState
from hft.sim import ClientOrder, EndReason
from hft_binance.simulator.listing import Listing

__all__ = ["NativeOrder", "native", "status"]

_STATUS = {
    OrderState.PENDING_NEW: "PENDING_NEW",
    OrderState.NEW: "NEW",
    OrderState.PARTIALLY_FILLED: "PARTIALLY_FILLED",
    OrderState.FILLED: "FILLED",
    OrderState.CANCELED: "CANCELED",
    OrderState.REJECTED: "REJECTED",
    OrderState.EXPIRED: "EXPIRED",
}


@attrs.define(kw_only=True)
class NativeOrder:
    """The words of an order; ``cancel_id`` is the client's id of the request that canceled it."""

    listing: Listing
    type: str
    time_in_force: str = "GTC"
    self_trade: str = "NONE"
    cancel_id: str = ""
    quote_quantity: str = "0.00000000"
    stop_price: str = ""
    original_type: str = ""
    position_side: str = "BOTH"
    working_type: str = "CONTRACT_PRICE"
    price_match: str = "NONE"
    close_position: bool = False
    price_protect: bool = False
    good_till_ms: int = 0


def native(order: ClientOrder) -> NativeOrder:
    """Return the words of an order."""
    words = order.native
    assert isinstance(words, NativeOrder)
    return words


def status(order: ClientOrder) -> str:
    """Return the state of an order."""
    if order.state is OrderState.EXPIRED and order.end is EndReason.SELF_TRADE:
        return "EXPIRED_IN_MATCH"
    return _STATUS[order.state]
