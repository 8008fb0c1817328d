"""What is asked of the exchange to place, amend or cancel an order, whichever way it travels; pure.

What never changes of an order is written once for each of its kind; sending one fills in the rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs
import msgspec

from hft import (
    Instrument,
    InstrumentKind,
    Order,
    OrderError,
    OrderType,
    PositionMode,
    PositionSide,
    Price,
    Side,
    Size,
    TimeInForce,
)

__all__ = ["OrderForms", "Terms", "is_contract"]

_CLIENT_ID = re.compile(r"[A-Za-z0-9]{1,32}")
_SIDES = {Side.BUY: "buy", Side.SELL: "sell"}
_POSITION_SIDES = {PositionSide.LONG: "long", PositionSide.SHORT: "short"}
_TYPES = {TimeInForce.GTC: "limit", TimeInForce.IOC: "ioc", TimeInForce.FOK: "fok"}


def is_contract(instrument: Instrument) -> bool:
    """Say whether an instrument is a swap or a future, whose sizes are contracts."""
    return instrument.kind is not InstrumentKind.SPOT


@attrs.frozen(kw_only=True)
class Terms:
    """What all orders of an instrument share.

    ``code`` is the instrument's number, which orders over the websocket name instead of its name; empty
    where the exchange lists none.
    """

    code: str
    trade_mode: str
    """``cash``, ``cross`` or ``isolated``."""
    position_mode: PositionMode
    options: Mapping[str, str] = attrs.field(factory=dict)
    """Further parameters of every new order, such as ``stpMode``."""


class OrderForms:
    """Writes one instrument's orders as JSON objects, for the websocket (``ws``) or for REST."""

    def __init__(self, instrument: Instrument, terms: Terms) -> None:
        self._instrument = instrument
        self._terms = terms
        native = {"instId": instrument.native_symbol}
        self._names = {False: native, True: {"instIdCode": int(terms.code)} if terms.code else native}
        self._placing: dict[Any, dict[bool, str]] = {}
        self._heads = {ws: _head(name) for ws, name in self._names.items()}

    def check(self, order: Order) -> None:
        """Raise `OrderError` for a new order of a kind that the exchange does not have."""
        if not _CLIENT_ID.fullmatch(order.client_order_id):
            raise OrderError(
                f"{order.instrument}: client id {order.client_order_id!r} is not 1 to 32 letters and digits"
            )
        self._form(order)

    def place(self, order: Order, *, ws: bool) -> str:
        """Write a new order."""
        instrument = self._instrument
        price = "" if order.price is None else f'","px":"{instrument.format_price(order.price)}'
        size = instrument.format_size(order.size)
        return f'{self._form(order)[ws]}"sz":"{size}{price}","clOrdId":"{order.client_order_id}"}}'

    def amend(self, order: Order, price: Price, size: Size, *, ws: bool) -> str:
        """Write a change of price and whole size; where it fails, the order stays as it is."""
        instrument = self._instrument
        return (
            f'{self._heads[ws]}"clOrdId":"{order.client_order_id}","newSz":"{instrument.format_size(size)}",'
            f'"newPx":"{instrument.format_price(price)}","cxlOnFail":false}}'
        )

    def cancel(self, order: Order, *, ws: bool) -> str:
        """Write a cancel."""
        return f'{self._heads[ws]}"clOrdId":"{order.client_order_id}"}}'

    def _form(self, order: Order) -> dict[bool, str]:
        kind = (
            order.side,
            order.type,
            order.time_in_force,
            order.post_only,
            order.reduce_only,
            order.position_side,
            order.price is None,
        )
        form = self._placing.get(kind)
        if form is None:
            params = self._params(order)
            form = self._placing[kind] = {ws: _head(name | params) for ws, name in self._names.items()}
        return form

    def _params(self, order: Order) -> dict[str, Any]:
        terms = self._terms
        params: dict[str, Any] = {"tdMode": terms.trade_mode, "side": _SIDES[order.side]}
        params |= self._position_params(order) if is_contract(self._instrument) else self._spot_params(order)
        return {**params, "ordType": self._type(order), **terms.options}

    def _type(self, order: Order) -> str:
        instrument = self._instrument
        if order.type.has_trigger:
            raise OrderError(f"{instrument}: stops are not placed here, use limit or market orders")
        if (order.price is None) is order.type.has_price:
            raise OrderError(f"{instrument}: a limit order has a price and a market order has none")
        if order.type is OrderType.MARKET:
            if order.post_only or order.time_in_force not in (TimeInForce.GTC, TimeInForce.IOC):
                raise OrderError(f"{instrument}: a market order is neither post-only nor FOK nor GTD")
            return "market"
        if order.post_only:
            if order.time_in_force is not TimeInForce.GTC:
                raise OrderError(f"{instrument}: a post-only order is GTC, got {order.time_in_force.value!r}")
            return "post_only"
        found = _TYPES.get(order.time_in_force)
        if found is None:
            raise OrderError(f"{instrument}: there are no orders that are good till a date, use GTC")
        if found == "fok" and self._terms.options.get("stpMode") == "cancel_both":
            raise OrderError(f"{instrument}: fill-or-kill goes not with self_trade_prevention: expire-both")
        return found

    def _spot_params(self, order: Order) -> dict[str, Any]:
        instrument = self._instrument
        if order.position_side is not PositionSide.BOTH:
            raise OrderError(f"{instrument}: spot has no positions of two sides")
        if order.reduce_only:
            raise OrderError(f"{instrument}: spot has no reduce-only orders")
        # Without it the size of a market order that buys is an amount of quote currency.
        return {"tgtCcy": "base_ccy"} if order.type is OrderType.MARKET else {}

    def _position_params(self, order: Order) -> dict[str, Any]:
        instrument, side = self._instrument, order.position_side
        if self._terms.position_mode is PositionMode.ONE_WAY:
            if side is not PositionSide.BOTH:
                raise OrderError(f"{instrument}: the account has no positions of two sides")
            return {"reduceOnly": True} if order.reduce_only else {}
        if side is PositionSide.BOTH:
            raise OrderError(f"{instrument}: the account has positions of two sides, say which is meant")
        # What closes a side cannot turn it, and needs no flag; what opens it can be no reduce-only order.
        if order.reduce_only and (side is PositionSide.LONG) is (order.side is Side.BUY):
            raise OrderError(
                f"{instrument}: a {order.side} order of the {side.value} side opens it,"
                " and cannot be reduce-only"
            )
        return {"posSide": _POSITION_SIDES[side]}


def _head(params: Mapping[str, Any]) -> str:
    """Return an object's JSON up to where the next field begins."""
    return msgspec.json.encode(params).decode()[:-1] + ","
