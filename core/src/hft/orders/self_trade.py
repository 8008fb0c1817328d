"""Self-trade prevention: no order is sent that could trade with another one of this process."""

from __future__ import annotations

import enum
from collections.abc import Callable

from hft.order import Order
from hft.orders.desk import Desk
from hft.types import OrderState, OrderType, Price, Side

__all__ = ["SelfTradeGuard", "SelfTradePolicy"]


class SelfTradePolicy(enum.Enum):
    """What happens to an order that would trade with one of our own, whichever strategy placed that."""

    REFUSE = "refuse"
    CANCEL_RESTING = "cancel-resting"
    """It is refused as well, and what it would have met is cancelled: once that is gone it can be sent."""
    ALLOW = "allow"


# Bound once: a member of an enum is looked up in 40 ns where that is compiled.
_BUY = Side.BUY
_ALLOW = SelfTradePolicy.ALLOW
_LIMIT = OrderType.LIMIT


class SelfTradeGuard:
    """Says of a new order or amendment whether it would meet one of ours on the other side.

    Looks at every order that may still trade, also one that is under way, UNKNOWN or being cancelled, and
    of an amendment under way at both prices. What waits for a trigger is in no book and meets nothing.
    ``cancel`` takes an order that has to go. Nothing of ours on the other side costs one comparison.
    """

    __slots__ = ("_cancel", "policy")

    def __init__(self, policy: SelfTradePolicy, cancel: Callable[[Order], None]) -> None:
        self.policy = policy
        self._cancel = cancel

    def refusal(self, desk: Desk, side: Side, price: Price | None, type: OrderType) -> str:
        """Say why an order may not be sent now; empty when it may. A market order has no price."""
        if not (desk.sells if side is _BUY else desk.buys):
            return ""
        if self.policy is _ALLOW or (type is not _LIMIT and type.has_trigger):
            return ""
        met = _met(desk, side, price)
        if met is None:
            return ""
        first = met[0]
        at = "at any price" if first.price is None else f"at {desk.instrument.format_price(first.price)}"
        reason = f"self-trade: {desk.instrument.id} has our order to {first.side} {at} ({first.strategy})"
        if self.policy is SelfTradePolicy.REFUSE:
            return reason
        for order in met:
            # An UNKNOWN order is asked about; a cancel at each attempt would only use up the rate limit.
            if order.state is not OrderState.UNKNOWN:
                self._cancel(order)
        return f"{reason}, which is cancelled first"


def _met(desk: Desk, side: Side, price: Price | None) -> list[Order] | None:
    """Return the orders that an order would meet; None where there are none, as nearly always."""
    met: list[Order] | None = None
    buys = side is _BUY
    for record in desk.records:
        order = record.order
        if order.side is side:
            continue
        at, then = order.price, order.pending_price
        if (
            price is None
            or at is None
            or (price >= at if buys else price <= at)
            or (then is not None and (price >= then if buys else price <= then))
        ) and (order.type is _LIMIT or not order.type.has_trigger):
            if met is None:
                met = []
            met.append(order)
    return met
