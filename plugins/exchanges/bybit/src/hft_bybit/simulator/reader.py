"""Read orders of the simulated Bybit from the parameters of a request."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_FLOOR, Decimal
from itertools import count

import attrs

from hft import Price, Side, Size, TimeInForce
from hft.sim import (
    ClientOrder,
    Desk,
    DeskAccount,
    Leg,
    MarginAccount,
    Refused,
    RestingOrder,
    SelfTrade,
    Trigger,
    TriggerPrice,
    lots_of,
    ticks_of,
)
from hft_bybit.endpoints import Product
from hft_bybit.simulator.listing import Listing
from hft_bybit.simulator.native import HIDDEN, NativeOrder
from hft_bybit.simulator.params import ApiError, Params, invalid
from hft_bybit.simulator.words import api_error, unknown_symbol

__all__ = ["OrderReader"]

_SIDES = {"Buy": Side.BUY, "Sell": Side.SELL}
_TIMES = {
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
    "PostOnly": TimeInForce.GTC,
}
_SMP = {
    "None": SelfTrade.ALLOW,
    "CancelMaker": SelfTrade.EXPIRE_MAKER,
    "CancelTaker": SelfTrade.EXPIRE_TAKER,
    "CancelBoth": SelfTrade.EXPIRE_BOTH,
}
_LEGS = {"0": Leg.NET, "1": Leg.LONG, "2": Leg.SHORT}
_TRIGGERS = {"LastPrice": TriggerPrice.LAST, "MarkPrice": TriggerPrice.MARK, "IndexPrice": TriggerPrice.MARK}
_DIRECTIONS = {"1": True, "2": False}
_UNITS = {"baseCoin": False, "quoteCoin": True}

_CAP = Decimal("0.05")
"""How far from the best price the limit of a market order lies."""


@attrs.frozen
class OrderReader:
    """Makes orders of requests: symbols, grids, sides, ids."""

    listings: Mapping[tuple[Product, str], Listing]
    desks: Mapping[Product, Desk[DeskAccount]]
    _names: count[int] = attrs.field(factory=lambda: count(1))

    def listing(self, params: Params, product: Product) -> Listing:
        """Return the symbol that is asked about."""
        listing = self.listings.get((product, params.required("symbol")))
        if listing is None:
            raise unknown_symbol(product)
        return listing

    def read(self, params: Params, product: Product, account: DeskAccount) -> ClientOrder:
        """Read a new order; raise `ApiError` for what is none."""
        listing = self.listing(params, product)
        side = params.choice("side", _SIDES)
        kind = params.choice("orderType", {"Limit": "Limit", "Market": "Market"})
        words = "IOC" if kind == "Market" else params.text("timeInForce") or "GTC"
        if words not in _TIMES:
            raise invalid("timeInForce")
        price = params.decimal("price") if kind == "Limit" else None
        if kind == "Limit" and price is None:
            raise invalid("price")
        ticks, lots = self._grid(listing, params, side, price)
        smp = params.text("smpType") or "None"
        trigger, native = self._trigger(params, listing, side)
        leg = self._leg(params, product, account)
        return ClientOrder(
            account=account,
            market=listing.synthetic(),
            side=side,
            size=lots,
            price=ticks,
            client_id=self._client_id(params, listing, account),
            time_in_force=_TIMES[words],
            post_only=words == "PostOnly",
            reduce_only=product is Product.LINEAR and params.flag("reduceOnly"),
            leg=leg,
            self_trade=params.choice("smpType", _SMP, "None"),
            trigger=trigger,
            native=attrs.evolve(
                native,
                type=kind,
                time_in_force=words,
                cap=self._cap(listing, side) if kind == "Market" else "0",
                smp=smp,
                position_idx=int(params.text("positionIdx") or 0),
                market_unit=params.text("marketUnit"),
            ),
        )

    def grid(
        self, listing: Listing, price: Decimal | None, quantity: Decimal | None
    ) -> tuple[Price | None, Size | None]:
        """Put price and size on the grid; raise `ApiError` where they are not."""
        instrument = listing.instrument
        if quantity is not None and quantity <= 0:
            raise invalid("Qty")
        try:
            return (
                None if price is None else ticks_of(instrument, price),
                None if quantity is None else lots_of(instrument, quantity),
            )
        except Refused as refused:
            raise api_error(listing.product, refused) from None

    def _grid(
        self, listing: Listing, params: Params, side: Side, price: Decimal | None
    ) -> tuple[Price | None, Size]:
        quantity = params.decimal("qty")
        if quantity is None:
            raise invalid("qty")
        default = "quoteCoin" if side is Side.BUY else "baseCoin"
        if price is None and listing.product is Product.SPOT and params.choice("marketUnit", _UNITS, default):
            return None, self._for_money(listing, side, quantity)
        ticks, lots = self.grid(listing, price, quantity)
        assert lots is not None
        return ticks, lots

    @staticmethod
    def _for_money(listing: Listing, side: Side, money: Decimal) -> Size:
        """Return how much can be traded at once for an amount of quote currency."""
        budget = int((money / listing.instrument.point_value).to_integral_value(ROUND_FLOOR))
        everything = Size(10**9)
        lots, _ = listing.synthetic().engine.sweep(RestingOrder(0, side, None, everything, None), budget)
        if not lots:
            raise ApiError(170140, "Order value exceeded lower limit.")
        return lots

    @staticmethod
    def _trigger(params: Params, listing: Listing, side: Side) -> tuple[Trigger | None, NativeOrder]:
        words = NativeOrder(listing=listing, type="Limit", time_in_force="GTC")
        price = params.decimal("triggerPrice")
        if not price:
            return None, words
        if listing.product is Product.SPOT:
            raise ApiError(170210, "New order rejected.")
        direction = params.text("triggerDirection") or ("1" if side is Side.BUY else "2")
        if direction not in _DIRECTIONS:
            raise invalid("triggerDirection")
        by = params.text("triggerBy") or "LastPrice"
        trigger = Trigger(
            price, rising=_DIRECTIONS[direction], by=params.choice("triggerBy", _TRIGGERS, "LastPrice")
        )
        return trigger, attrs.evolve(
            words,
            trigger_price=params.text("triggerPrice"),
            trigger_direction=int(direction),
            trigger_by=by,
            order_filter="StopOrder",
        )

    @staticmethod
    def _leg(params: Params, product: Product, account: DeskAccount) -> Leg:
        if product is Product.SPOT:
            return Leg.NET
        leg = params.choice("positionIdx", _LEGS, "0")
        assert isinstance(account, MarginAccount)
        if account.is_hedged is (leg is Leg.NET):
            raise ApiError(10001, "position idx not match position mode")
        return leg

    def _client_id(self, params: Params, listing: Listing, account: DeskAccount) -> str:
        client_id = params.client_id()
        if not client_id:
            return f"{HIDDEN}{next(self._names)}"
        # Ids are never used twice, also not after their order has ended.
        if account.find(listing.synthetic(), client_id=client_id) is not None:
            code = 110072 if listing.product is Product.LINEAR else 170141
            message = "OrderLinkedID is duplicate" if code == 110072 else "Duplicate clientOrderId"
            raise ApiError(code, message)
        return client_id

    @staticmethod
    def _cap(listing: Listing, side: Side) -> str:
        best = listing.synthetic().engine.best(side.opposite)
        if best is None:
            return "0"
        return listing.price(int(best[0] * (1 + side.sign * _CAP)))
