"""The order requests of the simulated Bybit."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from hft.sim import ClientOrder, Desk, DeskAccount, EndReason, Reason, Refused
from hft_bybit.endpoints import Product
from hft_bybit.simulator import bodies
from hft_bybit.simulator.calls import Answer, Call
from hft_bybit.simulator.listing import NS_PER_MS, Listing, order_number
from hft_bybit.simulator.native import link_id, native
from hft_bybit.simulator.params import ApiError, Params, invalid
from hft_bybit.simulator.reader import OrderReader
from hft_bybit.simulator.words import api_error, unknown_order

__all__ = ["MOST_IN_BATCH", "Orders", "batch_size", "page_of"]

MOST_IN_BATCH = {Product.LINEAR: 20, Product.SPOT: 10}
_MOST_CANCELED = 500

_CURSOR = "page_args%3D{}%26"


class Orders:
    """Places, changes and finds orders of both products.

    A success says that a request was taken. What it led to is told by the private stream.
    """

    def __init__(self, reader: OrderReader, desks: Mapping[Product, Desk[Any]]) -> None:
        self._reader = reader
        self._desks = desks

    # -- one order -------------------------------------------------------------------------------

    def place(self, call: Call) -> Answer:
        """Place an order."""
        return Answer(self._place(call.params, call.product, call.account))

    def amend(self, call: Call) -> Answer:
        """Change an order."""
        return Answer(self._amend(call.params, call.product, call.account))

    def cancel(self, call: Call) -> Answer:
        """Cancel an order."""
        return Answer(self._cancel(call.params, call.product, call.account))

    def _place(self, params: Params, product: Product, account: str) -> dict[str, str]:
        order = self._reader.read(params, product, self.account(product, account))
        try:
            self._desks[product].place(order)
        except Refused as refused:
            raise api_error(product, refused) from None
        return _ids(order)

    def _amend(self, params: Params, product: Product, account: str) -> dict[str, str]:
        order = self._named(params, product, account)
        price, quantity = params.decimal("price"), params.decimal("qty")
        if price is None and quantity is None:
            raise invalid("qty and price")
        if not order.is_open:
            raise unknown_order(product)
        ticks, lots = self._reader.grid(native(order).listing, price, quantity)
        desk = self._desks[product]
        try:
            desk.amend(order, order.size if lots is None else lots, ticks)
        except Refused as refused:
            if refused.reason is not Reason.WOULD_TAKE:
                raise api_error(product, refused) from None
            desk.cancel(order, EndReason.NOT_COVERED)
        return _ids(order)

    def _cancel(self, params: Params, product: Product, account: str) -> dict[str, str]:
        order = self._named(params, product, account)
        if not order.is_open:
            raise unknown_order(product)
        self._desks[product].cancel(order)
        return _ids(order)

    def cancel_all(self, call: Call) -> Answer:
        """Cancel the open orders of a symbol, of a base or settlement currency, or all of spot."""
        params, product = call.params, call.product
        names = ("symbol", "baseCoin", "settleCoin")
        if product is Product.LINEAR and not any(params.text(name) for name in names):
            raise ApiError(10001, "params error: symbol, baseCoin or settleCoin is required")
        canceled = []
        for order in self._open(product, call.account, params)[:_MOST_CANCELED]:
            self._desks[product].cancel(order)
            canceled.append(_ids(order))
        return Answer({"list": canceled, "success": "1"})

    def end_all(self, account: str, product: Product) -> None:
        """Cancel everything because nobody is connected any more."""
        desk = self._desks[product]
        for order in desk.accounts[account].open_orders():
            native(order).by_dead_man = True
            desk.cancel(order, EndReason.EXCHANGE)

    # -- several orders --------------------------------------------------------------------------

    def place_batch(self, call: Call) -> Answer:
        """Place several orders, each by itself."""
        return self._batch(call, self._place)

    def amend_batch(self, call: Call) -> Answer:
        """Change several orders, each by itself."""
        return self._batch(call, self._amend)

    def cancel_batch(self, call: Call) -> Answer:
        """Cancel several orders, each by itself."""
        return self._batch(call, self._cancel)

    def _batch(self, call: Call, act: Callable[[Params, Product, str], dict[str, str]]) -> Answer:
        product = call.product
        parts = _parts(call.params)
        if not 0 < len(parts) <= MOST_IN_BATCH[product]:
            raise ApiError(10001, f"The number of orders in a batch is 1 to {MOST_IN_BATCH[product]}")
        results, verdicts = [], []
        for part in parts:
            params = Params.of_json(part)
            head = {"category": product.value, "symbol": params.text("symbol")}
            try:
                ids, verdict = act(params, product, call.account), {"code": 0, "msg": "OK"}
            except ApiError as error:
                ids = {"orderId": "", "orderLinkId": params.text("orderLinkId")}
                verdict = {"code": error.code, "msg": error.message}
            results.append({**head, **ids, "createAt": ""})
            verdicts.append(verdict)
        return Answer({"list": results}, {"list": verdicts})

    # -- asking ----------------------------------------------------------------------------------

    def realtime(self, call: Call) -> Answer:
        """List open orders, or those that ended of late."""
        params, product = call.params, call.product
        if params.number("openOnly", 0):
            found = [order for order in self._known(product, call.account, params) if not order.is_open]
            found = found[:500]
        else:
            names = ("symbol", "baseCoin", "settleCoin", "orderId", "orderLinkId")
            if product is Product.LINEAR and not any(params.text(name) for name in names):
                raise ApiError(10001, "params error: symbol, baseCoin or settleCoin is required")
            found = self._open(product, call.account, params)
        return self._page(found, params, product)

    def history(self, call: Call) -> Answer:
        """List orders that have ended."""
        known = self._known(call.product, call.account, call.params)
        return self._page([order for order in known if not order.is_open], call.params, call.product)

    def _page(self, found: list[ClientOrder], params: Params, product: Product) -> Answer:
        listed, cursor = page_of(found, params, default=20, most=50)
        return Answer(
            {
                "category": product.value,
                "nextPageCursor": cursor,
                "list": [bodies.order_body(order) for order in listed],
            }
        )

    def _open(self, product: Product, account: str, params: Params) -> list[ClientOrder]:
        orders = self.account(product, account).open_orders()
        return [order for order in reversed(orders) if self._is_meant(order, params)]

    def _known(self, product: Product, account: str, params: Params) -> list[ClientOrder]:
        orders = self.account(product, account).orders()
        return [order for order in reversed(orders) if self._is_meant(order, params)]

    @staticmethod
    def _is_meant(order: ClientOrder, params: Params) -> bool:
        listing = native(order).listing
        instrument = listing.instrument
        wanted = {
            "symbol": listing.symbol,
            "baseCoin": instrument.base,
            "settleCoin": instrument.settle,
            "orderId": listing.order_id(order.id),
            "orderLinkId": link_id(order),
        }
        if params.text("orderFilter") not in ("", native(order).order_filter):
            return False
        return all(params.text(name) in ("", value) for name, value in wanted.items()) and _is_within(
            order.created_ns, params
        )

    # -- what they share -------------------------------------------------------------------------

    def account(self, product: Product, name: str) -> DeskAccount:
        """Return an account of a product."""
        account: DeskAccount = self._desks[product].accounts[name]
        return account

    def _named(self, params: Params, product: Product, account: str) -> ClientOrder:
        """Return the order that a request names; where both ids are given the exchange's counts."""
        listing: Listing = self._reader.listing(params, product)
        order_id, client_id = params.text("orderId"), params.client_id()
        if not order_id and not client_id:
            raise invalid("orderId or orderLinkId")
        number = order_number(product, order_id) if order_id else None
        found = self.account(product, account).find(
            listing.synthetic(), order_id=number, client_id=client_id or None
        )
        if found is None:
            raise unknown_order(product)
        return found


def page_of(found: list[Any], params: Params, *, default: int, most: int) -> tuple[list[Any], str]:
    """Cut a page out of a list; return the cursor of the next, empty where there is none."""
    limit = params.limit(default, most)
    text = params.text("cursor").removeprefix("page_args%3D").removesuffix("%26")
    begin = int(text) if text.isdecimal() and text.isascii() else 0
    more = begin + limit < len(found)
    return found[begin : begin + limit], _CURSOR.format(begin + limit) if more else ""


def batch_size(params: Params) -> int:
    """Return how many orders a batch has, for the buckets."""
    try:
        return max(1, len(_parts(params)))
    except ApiError:
        return 1


def _parts(params: Params) -> list[Any]:
    try:
        parts = json.loads(params.text("request") or "[]")
    except ValueError:
        raise invalid("request") from None
    if not isinstance(parts, list):
        raise invalid("request")
    return parts


def _is_within(time_ns: int, params: Params) -> bool:
    begin, end = params.number("startTime"), params.number("endTime")
    time_ms = time_ns // NS_PER_MS
    return (begin is None or time_ms >= begin) and (end is None or time_ms <= end)


def _ids(order: ClientOrder) -> dict[str, str]:
    return {"orderId": native(order).listing.order_id(order.id), "orderLinkId": link_id(order)}
