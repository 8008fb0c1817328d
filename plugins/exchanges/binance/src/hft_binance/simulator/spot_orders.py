"""The order endpoints of the simulated spot exchange."""

from __future__ import annotations

import random
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hft import Clock
from hft.sim import (
    ClientOrder,
    EndReason,
    Refused,
    SpotAccount,
    SpotDesk,
    lots_of,
)
from hft_binance.simulator import spot_bodies
from hft_binance.simulator.calls import Call
from hft_binance.simulator.listing import Listing
from hft_binance.simulator.native import native
from hft_binance.simulator.params import ApiError, Params
from hft_binance.simulator.spot_events import SpotEvents
from hft_binance.simulator.spot_reader import SpotReader, new_client_id
from hft_binance.simulator.words import api_error, invalid_symbol, unknown_order

__all__ = ["SpotOrders", "discount_body"]

_RESTRICTIONS = {name: name for name in ("ONLY_NEW", "ONLY_PARTIALLY_FILLED")}


class SpotOrders:
    """Places, changes and finds the orders of spot accounts."""

    def __init__(
        self, desk: SpotDesk, listings: Mapping[str, Listing], events: SpotEvents, clock: Clock, seed: int
    ) -> None:
        self._desk = desk
        self._listings = listings
        self._events = events
        self._clock = clock
        self._random = random.Random(f"{seed}:client ids")
        self._reader = SpotReader(desk, self._random)

    # -- placing ---------------------------------------------------------------------------------

    def place(self, call: Call) -> Any:
        """Place an order."""
        order, answer = self._reader.read(call.params, self.account(call), self.listing(call.params))
        call.params.finish()
        self._place(order)
        return answer(order)

    def test(self, call: Call) -> Any:
        """Check an order without placing it."""
        order, _ = self._reader.read(call.params, self.account(call), self.listing(call.params))
        with_fees = call.params.flag("computeCommissionRates")
        call.params.finish()
        try:
            self._desk.check(order)
        except Refused as refused:
            raise api_error(native(order).listing, refused) from None
        if not with_fees:
            return {}
        fees = order.account.fees
        none = {"maker": "0.00000000", "taker": "0.00000000"}
        return {
            "standardCommissionForOrder": {
                "maker": spot_bodies.amount(fees.maker),
                "taker": spot_bodies.amount(fees.taker),
            },
            "specialCommissionForOrder": none,
            "taxCommissionForOrder": none,
            "discount": discount_body(fees.discount_asset, fees.discount),
        }

    def _place(self, order: ClientOrder) -> None:
        try:
            self._desk.place(order)
        except Refused as refused:
            raise api_error(native(order).listing, refused) from None

    # -- ending and changing ---------------------------------------------------------------------

    def cancel(self, call: Call) -> Any:
        """Cancel one order."""
        params = call.params
        listing = self.listing(params)
        order = self._named(call, listing, "orderId", "origClientOrderId")
        cancel_id = params.client_id("newClientOrderId")
        restriction = params.choice(
            "cancelRestrictions", _RESTRICTIONS, ApiError(-1145, "Invalid cancelRestrictions")
        )
        params.finish()
        self._cancel(order, cancel_id, restriction)
        assert order is not None
        return spot_bodies.canceled(order)

    def cancel_all(self, call: Call) -> Any:
        """Cancel every open order of a symbol."""
        listing = self.listing(call.params)
        call.params.finish()
        orders = self.account(call).open_orders(listing.synthetic())
        if not orders:
            raise ApiError(-2011, "Unknown order sent.")
        cancel_id = new_client_id(self._random)
        for order in orders:
            self._cancel(order, cancel_id)
        return [spot_bodies.canceled(order) for order in orders]

    def _cancel(
        self, order: ClientOrder | None, cancel_id: str | None, restriction: str | None = None
    ) -> None:
        if order is None or not order.is_open:
            raise ApiError(-2011, "Unknown order sent.")
        if restriction is not None and (restriction == "ONLY_NEW") is not (order.filled == 0):
            raise ApiError(-2011, "Order was not canceled due to cancel restrictions.")
        native(order).cancel_id = cancel_id or new_client_id(self._random)
        self._desk.cancel(order, EndReason.CLIENT)

    def replace(self, call: Call) -> Any:
        """Cancel an order and place another."""
        params = call.params
        modes = {"STOP_ON_FAILURE": False, "ALLOW_FAILURE": True}
        params.required("cancelReplaceMode")
        goes_on = params.choice("cancelReplaceMode", modes, ApiError(-1130, "Invalid cancelReplaceMode."))
        listing = self.listing(params)
        old = self._named(call, listing, "cancelOrderId", "cancelOrigClientOrderId")
        cancel_id = params.client_id("cancelNewClientOrderId")
        restriction = params.choice(
            "cancelRestrictions", _RESTRICTIONS, ApiError(-1145, "Invalid cancelRestrictions")
        )
        order, answer = self._reader.read(params, self.account(call), listing)
        params.finish()
        cancel_error: ApiError | None = None
        place_error: ApiError | None = None
        try:
            self._cancel(old, cancel_id, restriction)
        except ApiError as error:
            cancel_error = error
        attempted = cancel_error is None or bool(goes_on)
        if attempted:
            try:
                self._place(order)
            except ApiError as error:
                place_error = error
        data = {
            "cancelResult": "SUCCESS" if cancel_error is None else "FAILURE",
            "newOrderResult": "NOT_ATTEMPTED"
            if not attempted
            else "SUCCESS"
            if place_error is None
            else "FAILURE",
            "cancelResponse": spot_bodies.canceled(old)
            if cancel_error is None and old is not None
            else _error_body(cancel_error),
            "newOrderResponse": None
            if not attempted
            else answer(order)
            if place_error is None
            else _error_body(place_error),
        }
        if cancel_error is None and place_error is None:
            return data
        if cancel_error is not None and (not attempted or place_error is not None):
            raise ApiError(-2022, "Order cancel-replace failed.", 400, data)
        raise ApiError(-2021, "Order cancel-replace partially failed.", 409, data)

    def amend(self, call: Call) -> Any:
        """Make an order smaller; it keeps its place."""
        params = call.params
        listing = self.listing(params)
        order = self._named(call, listing, "orderId", "origClientOrderId")
        client_id = params.client_id("newClientOrderId") or new_client_id(self._random)
        params.required("newQty")
        quantity = params.decimal("newQty")
        params.finish()
        assert quantity is not None
        if order is None or not order.is_open:
            raise unknown_order()
        former_id = order.client_id
        try:
            lots = lots_of(listing.market.instrument, quantity)
            if lots >= order.size:
                raise ApiError(-2038, "Order amend (quantity increase) is not supported.")
            if lots <= order.filled + order.prevented:
                raise ApiError(-2038, "Order amend is not supported: the order has traded as much.")
            self._desk.amend(order, lots, client_id=client_id)
        except Refused as refused:
            raise api_error(listing, refused) from None
        return spot_bodies.amended(order, former_id, self._events.last_execution_id)

    # -- asking ----------------------------------------------------------------------------------

    def query(self, call: Call) -> Any:
        """Describe one order."""
        listing = self.listing(call.params)
        order = self._named(call, listing, "orderId", "origClientOrderId")
        call.params.finish()
        if order is None:
            raise unknown_order()
        return spot_bodies.queried(order)

    def open_orders(self, call: Call) -> Any:
        """Describe open orders, of one symbol or all."""
        listing = self.listing(call.params) if call.params.has("symbol") else None
        call.params.finish()
        market = None if listing is None else listing.synthetic()
        orders = self.account(call).open_orders(market)
        return [spot_bodies.queried(order) for order in sorted(orders, key=lambda order: order.id)]

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
            and (start is None or order.created_ns // 1_000_000 >= start)
            and (end is None or order.created_ns // 1_000_000 <= end)
        ]
        cut = found[:limit] if first is not None or start is not None else found[-limit:]
        return [spot_bodies.queried(order) for order in cut]

    def my_trades(self, call: Call) -> Any:
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
            and (start is None or fill.time_ns // 1_000_000 >= start)
            and (end is None or fill.time_ns // 1_000_000 <= end)
        ]
        cut = found[:limit] if first is not None or start is not None else found[-limit:]
        return [spot_bodies.my_trade(fill) for fill in cut]

    # -- what they share -------------------------------------------------------------------------

    def account(self, call: Call) -> SpotAccount:
        """Return the account of whoever asks."""
        return self._desk.accounts[call.account]

    def listing(self, params: Params) -> Listing:
        """Return the symbol that is asked about."""
        symbol = params.required("symbol") and params.symbol()
        listing = self._listings.get(symbol or "")
        if listing is None:
            raise invalid_symbol()
        return listing

    def symbols(self) -> list[str]:
        """Return the symbols that are traded."""
        return list(self._listings)

    def _named(self, call: Call, listing: Listing, id_name: str, client_name: str) -> ClientOrder | None:
        order_id, client_id = call.params.number(id_name), call.params.text(client_name)
        if order_id is None and client_id is None:
            raise ApiError(
                -1102,
                f"Param '{client_name}' or '{id_name}' must be sent, but both were empty/null!",
            )
        order = self.account(call).find(listing.synthetic(), order_id=order_id, client_id=client_id)
        if order is not None and client_id not in (None, order.client_id, *order.former_ids):
            return None
        return order


def discount_body(asset: str | None, discount: Decimal) -> dict[str, Any]:
    """State the discount on fees."""
    return {
        "enabledForAccount": asset is not None,
        "enabledForSymbol": True,
        "discountAsset": asset or "BNB",
        "discount": spot_bodies.amount(1 - discount if asset is not None else Decimal("0.75")),
    }


def _error_body(error: ApiError | None) -> Any:
    return None if error is None else {"code": error.code, "msg": error.msg}
