"""The order endpoints of the simulated USD-M futures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hft.sim import (
    ClientOrder,
    EndReason,
    LinearDesk,
    MarginAccount,
    Reason,
    Refused,
)
from hft_binance.simulator import usdm_bodies
from hft_binance.simulator.calls import Call
from hft_binance.simulator.listing import NS_PER_MS, Listing
from hft_binance.simulator.native import native
from hft_binance.simulator.params import ApiError, Params
from hft_binance.simulator.spot_reader import SIDES
from hft_binance.simulator.usdm_reader import UsdmReader
from hft_binance.simulator.words import api_error, unknown_order

__all__ = ["UsdmOrders"]


class UsdmOrders:
    """Places, changes and finds the orders of futures accounts."""

    def __init__(self, desk: LinearDesk, reader: UsdmReader) -> None:
        self.desk = desk
        self.reader = reader

    # -- placing ---------------------------------------------------------------------------------

    def place(self, call: Call) -> Any:
        """Place an order."""
        order, answer = self.reader.read(call.params, self.account(call))
        call.params.finish()
        return self.submit(order, answer)

    def test(self, call: Call) -> Any:
        """Check an order without placing it."""
        order, _ = self.reader.read(call.params, self.account(call))
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
        ticks, lots = self.reader.grid(listing, price, quantity)
        try:
            self.desk.amend(order, lots, ticks, keep_place=False)
        except Refused as refused:
            if refused.reason is not Reason.WOULD_TAKE:
                raise api_error(listing, refused) from None
            self.desk.cancel(order)
        return usdm_bodies.order_result(order)

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
        return usdm_bodies.order_result(order)

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
        return self.reader.listing(params)

    def named(self, params: Params, account: MarginAccount, listing: Listing) -> ClientOrder | None:
        """Return the order that a request names."""
        order_id, client_id = params.number("orderId"), params.text("origClientOrderId")
        if order_id is None and client_id is None:
            raise ApiError(
                -1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
            )
        return account.find(listing.synthetic(), order_id=order_id, client_id=client_id)
