"""What is asked of the exchange to place, cancel or amend an order, whichever way it travels; pure."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping

from hft import Instrument, Order, OrderError, OrderType, PositionSide, Side, TimeInForce
from hft_bybit.endpoints import Product, product_traded

__all__ = [
    "POSITION_INDEX",
    "Hole",
    "Params",
    "amend_params",
    "cancel_params",
    "check_client_id",
    "place_params",
]


class Hole(enum.IntEnum):
    """What is not known before there is an order, by its place among the values that are filled in."""

    PRICE = 0
    SIZE = 1
    ID = 2
    TRIGGER = 3


Params = Mapping[str, str | int | bool | Hole]
"""Fields of a request in the order in which they are sent."""

_SIDES = {Side.BUY: "Buy", Side.SELL: "Sell"}

POSITION_INDEX = {PositionSide.BOTH: 0, PositionSide.LONG: 1, PositionSide.SHORT: 2}

_RISES, _FALLS = 1, 2
"""Which way the price has to go for a stop to trigger."""

_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,36}", re.ASCII)


def check_client_id(client_order_id: str) -> None:
    """Raise `OrderError` for an id that the exchange does not take."""
    if not _CLIENT_ID.fullmatch(client_order_id):
        raise OrderError(f"client id {client_order_id[:40]!r} is not up to 36 letters, digits, '-' and '_'")


def place_params(order: Order) -> Params:
    """Return what places every order of this one's kind; raise `OrderError` if there is no such kind."""
    instrument = order.instrument
    product = product_traded(instrument)
    if (order.price is None) is order.type.has_price:
        raise OrderError(f"{instrument}: a limit order has a price and a market order has none")
    if (order.trigger_price is None) is order.type.has_trigger:
        raise OrderError(f"{instrument}: a stop has a trigger price and no other order has one")
    params: dict[str, str | int | bool | Hole] = {
        "category": product.value,
        "symbol": instrument.native_symbol,
        "side": _SIDES[order.side],
        "orderType": "Limit" if order.type.has_price else "Market",
        "qty": Hole.SIZE,
    }
    if order.type.has_price:
        params["price"] = Hole.PRICE
    elif product is Product.SPOT:
        # What a market order buys would else be counted in quote currency.
        params["marketUnit"] = "baseCoin"
    params["timeInForce"] = _time_in_force(order)
    params["orderLinkId"] = Hole.ID
    if product is Product.SPOT:
        _check_spot(order)
        return params
    params["positionIdx"] = POSITION_INDEX[order.position_side]
    if order.type.has_trigger:
        params |= {
            "triggerPrice": Hole.TRIGGER,
            "triggerDirection": _RISES if order.side is Side.BUY else _FALLS,
            "triggerBy": "LastPrice",
        }
    return params | _reduce_only(order)


def _time_in_force(order: Order) -> str:
    time = order.time_in_force
    if order.post_only:
        if time is not TimeInForce.GTC or not order.type.has_price:
            raise OrderError(f"{order.instrument}: a post-only order is a limit order and GTC")
        return "PostOnly"
    if time is TimeInForce.GTD:
        raise OrderError(f"{order.instrument}: there are no orders that are good till a date, use GTC")
    if not order.type.has_price:
        # A market order is an immediate one with a limit of the exchange's, whatever it is called.
        if time not in (TimeInForce.GTC, TimeInForce.IOC):
            raise OrderError(f"{order.instrument}: a market order is not {time.value}")
        return "IOC"
    return str(time.value)


def _check_spot(order: Order) -> None:
    if order.type not in (OrderType.LIMIT, OrderType.MARKET):
        raise OrderError(f"{order.instrument}: spot stops are not supported")
    if order.position_side is not PositionSide.BOTH:
        raise OrderError(f"{order.instrument}: spot has no positions of two sides")
    if order.reduce_only:
        raise OrderError(f"{order.instrument}: spot has no reduce-only orders")


def _reduce_only(order: Order) -> dict[str, bool]:
    if not order.reduce_only:
        return {}
    opens = (order.position_side is PositionSide.LONG) is (order.side is Side.BUY)
    if order.position_side is not PositionSide.BOTH and opens:
        raise OrderError(
            f"{order.instrument}: a {order.side} order of the {order.position_side.value} side opens it,"
            " and cannot be reduce-only"
        )
    return {"reduceOnly": True}


def cancel_params(instrument: Instrument) -> Params:
    """Return what cancels any order of an instrument."""
    return {
        "category": product_traded(instrument).value,
        "symbol": instrument.native_symbol,
        "orderLinkId": Hole.ID,
    }


def amend_params(instrument: Instrument, *, price: bool, size: bool) -> Params:
    """Return what changes an order's price, its whole size, or both; what stays is not sent."""
    changes = {"qty": Hole.SIZE} if size else {}
    return {**cancel_params(instrument), **changes, **({"price": Hole.PRICE} if price else {})}
