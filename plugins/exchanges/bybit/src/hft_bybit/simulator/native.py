"""How an order was worded, so that it can be told again in the same words."""

from __future__ import annotations

import attrs

from hft import OrderState
from hft.sim import ClientOrder, EndReason
from hft_bybit.endpoints import Product
from hft_bybit.simulator.listing import Listing

__all__ = ["HIDDEN", "NativeOrder", "cancel_type", "link_id", "native", "reject_reason", "status"]

HIDDEN = "~"
"""How ids begin that an order has here although its client gave it none."""

_STATUS = {
    OrderState.NEW: "New",
    OrderState.PARTIALLY_FILLED: "PartiallyFilled",
    OrderState.FILLED: "Filled",
    OrderState.REJECTED: "Rejected",
}

_REASONS = {
    EndReason.CLIENT: ("CancelByUser", "EC_PerCancelRequest"),
    EndReason.IMMEDIATE: ("UNKNOWN", "EC_NoImmediateQtyToFill"),
    EndReason.NO_LIQUIDITY: ("UNKNOWN", "EC_NoImmediateQtyToFill"),
    EndReason.FILL_OR_KILL: ("UNKNOWN", "EC_CancelForNoFullFill"),
    EndReason.SELF_TRADE: ("CancelBySmp", "EC_NoError"),
    EndReason.REDUCE_ONLY: ("CancelByReduceOnly", "EC_NoError"),
    EndReason.LIQUIDATION: ("CancelByPrepareLiq", "EC_NoError"),
    EndReason.EXCHANGE: ("CancelByAdmin", "EC_NoError"),
}


@attrs.define(kw_only=True)
class NativeOrder:
    """The words of an order; ``cap`` is the limit that the exchange sets to a market order."""

    listing: Listing
    type: str
    time_in_force: str
    cap: str = "0"
    smp: str = "None"
    position_idx: int = 0
    trigger_price: str = ""
    trigger_direction: int = 0
    trigger_by: str = ""
    market_unit: str = ""
    order_filter: str = "Order"
    by_dead_man: bool = False


def native(order: ClientOrder) -> NativeOrder:
    """Return the words of an order."""
    words = order.native
    assert isinstance(words, NativeOrder)
    return words


def link_id(order: ClientOrder) -> str:
    """Return the client's own id of an order, empty where it gave none."""
    return "" if order.client_id.startswith(HIDDEN) else order.client_id


def status(order: ClientOrder) -> str:
    """Return the state of an order."""
    if order.trigger is not None and not order.working_ns:
        return "Deactivated" if order.state.is_final else "Untriggered"
    if order.state in _STATUS:
        return _STATUS[order.state]
    partly = order.filled and native(order).listing.product is Product.SPOT
    return "PartiallyFilledCanceled" if partly else "Cancelled"


def cancel_type(order: ClientOrder) -> str:
    """Return by whom an order was ended."""
    if native(order).by_dead_man and order.end is EndReason.EXCHANGE:
        return "CancelByDCP"
    return "UNKNOWN" if order.end is None else _REASONS.get(order.end, ("UNKNOWN", ""))[0]


def reject_reason(order: ClientOrder) -> str:
    """Return why an order was ended."""
    if order.end is EndReason.NOT_COVERED:
        return "EC_PostOnlyWillTakeLiquidity" if order.post_only else "EC_Others"
    return "EC_NoError" if order.end is None else _REASONS.get(order.end, ("", "EC_NoError"))[1]
