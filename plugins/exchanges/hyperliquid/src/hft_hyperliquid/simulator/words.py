"""The simulated Hyperliquid's words for why it does not do what it was asked, and for how orders stand."""

from __future__ import annotations

from hft import OrderState, Side
from hft.sim import ClientOrder, EndReason, Reason, Refused
from hft_hyperliquid.simulator.listing import Listing

__all__ = ["NEVER_PLACED", "NOT_MODIFIED", "refusal", "status_of"]

NEVER_PLACED = "Order was never placed, already canceled, or filled."
NOT_MODIFIED = "Cannot modify canceled or filled order"

_TEXTS = {
    Reason.TICK: "Price must be divisible by tick size.",
    Reason.LOW_PRICE: "Order has invalid price.",
    Reason.HIGH_PRICE: "Order has invalid price.",
    Reason.PRICE_BAND: "Order price cannot be more than 80% away from the reference price",
    Reason.LOT: "Order has invalid size.",
    Reason.SMALL: "Order has zero size.",
    Reason.LARGE: "Order has invalid size.",
    Reason.MARGIN: "Insufficient margin to place order.",
    Reason.REDUCE_ONLY: "Reduce only order would increase position.",
    Reason.WOULD_TRIGGER: "Invalid TP/SL price.",
    Reason.UNKNOWN_ORDER: NEVER_PLACED,
    Reason.TOO_MANY_ORDERS: "Too many open orders.",
    Reason.TOO_MANY_TRIGGERS: "Too many open orders.",
    Reason.DUPLICATE_ID: "Order has a client order id that is in use.",
    Reason.NO_PRICE: "No liquidity available for market order.",
}


def refusal(refused: Refused, listing: Listing) -> str:
    """Return the exchange's words for a refusal of an order."""
    if refused.reason is Reason.WOULD_TAKE:
        bid, ask = (
            next((listing.price(price) for price, _ in listing.market.levels(side, 1)), "0")
            for side in (Side.BUY, Side.SELL)
        )
        text = f"Post only order would have immediately matched, bbo was {bid}@{ask}."
    elif refused.reason is Reason.NOTIONAL:
        quote = listing.market.instrument.quote
        text = f"Order must have minimum value of {f'10 {quote}' if listing.is_spot else '$10'}."
    elif refused.reason is Reason.BALANCE:
        text = "Insufficient spot balance"
    else:
        text = _TEXTS.get(refused.reason, f"Order rejected: {refused.reason.value}.")
    return f"{text} asset={listing.asset}"


_ENDS = {
    EndReason.SELF_TRADE: "selfTradeCanceled",
    EndReason.REDUCE_ONLY: "reduceOnlyCanceled",
    EndReason.LIQUIDATION: "liquidatedCanceled",
    EndReason.NOT_COVERED: "marginCanceled",
    EndReason.EXCHANGE: "scheduledCancel",
}

_MISSED = {
    EndReason.IMMEDIATE: "iocCancelRejected",
    EndReason.NO_LIQUIDITY: "marketOrderNoLiquidityRejected",
}


def status_of(order: ClientOrder) -> str:
    """Return the exchange's word for how an order stands."""
    if order.is_open:
        return "triggered" if order.trigger is not None and order.working_ns else "open"
    if order.state is OrderState.FILLED:
        return "filled"
    if not order.filled and order.end in _MISSED:
        return _MISSED[order.end]
    return "canceled" if order.end is None else _ENDS.get(order.end, "canceled")
