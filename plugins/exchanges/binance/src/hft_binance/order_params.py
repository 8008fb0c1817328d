"""What is asked of the exchange to place, cancel or amend an order, whichever way it travels; pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from hft import (
    Instrument,
    InstrumentKind,
    Order,
    OrderError,
    PositionSide,
    Price,
    Side,
    TimeInForce,
)
from hft_binance.endpoints import Product

__all__ = [
    "Hole",
    "Params",
    "amend_params",
    "cancel_params",
    "cancel_stop_params",
    "check_amendment",
    "is_futures_stop",
    "place_params",
    "product_traded",
]


class Hole(enum.IntEnum):
    """What is not known before there is an order, by its place among the values that are filled in."""

    PRICE = 0
    SIZE = 1
    ID = 2
    TIME = 3
    TRIGGER = 4
    EXPIRY = 5
    """Milliseconds."""


Params = Mapping[str, str | int | Hole]
"""Parameters of a request in the order in which REST sends them."""

_SIDES = {Side.BUY: "BUY", Side.SELL: "SELL"}


def product_traded(instrument: Instrument) -> Product:
    """Return where an instrument trades."""
    return Product.SPOT if instrument.kind is InstrumentKind.SPOT else Product.USDM


def is_futures_stop(order: Order) -> bool:
    """Say whether an order is one of futures' conditional orders, which have requests of their own."""
    return order.type.has_trigger and order.instrument.kind is not InstrumentKind.SPOT


def place_params(order: Order) -> Params:
    """Return what places every order of this one's kind; raise `OrderError` if there is no such kind.

    Spot says post-only by the type ``LIMIT_MAKER``, futures by the time in force ``GTX``.
    """
    instrument = order.instrument
    spot = product_traded(instrument) is Product.SPOT
    if (order.price is None) is order.type.has_price:
        raise OrderError(f"{instrument}: a limit order has a price and a market order has none")
    if (order.trigger_price is None) is order.type.has_trigger:
        raise OrderError(f"{instrument}: a stop has a trigger price and no other order has one")
    stop = is_futures_stop(order)
    side = {"symbol": instrument.native_symbol, "side": _SIDES[order.side], **_position_side(order)}
    kind = _conditional(order) if order.type.has_trigger else {}
    if order.type.has_price:
        how = _limit_params(order, spot=spot)
    elif order.post_only or order.time_in_force not in (TimeInForce.GTC, TimeInForce.IOC):
        raise OrderError(f"{instrument}: a market order is neither post-only nor FOK nor GTD")
    else:
        how = {"type": "MARKET"}
    price = {"price": Hole.PRICE} if order.type.has_price else {}
    params: dict[str, str | int | Hole] = {**side, **how, **kind, **_reduce_only(order, spot=spot)}
    return {**params, "quantity": Hole.SIZE, **price, "clientAlgoId" if stop else "newClientOrderId": Hole.ID}


def _limit_params(order: Order, *, spot: bool) -> dict[str, str | int | Hole]:
    instrument = order.instrument
    if order.post_only:
        if order.time_in_force is not TimeInForce.GTC:
            raise OrderError(f"{instrument}: a post-only order is GTC, got {order.time_in_force.value!r}")
        if order.type.has_trigger and spot:
            raise OrderError(f"{instrument}: spot has no stops that are post-only")
        return {"type": "LIMIT_MAKER"} if spot else {"type": "LIMIT", "timeInForce": "GTX"}
    if order.time_in_force is not TimeInForce.GTD:
        return {"type": "LIMIT", "timeInForce": order.time_in_force.value}
    if spot:
        raise OrderError(f"{instrument}: spot has no orders that are good till a date, use GTC")
    if not order.expire_ns:
        raise OrderError(f"{instrument}: the order states no date to be good till, use GTC")
    return {"type": "LIMIT", "timeInForce": "GTD", "goodTillDate": Hole.EXPIRY}


def _conditional(order: Order) -> dict[str, str | int | Hole]:
    """Return what makes a stop of the order that it becomes."""
    limit = order.type.has_price
    if product_traded(order.instrument) is Product.SPOT:
        return {"type": "STOP_LOSS_LIMIT" if limit else "STOP_LOSS", "stopPrice": Hole.TRIGGER}
    return {
        "algoType": "CONDITIONAL",
        "type": "STOP" if limit else "STOP_MARKET",
        "triggerPrice": Hole.TRIGGER,
    }


def _position_side(order: Order) -> dict[str, str]:
    if order.position_side is PositionSide.BOTH:
        return {}
    if product_traded(order.instrument) is Product.SPOT:
        raise OrderError(f"{order.instrument}: spot has no positions of two sides")
    return {"positionSide": order.position_side.name}


def _reduce_only(order: Order, *, spot: bool) -> dict[str, str]:
    if not order.reduce_only:
        return {}
    if spot:
        raise OrderError(f"{order.instrument}: spot has no reduce-only orders")
    if order.position_side is PositionSide.BOTH:
        return {"reduceOnly": "true"}
    # In hedge mode the exchange refuses the flag: closing orders cannot turn a position anyway.
    if (order.position_side is PositionSide.LONG) is (order.side is Side.BUY):
        raise OrderError(
            f"{order.instrument}: a {order.side} order of the {order.position_side.value} side opens it,"
            " and cannot be reduce-only"
        )
    return {}


def cancel_params(instrument: Instrument) -> Params:
    """Return what cancels any order of an instrument."""
    return {"symbol": instrument.native_symbol, "origClientOrderId": Hole.ID}


def cancel_stop_params() -> Params:
    """Return what cancels one of futures' conditional orders."""
    return {"clientAlgoId": Hole.ID}


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
