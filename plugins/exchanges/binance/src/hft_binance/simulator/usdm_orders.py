"""The order endpoints of the simulated USD-M futures."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from hft import Clock, Price, Side, Size, TimeInForce
from hft.sim import (
    ClientOrder,
    EndReason,
    Leg,
    LinearDesk,
    MarginAccount,
    Reason,
    Refused,
    SelfTrade,
    lots_of,
    ticks_of,
)
from hft_binance.simulator import usdm_bodies
from hft_binance.simulator.calls import Call
from hft_binance.simulator.listing import NS_PER_MS, Listing
from hft_binance.simulator.native import NativeOrder, native
from hft_binance.simulator.params import ApiError, Params, missing
from hft_binance.simulator.spot_orders import SIDES, new_client_id
from hft_binance.simulator.words import api_error, invalid_symbol, unknown_order

__all__ = ["LEGS_BY_NAME", "SELF_TRADE_MODES", "UsdmOrders"]

_TIMES = {
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
    "GTX": TimeInForce.GTC,
    "GTD": TimeInForce.GTD,
}
CONDITIONAL_TYPES = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")
LEGS_BY_NAME = {"BOTH": Leg.NET, "LONG": Leg.LONG, "SHORT": Leg.SHORT}
SELF_TRADE_MODES = {
    "NONE": SelfTrade.ALLOW,
    "EXPIRE_TAKER": SelfTrade.EXPIRE_TAKER,
    "EXPIRE_MAKER": SelfTrade.EXPIRE_MAKER,
    "EXPIRE_BOTH": SelfTrade.EXPIRE_BOTH,
}
_MATCHES = re.compile(r"(OPPONENT|QUEUE)(?:_(5|10|20))?")
_CLIENT_ID = re.compile(r"[\.A-Z\:/a-z0-9_-]{1,36}")
_MIN_GTD_MS = 600_000


class UsdmOrders:
    """Places, changes and finds the orders of futures accounts."""

    def __init__(self, desk: LinearDesk, listings: Mapping[str, Listing], clock: Clock, seed: int) -> None:
        self.desk = desk
        self._listings = listings
        self._clock = clock
        self._random = random.Random(f"{seed}:futures client ids")

    # -- placing ---------------------------------------------------------------------------------

    def place(self, call: Call) -> Any:
        """Place an order."""
        order, answer = self.read(call.params, self.account(call))
        call.params.finish()
        return self.submit(order, answer)

    def test(self, call: Call) -> Any:
        """Check an order without placing it."""
        order, _ = self.read(call.params, self.account(call))
        call.params.finish()
        try:
            self.desk.check(order)
        except Refused as refused:
            raise api_error(native(order).listing, refused) from None
        return usdm_bodies.order_ack(order)

    def submit(self, order: ClientOrder, answer: Callable[[ClientOrder], Any]) -> Any:
        """Give an order to the desk and answer it."""
        try:
            self.desk.place(order)
        except Refused as refused:
            raise api_error(native(order).listing, refused) from None
        return answer(order)

    def read(
        self, params: Params, account: MarginAccount
    ) -> tuple[ClientOrder, Callable[[ClientOrder], Any]]:
        """Read an order from its parameters."""
        listing = self.listing(params)
        params.required("side")
        side = params.choice("side", SIDES, ApiError(-1117, "Invalid side."))
        assert side is not None
        kind = params.required("type")
        if kind in CONDITIONAL_TYPES:
            raise ApiError(
                -4120,
                "Order type not supported for this endpoint. "
                "Please use the Algo Order API endpoints instead.",
            )
        if kind not in ("LIMIT", "MARKET"):
            raise ApiError(-1116, "Invalid orderType.")
        words = params.choice(
            "timeInForce", {name: name for name in _TIMES}, ApiError(-1115, "Invalid timeInForce.")
        )
        if kind == "LIMIT" and words is None:
            raise missing("timeInForce")
        if kind == "MARKET" and words is not None:
            raise ApiError(-1106, "Parameter 'timeInForce' sent when not required.")
        match = params.text("priceMatch")
        price, quantity = params.decimal("price"), params.decimal("quantity")
        if quantity is None:
            raise missing("quantity")
        if kind == "MARKET" and (price is not None or match not in (None, "NONE")):
            raise ApiError(-1106, "Parameter 'price' sent when not required.")
        if kind == "LIMIT" and match in (None, "NONE") and price is None:
            raise missing("price")
        if match not in (None, "NONE") and price is not None:
            raise ApiError(-1106, "Parameter 'price' sent when not required.")
        market, good_till_ms = listing.synthetic(), self._good_till(params, words)
        ticks, lots = self.grid(listing, price, quantity)
        if kind == "LIMIT" and ticks is None:
            ticks = self._matched(listing, side, match or "")
        mode = params.text("selfTradePreventionMode") or "EXPIRE_MAKER"
        if mode not in SELF_TRADE_MODES:
            raise ApiError(-4188, "Invalid selfTradePreventionMode.")
        leg, reduce_only = self.position_side(params, account)
        time_in_force = _TIMES[words or "GTC"]
        order = ClientOrder(
            account=account,
            market=market,
            side=side,
            size=lots,
            price=ticks,
            client_id=self.client_id(params, "newClientOrderId"),
            time_in_force=time_in_force,
            post_only=words == "GTX",
            reduce_only=reduce_only,
            leg=leg,
            self_trade=SELF_TRADE_MODES[mode],
            good_till_ns=good_till_ms * NS_PER_MS,
            native=NativeOrder(
                listing=listing,
                type=kind,
                time_in_force=words or "GTC",
                self_trade=mode,
                position_side=leg.name if leg is not Leg.NET else "BOTH",
                price_match=match or "NONE",
                good_till_ms=good_till_ms,
            ),
        )
        answers = {"ACK": usdm_bodies.order_ack, "RESULT": _result}
        wanted = params.choice("newOrderRespType", answers, ApiError(-1130, "Invalid newOrderRespType."))
        return order, wanted or usdm_bodies.order_ack

    def grid(self, listing: Listing, price: Decimal | None, quantity: Decimal) -> tuple[Price | None, Size]:
        """Put price and quantity on the grid; raise `ApiError` where they are not."""
        instrument = listing.market.instrument
        _check_digits(price, _digits(instrument.tick_size) + 1)
        _check_digits(quantity, _digits(instrument.lot_size))
        if quantity <= 0:
            raise ApiError(-4003, "Quantity less than or equal to zero.")
        try:
            return (
                None if price is None else ticks_of(instrument, price),
                lots_of(instrument, quantity),
            )
        except Refused as refused:
            raise api_error(listing, refused) from None

    def position_side(self, params: Params, account: MarginAccount) -> tuple[Leg, bool]:
        """Read which position is meant, and whether it may only shrink."""
        leg = params.choice("positionSide", LEGS_BY_NAME, ApiError(-1130, "Invalid positionSide."))
        leg = leg or Leg.NET
        if params.has("reduceOnly") and account.is_hedged and leg is not Leg.NET:
            raise ApiError(-1106, "Parameter 'reduceonly' sent when not required.")
        return leg, params.flag("reduceOnly")

    def client_id(self, params: Params, name: str) -> str:
        """Read the client's own id, or make one."""
        value = params.text(name)
        if value is None:
            return new_client_id(self._random)
        if not _CLIENT_ID.fullmatch(value):
            raise ApiError(-4015, "Client order id is not valid.")
        return value

    def _good_till(self, params: Params, words: str | None) -> int:
        date = params.number("goodTillDate")
        if words != "GTD":
            return 0
        if date is None:
            raise missing("goodTillDate")
        if date < self._clock.now_ns() // NS_PER_MS + _MIN_GTD_MS:
            raise ApiError(-4197, "goodTillDate must be greater than the current time plus 600 seconds.")
        return date // 1000 * 1000

    @staticmethod
    def _matched(listing: Listing, side: Side, match: str) -> Price:
        found = _MATCHES.fullmatch(match)
        if found is None:
            raise ApiError(-1130, "Invalid priceMatch.")
        other = side.opposite if found[1] == "OPPONENT" else side
        place = int(found[2] or 1)
        levels = listing.market.levels(other, place)
        if len(levels) < place:
            raise ApiError(
                -4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit."
            )
        return levels[-1][0]

    # -- changing and ending ---------------------------------------------------------------------

    def modify(self, call: Call) -> Any:
        """Change price and quantity of a limit order; it goes to the back of its queue."""
        return self.modify_with(call.params, self.account(call), finish=True)

    def modify_with(self, params: Params, account: MarginAccount, *, finish: bool) -> Any:
        """Change the order that the parameters name."""
        listing = self.listing(params)
        order = self.named(params, account, listing)
        for name in ("side", "quantity", "price"):
            params.required(name)
        side = params.choice("side", SIDES, ApiError(-1117, "Invalid side."))
        price, quantity = params.decimal("price"), params.decimal("quantity")
        params.text("priceMatch")
        if finish:
            params.finish()
        assert quantity is not None
        if order is None or not order.is_open:
            raise unknown_order()
        if order.side is not side:
            raise ApiError(-1117, "Invalid side.")
        ticks, lots = self.grid(listing, price, quantity)
        try:
            self.desk.amend(order, lots, ticks, keep_place=False)
        except Refused as refused:
            if refused.reason is not Reason.WOULD_TAKE:
                raise api_error(listing, refused) from None
            self.desk.cancel(order)
        return _result(order)

    def cancel(self, call: Call) -> Any:
        """Cancel one order."""
        listing = self.listing(call.params)
        order = self.named(call.params, self.account(call), listing)
        call.params.finish()
        return self.end(order)

    def end(self, order: ClientOrder | None) -> Any:
        """Cancel an order that was asked for, if it is there."""
        if order is None or not order.is_open:
            raise ApiError(-2011, "Unknown order sent.")
        self.desk.cancel(order, EndReason.CLIENT)
        return _result(order)

    def cancel_all(self, call: Call) -> Any:
        """Cancel every open order of a symbol."""
        listing = self.listing(call.params)
        call.params.finish()
        for order in self.account(call).open_orders(listing.synthetic()):
            self.desk.cancel(order)
        return {"code": 200, "msg": "The operation of cancel all open order is done."}

    # -- asking ----------------------------------------------------------------------------------

    def query(self, call: Call) -> Any:
        """Describe one order."""
        listing = self.listing(call.params)
        order = self.named(call.params, self.account(call), listing)
        call.params.finish()
        if order is None:
            raise unknown_order()
        return usdm_bodies.order_body(order)

    def query_open(self, call: Call) -> Any:
        """Describe one order if it is open."""
        listing = self.listing(call.params)
        order = self.named(call.params, self.account(call), listing)
        call.params.finish()
        if order is None or not order.is_open:
            raise unknown_order()
        return usdm_bodies.order_body(order)

    def open_orders(self, call: Call) -> Any:
        """Describe open orders, of one symbol or all."""
        listing = self.listing(call.params) if call.params.has("symbol") else None
        call.params.finish()
        market = None if listing is None else listing.synthetic()
        orders = self.account(call).open_orders(market)
        return [usdm_bodies.order_body(order) for order in sorted(orders, key=lambda order: order.id)]

    def all_orders(self, call: Call) -> Any:
        """Describe the orders of a symbol, whatever became of them."""
        params = call.params
        listing = self.listing(params)
        first, start, end = params.number("orderId"), params.number("startTime"), params.number("endTime")
        limit = params.limit(500, 1000)
        params.finish()
        found = [
            order
            for order in self.account(call).orders()
            if order.market is listing.market
            and (first is None or order.id >= first)
            and (start is None or order.created_ns // NS_PER_MS >= start)
            and (end is None or order.created_ns // NS_PER_MS <= end)
        ]
        cut = found[:limit] if first is not None or start is not None else found[-limit:]
        return [usdm_bodies.order_body(order) for order in cut]

    def user_trades(self, call: Call) -> Any:
        """List the account's trades of a symbol."""
        params = call.params
        listing = self.listing(params)
        order_id, first = params.number("orderId"), params.number("fromId")
        start, end = params.number("startTime"), params.number("endTime")
        limit = params.limit(500, 1000)
        params.finish()
        found = [
            fill
            for fill in self.account(call).fills
            if fill.order.market is listing.market
            and (order_id is None or fill.order.id == order_id)
            and (first is None or fill.trade_id >= first)
            and (start is None or fill.time_ns // NS_PER_MS >= start)
            and (end is None or fill.time_ns // NS_PER_MS <= end)
        ]
        cut = found[:limit] if first is not None or start is not None else found[-limit:]
        return [usdm_bodies.user_trade(fill) for fill in cut]

    # -- what they share -------------------------------------------------------------------------

    def account(self, call: Call) -> MarginAccount:
        """Return the account of whoever asks."""
        return self.desk.accounts[call.account]

    def listing(self, params: Params) -> Listing:
        """Return the symbol that is asked about."""
        symbol = params.required("symbol") and params.symbol()
        listing = self._listings.get(symbol or "")
        if listing is None:
            raise invalid_symbol()
        return listing

    def named(self, params: Params, account: MarginAccount, listing: Listing) -> ClientOrder | None:
        """Return the order that a request names."""
        order_id, client_id = params.number("orderId"), params.text("origClientOrderId")
        if order_id is None and client_id is None:
            raise ApiError(
                -1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
            )
        return account.find(listing.synthetic(), order_id=order_id, client_id=client_id)


def _result(order: ClientOrder) -> Any:
    body = usdm_bodies.order_body(order)
    del body["time"]
    return body


def _digits(step: Decimal) -> int:
    exponent = step.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


def _check_digits(value: Decimal | None, most: int) -> None:
    if value is not None and value != round(value, most):
        raise ApiError(-1111, "Precision is over the maximum defined for this asset.")
