"""The words in which an order was given to the simulated OKX, and how the exchange names what it is now."""

from __future__ import annotations

import attrs

from hft import OrderState
from hft.sim import ClientOrder, EndReason, Leg
from hft_okx.simulator.listing import Listing

__all__ = ["POSITION_SIDES", "NativeOrder", "cancel_source", "kind", "native", "state"]

POSITION_SIDES = {Leg.NET: "net", Leg.LONG: "long", Leg.SHORT: "short"}

_STATES = {
    OrderState.PENDING_NEW: "live",
    OrderState.NEW: "live",
    OrderState.PARTIALLY_FILLED: "partially_filled",
    OrderState.FILLED: "filled",
}
_SOURCES = {
    EndReason.CLIENT: "1",
    EndReason.IMMEDIATE: "14",
    EndReason.NO_LIQUIDITY: "14",
    EndReason.FILL_OR_KILL: "13",
    EndReason.SELF_TRADE: "32",
    EndReason.NOT_COVERED: "31",
    EndReason.REDUCE_ONLY: "0",
    EndReason.DATE: "5",
    EndReason.LIQUIDATION: "2",
    EndReason.EXCHANGE: "20",
}


@attrs.define(kw_only=True)
class NativeOrder:
    """What the exchange says of an order that the desk does not need to know."""

    listing: Listing
    type: str
    trade_mode: str
    client_id: str = ""
    """As it was given: empty where the client gave none."""
    tag: str = ""
    target: str = ""
    stp_mode: str = "cancel_maker"
    category: str = "normal"
    request_id: str = ""
    """Of the amendment that is being carried out."""
    is_shrunk: bool = False
    """Whether it ended by an amendment to what had traded already, which counts as filled."""


def native(order: ClientOrder) -> NativeOrder:
    """Return an order's words."""
    assert isinstance(order.native, NativeOrder)
    return order.native


def kind(order: ClientOrder) -> str:
    """Return an order's ``instType``: spot that trades on margin is of another one."""
    words = native(order)
    return "MARGIN" if not words.listing.is_swap and words.trade_mode != "cash" else words.listing.type


def state(order: ClientOrder) -> str:
    """Return the name of an order's state."""
    if native(order).is_shrunk:
        return "filled"
    return _STATES.get(order.state, "canceled")


def cancel_source(order: ClientOrder) -> str:
    """Return the number of the reason for which an order ended."""
    if order.end is None or native(order).is_shrunk:
        return ""
    return _SOURCES[order.end]
