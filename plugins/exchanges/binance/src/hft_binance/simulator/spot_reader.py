"""Read an order of the simulated spot exchange from the parameters of a request."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hft import Side, Size, TimeInForce
from hft.sim import ClientOrder, Refused, SelfTrade, SpotAccount, SpotDesk, Trigger, lots_of, ticks_of
from hft_binance.simulator import spot_bodies
from hft_binance.simulator.listing import Listing
from hft_binance.simulator.native import NativeOrder
from hft_binance.simulator.params import ApiError, Params, missing
from hft_binance.simulator.words import api_error

__all__ = ["SIDES", "SpotReader", "new_client_id"]

SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
_TIMES = {"GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}
_TYPES = {
    name: name
    for name in (
        "LIMIT",
        "MARKET",
        "LIMIT_MAKER",
        "STOP_LOSS",
        "STOP_LOSS_LIMIT",
        "TAKE_PROFIT",
        "TAKE_PROFIT_LIMIT",
    )
}
_SELF_TRADE = {
    "NONE": SelfTrade.ALLOW,
    "EXPIRE_TAKER": SelfTrade.EXPIRE_TAKER,
    "EXPIRE_MAKER": SelfTrade.EXPIRE_MAKER,
    "EXPIRE_BOTH": SelfTrade.EXPIRE_BOTH,
    "DECREMENT": SelfTrade.DECREMENT,
}
_ANSWERS = {name: name for name in ("ACK", "RESULT", "FULL")}
_DIGITS = 8


class SpotReader:
    """Makes orders of requests; ``random`` makes ids for those that have none."""

    def __init__(self, desk: SpotDesk, rng: random.Random) -> None:
        self._desk = desk
        self._random = rng

    def read(
        self, params: Params, account: SpotAccount, listing: Listing
    ) -> tuple[ClientOrder, Callable[[ClientOrder], Any]]:
        """Read an order and how it is to be answered; raise `ApiError` for what makes no sense."""
        params.required("side")
        side = params.choice("side", SIDES, ApiError(-1117, "Invalid side."))
        params.required("type")
        kind = params.choice("type", _TYPES, ApiError(-1116, "Invalid orderType."))
        assert side is not None
        assert kind is not None
        is_limit = "LIMIT" in kind
        times = params.choice("timeInForce", _TIMES, ApiError(-1115, "Invalid timeInForce."))
        if is_limit and kind != "LIMIT_MAKER" and times is None:
            raise missing("timeInForce")
        if times is not None and (not is_limit or kind == "LIMIT_MAKER"):
            raise ApiError(-1106, "Parameter 'timeInForce' sent when not required.")
        if is_limit:
            params.required("price")
        elif params.has("price"):
            raise ApiError(-1106, "Parameter 'price' sent when not required.")
        price, quantity = params.decimal("price"), params.decimal("quantity")
        quote = params.decimal("quoteOrderQty") if kind == "MARKET" else None
        if quantity is None and quote is None:
            raise missing("quantity")
        if quantity is not None and quote is not None:
            raise ApiError(-1128, "Combination of optional parameters invalid.")
        conditional = kind not in ("LIMIT", "MARKET", "LIMIT_MAKER")
        stop = params.decimal("stopPrice")
        if conditional and stop is None:
            raise missing("stopPrice")
        if stop is not None and not conditional:
            raise ApiError(-1106, "Parameter 'stopPrice' sent when not required.")
        for name, value in (("price", price), ("quantity", quantity), ("stopPrice", stop)):
            _check_digits(name, value)
        mode = params.text("selfTradePreventionMode") or "EXPIRE_MAKER"
        if mode not in _SELF_TRADE:
            raise ApiError(-1013, "This symbol does not allow the specified self-trade prevention mode.")
        for ignored in ("icebergQty", "strategyId", "strategyType"):
            params.text(ignored)
        default = "FULL" if kind in ("LIMIT", "MARKET") else "ACK"
        wanted = params.choice("newOrderRespType", _ANSWERS, ApiError(-1130, "Invalid newOrderRespType."))
        answer = getattr(spot_bodies, (wanted or default).lower())
        market, instrument = listing.synthetic(), listing.market.instrument
        try:
            ticks = None if price is None else ticks_of(instrument, price)
            stop_ticks = None if stop is None else ticks_of(instrument, stop)
            lots = None if quantity is None else lots_of(instrument, quantity)
        except Refused as refused:
            raise api_error(listing, refused) from None
        order = ClientOrder(
            account=account,
            market=market,
            side=side,
            size=lots if lots is not None else Size(0),
            price=ticks,
            client_id=params.client_id("newClientOrderId") or new_client_id(self._random),
            time_in_force=times or TimeInForce.GTC,
            post_only=kind == "LIMIT_MAKER",
            self_trade=_SELF_TRADE[mode],
            trigger=None if stop is None else Trigger(stop, rising=(kind[0] == "S") is (side is Side.BUY)),
            native=NativeOrder(
                listing=listing,
                type=kind,
                time_in_force=(times or TimeInForce.GTC).value,
                self_trade=mode,
                stop_price="" if stop_ticks is None else listing.price(stop_ticks),
                quote_quantity=spot_bodies.amount(quote or Decimal(0)),
            ),
        )
        if quote is not None:
            order.size = self._size_for(order, quote)
        return order, answer

    def _size_for(self, order: ClientOrder, quote: Decimal) -> Size:
        """Return as many lots as an amount of quote currency buys or is sold for now."""
        lots, _ = order.market.engine.sweep(
            self._desk.draft(order, size=self._desk.filters[order.market].max_market_size),
            budget=int(quote / order.market.instrument.point_value),
        )
        return lots


def new_client_id(rng: random.Random) -> str:
    """Make an id as the exchange gives it to orders without one."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    return "".join(rng.choices(letters, k=22))


def _check_digits(name: str, value: Decimal | None) -> None:
    if value is not None:
        exponent = value.as_tuple().exponent
        assert isinstance(exponent, int)
        if -exponent > _DIGITS and value != round(value, _DIGITS):
            raise ApiError(-1111, f"Parameter '{name}' has too much precision.")
