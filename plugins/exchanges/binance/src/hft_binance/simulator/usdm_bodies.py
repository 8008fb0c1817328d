"""How the simulated USD-M futures write orders and fills; pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hft import Side
from hft.sim import ClientOrder, Fill
from hft_binance.simulator.listing import NS_PER_MS
from hft_binance.simulator.native import native, status

__all__ = ["amount", "average_price", "order_ack", "order_body", "order_result", "plain", "user_trade"]

Body = dict[str, Any]


def amount(value: Decimal) -> str:
    """Write an amount of an asset."""
    return f"{value:.8f}"


def plain(value: Decimal) -> str:
    """Write a number without trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def average_price(order: ClientOrder) -> str:
    """Write the mean price of what an order has traded."""
    if not order.filled:
        return "0.00"
    mean = Decimal(order.turnover) / order.filled * order.market.instrument.tick_size
    digits = max(2, len(native(order).listing.price(_ONE).partition(".")[2]) + 1)
    return f"{mean:.{digits}f}"


_ONE: Any = 1


def order_ack(order: ClientOrder) -> Body:
    """Acknowledge an order: it says NEW whatever has become of it since, and states no averages."""
    body = order_body(order) | {"status": "NEW", "executedQty": "0", "cumQty": "0"}
    for later in ("avgPrice", "cumQuote", "time"):
        del body[later]
    return body


def order_result(order: ClientOrder) -> Body:
    """Answer a request that changed an order with what it is now."""
    body = order_body(order)
    del body["time"]
    return body


def order_body(order: ClientOrder) -> Body:
    """Describe an order."""
    words = native(order)
    listing = words.listing
    executed = listing.size(order.filled) if order.filled else "0"
    return {
        "orderId": order.id,
        "symbol": listing.symbol,
        "status": status(order),
        "clientOrderId": order.client_id,
        "price": "0" if order.price is None else listing.price(order.price),
        "avgPrice": average_price(order),
        "origQty": listing.size(order.size),
        "executedQty": executed,
        "cumQty": executed,
        "cumQuote": plain(order.turnover * order.market.instrument.point_value),
        "timeInForce": words.time_in_force,
        "type": words.type,
        "reduceOnly": order.reduce_only,
        "closePosition": words.close_position,
        "side": order.side.name,
        "positionSide": words.position_side,
        "stopPrice": words.stop_price or "0",
        "workingType": words.working_type,
        "priceProtect": words.price_protect,
        "origType": words.original_type or words.type,
        "priceMatch": words.price_match,
        "selfTradePreventionMode": words.self_trade,
        "goodTillDate": words.good_till_ms,
        "time": order.created_ns // NS_PER_MS,
        "updateTime": order.updated_ns // NS_PER_MS,
    }


def user_trade(fill: Fill) -> Body:
    """Write one of the account's trades."""
    order, words = fill.order, native(fill.order)
    listing = words.listing
    return {
        "symbol": listing.symbol,
        "id": fill.trade_id,
        "orderId": order.id,
        "side": order.side.name,
        "price": listing.price(fill.price),
        "qty": listing.size(fill.size),
        "realizedPnl": amount(fill.realised),
        "marginAsset": order.market.instrument.settle,
        "quoteQty": plain(fill.price * fill.size * order.market.instrument.point_value),
        "commission": amount(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": fill.time_ns // NS_PER_MS,
        "positionSide": words.position_side,
        "buyer": order.side is Side.BUY,
        "maker": fill.is_maker,
    }
