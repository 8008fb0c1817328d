"""What the simulated Bybit says when it refuses something, product by product."""

from __future__ import annotations

from hft.sim import Reason, Refused
from hft_bybit.endpoints import Product
from hft_bybit.simulator.params import ApiError

__all__ = ["api_error", "unknown_order", "unknown_symbol"]

_LINEAR = {
    Reason.CLOSED: (110074, "This contract is not live"),
    Reason.TICK: (10001, "params error: Price invalid"),
    Reason.LOW_PRICE: (110003, "Order price exceeds the allowable range."),
    Reason.HIGH_PRICE: (110003, "Order price exceeds the allowable range."),
    Reason.PRICE_BAND: (110003, "Order price exceeds the allowable range."),
    Reason.LOT: (10001, "params error: Qty invalid"),
    Reason.SMALL: (10001, "The number of contracts exceeds minimum limit allowed"),
    Reason.LARGE: (10001, "The number of contracts exceeds maximum limit allowed: too large"),
    Reason.LARGE_MARKET: (10001, "The number of contracts exceeds maximum limit allowed: too large"),
    Reason.NOTIONAL: (110094, "Order does not meet minimum order value"),
    Reason.LARGE_NOTIONAL: (10001, "The number of contracts exceeds maximum limit allowed: too large"),
    Reason.TOO_MANY_ORDERS: (110020, "You have more than 500 active orders"),
    Reason.TOO_MANY_TRIGGERS: (110009, "The number of stop orders exceeds the maximum allowable limit"),
    Reason.DUPLICATE_ID: (110072, "OrderLinkedID is duplicate"),
    Reason.BALANCE: (110012, "Insufficient available balance"),
    Reason.MARGIN: (110007, "ab not enough for new order"),
    Reason.REDUCE_ONLY: (110017, "current position is zero, cannot fix reduce-only order qty"),
    Reason.POSITION_SIDE: (10001, "position idx not match position mode"),
    Reason.WOULD_TRIGGER: (110093, "expect Falling, but trigger_price is beyond the current price"),
    Reason.UNKNOWN_ORDER: (110001, "order not exists or too late to cancel"),
    Reason.NOT_LIMIT: (110001, "order not exists or too late to replace"),
    Reason.NO_CHANGE: (
        10001,
        "The order remains unchanged as the parameters entered match the existing ones.",
    ),
}
_SPOT = {
    Reason.CLOSED: (170115, "Trading is closed"),
    Reason.TICK: (170134, "Order price has too many decimals."),
    Reason.LOW_PRICE: (170133, "Order price cannot be lower than the minimum."),
    Reason.HIGH_PRICE: (170132, "Order price cannot be higher than the maximum."),
    Reason.PRICE_BAND: (170132, "Order price cannot be higher than the maximum."),
    Reason.LOT: (170137, "Order quantity has too many decimals."),
    Reason.SMALL: (170136, "Order quantity exceeded lower limit."),
    Reason.LARGE: (170135, "Order quantity exceeded upper limit."),
    Reason.LARGE_MARKET: (170135, "Order quantity exceeded upper limit."),
    Reason.NOTIONAL: (170140, "Order value exceeded lower limit."),
    Reason.LARGE_NOTIONAL: (170124, "Order amount too large."),
    Reason.TOO_MANY_ORDERS: (170810, "Cannot exceed maximum of 500 conditional, TP/SL and active orders."),
    Reason.TOO_MANY_TRIGGERS: (170810, "Cannot exceed maximum of 500 conditional, TP/SL and active orders."),
    Reason.DUPLICATE_ID: (170141, "Duplicate clientOrderId"),
    Reason.BALANCE: (170131, "Balance insufficient"),
    Reason.REDUCE_ONLY: (170210, "New order rejected."),
    Reason.WOULD_TRIGGER: (170210, "New order rejected."),
    Reason.UNKNOWN_ORDER: (170213, "Order does not exist."),
    Reason.NOT_LIMIT: (170213, "Order does not exist."),
    Reason.NO_CHANGE: (
        10001,
        "The order remains unchanged as the parameters entered match the existing ones.",
    ),
}
_WORDS = {Product.LINEAR: _LINEAR, Product.SPOT: _SPOT}


def api_error(product: Product, refused: Refused) -> ApiError:
    """Put a refusal into the words of the product."""
    code, message = _WORDS[product].get(refused.reason, (10001, "Request parameter error."))
    return ApiError(code, message)


def unknown_order(product: Product) -> ApiError:
    """Say that there is no such order, or not any more."""
    return api_error(product, Refused(Reason.UNKNOWN_ORDER))


def unknown_symbol(product: Product) -> ApiError:
    """Say that there is no such symbol."""
    if product is Product.SPOT:
        return ApiError(170121, "Invalid symbol.")
    return ApiError(10001, "params error: symbol invalid")
