"""What the simulated Binance says when it refuses something, product by product."""

from __future__ import annotations

from hft.sim import Reason, Refused
from hft_binance.simulator.listing import SPOT, Listing
from hft_binance.simulator.params import ApiError

__all__ = ["api_error", "invalid_symbol", "unknown_order"]

_SPOT_FILTERS = {
    Reason.TICK: "PRICE_FILTER",
    Reason.LOW_PRICE: "PRICE_FILTER",
    Reason.HIGH_PRICE: "PRICE_FILTER",
    Reason.LOT: "LOT_SIZE",
    Reason.SMALL: "LOT_SIZE",
    Reason.LARGE: "LOT_SIZE",
    Reason.LARGE_MARKET: "MARKET_LOT_SIZE",
    Reason.NOTIONAL: "NOTIONAL",
    Reason.LARGE_NOTIONAL: "NOTIONAL",
    Reason.PRICE_BAND: "PERCENT_PRICE_BY_SIDE",
    Reason.TOO_MANY_ORDERS: "MAX_NUM_ORDERS",
    Reason.TOO_MANY_TRIGGERS: "MAX_NUM_ALGO_ORDERS",
    Reason.TOO_MANY_AMENDMENTS: "MAX_NUM_ORDER_AMENDS",
}
_SPOT = {
    Reason.CLOSED: (-1013, "Market is closed."),
    Reason.DUPLICATE_ID: (-2010, "Duplicate order sent."),
    Reason.BALANCE: (-2010, "Account has insufficient balance for requested action."),
    Reason.WOULD_TAKE: (-2010, "Order would immediately match and take."),
    Reason.WOULD_TRIGGER: (-2010, "Stop price would trigger immediately."),
    Reason.UNKNOWN_ORDER: (-2011, "Unknown order sent."),
    Reason.NOT_LIMIT: (-2038, "Order amend is not supported for this order type."),
    Reason.NO_CHANGE: (-2038, "Order amend (quantity increase) is not supported."),
    Reason.NOT_SMALLER: (-2038, "Order amend (quantity increase) is not supported."),
    Reason.REDUCE_ONLY: (-2010, "This action is disabled on this account."),
}
_USDM = {
    Reason.CLOSED: (-4108, "This symbol is currently closed."),
    Reason.TICK: (-4014, "Price not increased by tick size."),
    Reason.LOW_PRICE: (-4013, "Price less than min price."),
    Reason.HIGH_PRICE: (-4002, "Price greater than max price."),
    Reason.LOT: (-4023, "Qty not increased by step size."),
    Reason.SMALL: (-4004, "Quantity less than min quantity."),
    Reason.LARGE: (-4005, "Quantity greater than max quantity."),
    Reason.LARGE_MARKET: (-4005, "Quantity greater than max quantity."),
    Reason.LARGE_NOTIONAL: (-4005, "Quantity greater than max quantity."),
    Reason.TOO_MANY_ORDERS: (-2025, "Reach max open order limit."),
    Reason.TOO_MANY_TRIGGERS: (-4045, "Reach max stop order limit."),
    Reason.DUPLICATE_ID: (-4116, "ClientOrderId is duplicated."),
    Reason.BALANCE: (-2018, "Balance is insufficient."),
    Reason.MARGIN: (-2019, "Margin is insufficient."),
    Reason.WOULD_TAKE: (
        -5022,
        "Due to the order could not be executed as maker, the Post Only order will be rejected. "
        "The order will not be recorded in the order history",
    ),
    Reason.NOT_FILLABLE: (
        -5021,
        "Due to the order could not be filled immediately, the FOK order has been rejected. "
        "The order will not be recorded in the order history",
    ),
    Reason.REDUCE_ONLY: (-2022, "ReduceOnly Order is rejected."),
    Reason.POSITION_SIDE: (-4061, "Order's position side does not match user's setting."),
    Reason.WOULD_TRIGGER: (-2021, "Order would immediately trigger."),
    Reason.UNKNOWN_ORDER: (-2011, "Unknown order sent."),
    Reason.NOT_LIMIT: (-5025, "Only limit order is supported."),
    Reason.TOO_MANY_AMENDMENTS: (-5026, "Exceed maximum modify order limit."),
    Reason.NO_CHANGE: (-5027, "No need to modify the order."),
}


def api_error(listing: Listing, refused: Refused) -> ApiError:
    """Put a refusal into the words of the product."""
    reason, limit = refused.reason, refused.limit
    if listing.product is SPOT:
        if reason in _SPOT_FILTERS:
            return ApiError(-1013, f"Filter failure: {_SPOT_FILTERS[reason]}")
        return ApiError(*_SPOT[reason])
    if reason is Reason.NOTIONAL:
        msg = f"Order's notional must be no smaller than {limit:f} (unless you choose reduce only)."
        return ApiError(-4164, msg)
    if reason is Reason.PRICE_BAND:
        return ApiError(-4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit.")
    return ApiError(*_USDM[reason])


def invalid_symbol() -> ApiError:
    """Say that there is no such symbol."""
    return ApiError(-1121, "Invalid symbol.")


def unknown_order() -> ApiError:
    """Say that a query asks for an order that is not there."""
    return ApiError(-2013, "Order does not exist.")
