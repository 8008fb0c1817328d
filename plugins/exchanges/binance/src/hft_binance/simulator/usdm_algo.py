"""Conditional orders of the simulated futures: they wait apart from the book, then become orders."""

from __future__ import annotations

import random
from collections import OrderedDict
from decimal import Decimal
from itertools import count
from typing import Any

from hft import Clock, Side, Size, TimeInForce
from hft.sim import (
    ClientOrder,
    Fill,
    Leg,
    LinearDesk,
    MarginAccount,
    OrderEvent,
    Refused,
    Trigger,
    TriggerPrice,
)
from hft_binance.simulator.algo_order import ALGO_TYPES, AlgoOrder, AlgoState, algo_body, algo_event
from hft_binance.simulator.calls import Call
from hft_binance.simulator.listing import NS_PER_MS
from hft_binance.simulator.native import NativeOrder
from hft_binance.simulator.params import ApiError, Params, missing
from hft_binance.simulator.spot_reader import SIDES, new_client_id
from hft_binance.simulator.usdm_events import LEGS, UsdmEvents
from hft_binance.simulator.usdm_orders import UsdmOrders
from hft_binance.simulator.usdm_reader import SELF_TRADE_MODES
from hft_binance.simulator.words import api_error

__all__ = ["UsdmAlgos"]

_TIMES = {"GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK, "GTX": TimeInForce.GTC}
_PRICES = {"CONTRACT_PRICE": TriggerPrice.LAST, "MARK_PRICE": TriggerPrice.MARK}
_FIRST_ID = 2_000_000
_KEPT = 10_000
_MOST_OPEN = 200


class UsdmAlgos:
    """Takes conditional orders and sends them to the desk when their price comes."""

    def __init__(
        self, orders: UsdmOrders, desk: LinearDesk, events: UsdmEvents, clock: Clock, seed: int
    ) -> None:
        self._orders = orders
        self._desk = desk
        self._events = events
        self._clock = clock
        self._random = random.Random(f"{seed}:conditional orders")
        self._ids = count(_FIRST_ID)
        self._algos: OrderedDict[int, AlgoOrder] = OrderedDict()
        self._by_order: dict[ClientOrder, AlgoOrder] = {}
        desk.listeners.append(self)

    # -- requests --------------------------------------------------------------------------------

    def place(self, call: Call) -> Any:
        """Take a conditional order."""
        algo = self._read(call.params, self._orders.account(call))
        call.params.finish()
        waiting = self._open(algo.account)
        if any(other.client_id == algo.client_id for other in waiting):
            raise ApiError(-4116, "ClientOrderId is duplicated.")
        if len(waiting) >= _MOST_OPEN:
            raise ApiError(-4045, "Reach max stop order limit.")
        market = algo.listing.synthetic()
        now = self._desk.price(market, algo.trigger.by)
        if now is not None and algo.trigger.is_hit(now):
            raise ApiError(-2021, "Order would immediately trigger.")
        self._algos[algo.id] = algo
        self._forget_old()
        self._desk.triggers.add(algo, market, algo.trigger, lambda: self._go(algo))
        self._tell(algo)
        return algo_body(algo)

    def cancel(self, call: Call) -> Any:
        """Cancel a conditional order that still waits."""
        algo = self._named(call)
        call.params.finish()
        if algo is None or algo.state is not AlgoState.NEW:
            raise ApiError(-2011, "Unknown order sent.")
        self._cancel(algo)
        return {"algoId": algo.id, "clientAlgoId": algo.client_id, "code": "200", "msg": "success"}

    def cancel_all(self, call: Call) -> Any:
        """Cancel all conditional orders of a symbol."""
        listing = self._orders.listing(call.params)
        call.params.finish()
        for algo in self._open(self._orders.account(call)):
            if algo.listing is listing:
                self._cancel(algo)
        return {"code": 200, "msg": "The operation of cancel all open order is done."}

    def query(self, call: Call) -> Any:
        """Describe one conditional order."""
        algo = self._named(call)
        call.params.finish()
        if algo is None:
            raise ApiError(-2013, "Order does not exist.")
        return algo_body(algo)

    def open_orders(self, call: Call) -> Any:
        """Describe the conditional orders that wait."""
        return self._list(call, only_open=True)

    def all_orders(self, call: Call) -> Any:
        """Describe all conditional orders that are still known."""
        return self._list(call, only_open=False)

    def _list(self, call: Call, *, only_open: bool) -> Any:
        params, account = call.params, self._orders.account(call)
        listing = self._orders.listing(params) if params.has("symbol") else None
        limit = params.limit(500, 1000)
        for ignored in ("algoType", "algoId", "startTime", "endTime", "page"):
            params.text(ignored)
        params.finish()
        found = [
            algo
            for algo in self._algos.values()
            if algo.account is account
            and (listing is None or algo.listing is listing)
            and (not only_open or algo.state is AlgoState.NEW)
        ]
        return [algo_body(algo) for algo in found[-limit:]]

    # -- their lives -----------------------------------------------------------------------------

    def on_order(self, order: ClientOrder, event: OrderEvent, fill: Fill | None) -> None:
        """Follow the order that a conditional order became."""
        algo = self._by_order.get(order)
        if algo is None:
            return
        if event is OrderEvent.NEW:
            self._move(algo, AlgoState.TRIGGERED)
        elif not order.is_open:
            del self._by_order[order]
            self._move(algo, AlgoState.FINISHED)

    def _go(self, algo: AlgoOrder) -> None:
        if algo.state is not AlgoState.NEW:
            return
        algo.triggered_ns = self._clock.now_ns()
        self._move(algo, AlgoState.TRIGGERING)
        market, account = algo.listing.synthetic(), algo.account
        position = account.positions.get((market, algo.leg))
        size = algo.size
        if size is None:
            size = Size(abs(position.size) if position is not None else 0)
            if not size:
                self._move(algo, AlgoState.EXPIRED)
                return
        order = ClientOrder(
            account=account,
            market=market,
            side=algo.side,
            size=size,
            price=algo.price,
            client_id=algo.client_id,
            time_in_force=_TIMES[algo.time_in_force],
            post_only=algo.time_in_force == "GTX",
            reduce_only=algo.reduce_only or algo.size is None,
            leg=algo.leg,
            self_trade=SELF_TRADE_MODES[algo.self_trade],
            native=NativeOrder(
                listing=algo.listing,
                type=ALGO_TYPES[algo.type],
                original_type=algo.type,
                time_in_force=algo.time_in_force,
                self_trade=algo.self_trade,
                position_side=LEGS[algo.leg],
                working_type=algo.working_type,
                close_position=algo.size is None,
            ),
        )
        self._by_order[order] = algo
        algo.order = order
        try:
            self._desk.place(order)
        except Refused as refused:
            del self._by_order[order]
            algo.order = None
            algo.why = api_error(algo.listing, refused).msg
            self._move(algo, AlgoState.REJECTED)

    def _cancel(self, algo: AlgoOrder) -> None:
        self._desk.triggers.discard(algo, algo.listing.synthetic())
        self._move(algo, AlgoState.CANCELED)

    def _move(self, algo: AlgoOrder, state: AlgoState) -> None:
        algo.state, algo.updated_ns = state, self._clock.now_ns()
        self._tell(algo)

    def _tell(self, algo: AlgoOrder) -> None:
        self._events.publish(
            algo.account.id, "ALGO_UPDATE", self._clock.now_ns() // NS_PER_MS, {"o": algo_event(algo)}
        )

    # -- reading ---------------------------------------------------------------------------------

    def _read(self, params: Params, account: MarginAccount) -> AlgoOrder:
        if params.required("algoType") != "CONDITIONAL":
            raise ApiError(-1130, "Data sent for parameter 'algoType' is not valid.")
        listing = self._orders.listing(params)
        params.required("side")
        side = params.choice("side", SIDES, ApiError(-1117, "Invalid side."))
        assert side is not None
        kind = params.required("type")
        if kind not in ALGO_TYPES:
            # A trailing stop is a type of the exchange, but nothing follows a price here.
            raise ApiError(-1116, "Invalid orderType.")
        is_limit = ALGO_TYPES[kind] == "LIMIT"
        words = params.text("timeInForce") or "GTC"
        if words not in _TIMES:
            raise ApiError(-1115, "Invalid timeInForce.")
        trigger_price = params.decimal("triggerPrice")
        if trigger_price is None:
            raise missing("triggerPrice")
        price, quantity, closes = (
            params.decimal("price"),
            params.decimal("quantity"),
            params.flag("closePosition"),
        )
        if is_limit and price is None:
            raise missing("price")
        if not quantity and (is_limit or not closes):
            raise missing("quantity")
        if closes and quantity is not None:
            raise ApiError(-1106, "Parameter 'quantity' sent when not required.")
        working_type = params.text("workingType") or "CONTRACT_PRICE"
        if working_type not in _PRICES:
            raise ApiError(-1130, "Data sent for parameter 'workingType' is not valid.")
        for ignored in ("priceProtect", "newOrderRespType", "goodTillDate"):
            params.text(ignored)
        mode = params.text("selfTradePreventionMode") or "EXPIRE_MAKER"
        if mode not in SELF_TRADE_MODES:
            raise ApiError(-1130, "Data sent for parameter 'selfTradePreventionMode' is not valid.")
        leg, reduce_only = self._orders.reader.position_side(params, account)
        if account.is_hedged is (leg is Leg.NET):
            raise ApiError(-4061, "Order's position side does not match user's setting.")
        ticks, lots = self._orders.reader.grid(
            listing, price, quantity if quantity is not None else Decimal(1)
        )
        self._orders.reader.grid(listing, trigger_price, Decimal(1))
        now_ns = self._clock.now_ns()
        client_id = (
            self._orders.reader.client_id(params, "clientAlgoId")
            if params.has("clientAlgoId")
            else new_client_id(self._random)
        )
        return AlgoOrder(
            id=next(self._ids),
            client_id=client_id,
            account=account,
            listing=listing,
            type=kind,
            side=side,
            leg=leg,
            size=None if closes else lots,
            price=ticks,
            time_in_force=words,
            trigger=Trigger(
                trigger_price, rising=kind.startswith("STOP") is (side is Side.BUY), by=_PRICES[working_type]
            ),
            working_type=working_type,
            reduce_only=reduce_only,
            self_trade=mode,
            created_ns=now_ns,
            updated_ns=now_ns,
        )

    def _named(self, call: Call) -> AlgoOrder | None:
        algo_id, client_id = call.params.number("algoId"), call.params.text("clientAlgoId")
        call.params.symbol()
        if algo_id is None and client_id is None:
            raise ApiError(-1102, "Param 'clientAlgoId' or 'algoId' must be sent, but both were empty/null!")
        account = self._orders.account(call)
        for algo in reversed(self._algos.values()):
            if algo.account is account and (
                algo.id == algo_id if algo_id is not None else algo.client_id == client_id
            ):
                return algo
        return None

    def _open(self, account: MarginAccount) -> list[AlgoOrder]:
        return [
            algo for algo in self._algos.values() if algo.account is account and algo.state is AlgoState.NEW
        ]

    def _forget_old(self) -> None:
        while len(self._algos) > _KEPT:
            oldest = next(algo for algo in self._algos.values() if algo.state is not AlgoState.NEW)
            del self._algos[oldest.id]
