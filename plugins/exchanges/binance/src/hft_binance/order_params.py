"""What is asked of the exchange to place, cancel or amend an order, whichever way it travels; pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from hft import Instrument, InstrumentKind, Order, OrderError, OrderType, Price, Side, TimeInForce
from hft_binance.endpoints import Product

__all__ = [
    "Hole",
    "Params",
    "amend_params",
    "cancel_params",
    "check_amendment",
    "place_params",
    "product_traded",
]


class Hole(enum.IntEnum):
    """What is not known before there is an order, by its place among the values that are filled in."""

    PRICE = 0
    SIZE = 1
    ID = 2
    TIME = 3


Params = Mapping[str, str | int | Hole]
"""Parameters of a request in the order in which REST sends them."""

_SIDES = {Side.BUY: "BUY", Side.SELL: "SELL"}


def product_traded(instrument: Instrument) -> Product:
    """Return where an instrument trades."""
    return Product.SPOT if instrument.kind is InstrumentKind.SPOT else Product.USDM


def place_params(order: Order) -> Params:
    """Return what places every order of this one's kind; raise `OrderError` if there is no such kind.

    Spot says post-only by the type ``LIMIT_MAKER``, futures by the time in force ``GTX``.
    """
    instrument = order.instrument
    spot = product_traded(instrument) is Product.SPOT
    params = {"symbol": instrument.native_symbol, "side": _SIDES[order.side]}
    if (order.price is None) is not (order.type is OrderType.MARKET):
        raise OrderError(f"{instrument}: a limit order has a price and a market order has none")
    if order.type is OrderType.MARKET:
        if order.post_only or order.time_in_force not in (TimeInForce.GTC, TimeInForce.IOC):
            raise OrderError(f"{instrument}: a market order is neither post-only nor FOK nor GTD")
        params |= {"type": "MARKET"}
    elif order.post_only:
        if order.time_in_force is not TimeInForce.GTC:
            raise OrderError(f"{instrument}: a post-only order is GTC, got {order.time_in_force.value!r}")
        params |= {"type": "LIMIT_MAKER"} if spot else {"type": "LIMIT", "timeInForce": "GTX"}
    else:
        if order.time_in_force is TimeInForce.GTD:
            raise OrderError(f"{instrument}: an order states no date to be good till, use GTC")
        params |= {"type": "LIMIT", "timeInForce": order.time_in_force.value}
    if order.reduce_only:
        if spot:
            raise OrderError(f"{instrument}: spot has no reduce-only orders")
        params |= {"reduceOnly": "true"}
    price = {"price": Hole.PRICE} if order.type is OrderType.LIMIT else {}
    return {**params, "quantity": Hole.SIZE, **price, "newClientOrderId": Hole.ID}


def cancel_params(instrument: Instrument) -> Params:
    """Return what cancels any order of an instrument."""
    return {"symbol": instrument.native_symbol, "origClientOrderId": Hole.ID}


def amend_params(instrument: Instrument, side: Side) -> Params:
    """Return what amends any order of a side: on futures price and size, on spot the size."""
    params = cancel_params(instrument)
    if product_traded(instrument) is Product.SPOT:
        # Without its client id once more the order would be given another.
        return {**params, "newClientOrderId": Hole.ID, "newQty": Hole.SIZE}
    return {**params, "side": _SIDES[side], "quantity": Hole.SIZE, "price": Hole.PRICE}


def check_amendment(order: Order, price: Price, size: int) -> None:
    """Raise `OrderError` for a change that spot cannot make in place: anything but a smaller size."""
    if product_traded(order.instrument) is Product.SPOT and (price != order.price or size >= order.size):
        raise OrderError(f"{order.instrument}: spot amends to a smaller size at the same price only")
