"""Orders of the simulated OKX: read, placed, amended, cancelled, found."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from itertools import count
from typing import Any

from hft import Clock, OrderState, Side, Size, TimeInForce
from hft.sim import (
    ClientOrder,
    DeskAccount,
    Leg,
    LinearDesk,
    MarginAccount,
    Refused,
    SelfTrade,
    SpotDesk,
    lots_of,
    ticks_of,
)
from hft_okx.simulator.bodies import Body
from hft_okx.simulator.errors import ApiError, api_error, parameter
from hft_okx.simulator.listing import NS_PER_MS, Listing
from hft_okx.simulator.native import NativeOrder, native

__all__ = ["Orders", "text"]

_CLIENT_ID = re.compile(r"[A-Za-z0-9]{1,32}")
_TAG = re.compile(r"[A-Za-z0-9]{0,16}")
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
_TYPES = {
    "limit": (TimeInForce.GTC, True),
    "post_only": (TimeInForce.GTC, True),
    "ioc": (TimeInForce.IOC, True),
    "fok": (TimeInForce.FOK, True),
    "market": (TimeInForce.IOC, False),
    "optimal_limit_ioc": (TimeInForce.IOC, False),
}
_LEGS = {"net": Leg.NET, "": Leg.NET, "long": Leg.LONG, "short": Leg.SHORT}
_PREVENTION = {
    "": SelfTrade.EXPIRE_MAKER,
    "cancel_maker": SelfTrade.EXPIRE_MAKER,
    "cancel_taker": SelfTrade.EXPIRE_TAKER,
    "cancel_both": SelfTrade.EXPIRE_BOTH,
}

Arg = Mapping[str, Any]


def text(arg: Arg, name: str) -> str:
    """Return a parameter as text, empty where there is none."""
    value = arg.get(name)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class Orders:
    """Carries out what is asked about single orders of an account; raises `ApiError` where it cannot.

    ``spot_modes`` are the trade modes that spot takes in this kind of account.
    """

    def __init__(
        self,
        spot: SpotDesk,
        swap: LinearDesk,
        listings: Iterable[Listing],
        clock: Clock,
        *,
        spot_modes: frozenset[str],
    ) -> None:
        self.listings = {listing.name: listing for listing in listings}
        self._by_code = {str(listing.code): listing for listing in self.listings.values()}
        self._spot = spot
        self._swap = swap
        self._clock = clock
        self._spot_modes = spot_modes
        self._unnamed = count(1)

    # -- what is asked -----------------------------------------------------------------------------

    def place(self, account: str, arg: Arg, *, ws: bool) -> Body:
        """Place an order."""
        listing = self.listing(arg, ws=ws)
        order = self._read(account, listing, arg)
        try:
            (self._swap if listing.is_swap else self._spot).place(order)
        except Refused as refused:
            raise api_error(refused) from None
        return self._item(order)

    def amend(self, account: str, arg: Arg, *, ws: bool) -> Body:
        """Change an order's price, its whole size, or both."""
        listing = self.listing(arg, ws=ws)
        order = self.named(account, listing, arg)
        if order is None:
            raise ApiError("51503", "Order modification failed as the order does not exist.")
        if not order.is_open:
            code = "51510" if order.state is OrderState.FILLED else "51509"
            raise ApiError(code, "Modification failed as the order has been completed or canceled.")
        instrument = listing.market.instrument
        size, price = text(arg, "newSz"), text(arg, "newPx")
        if not (size or price):
            raise parameter("newSz")
        words = native(order)
        words.request_id = text(arg, "reqId")
        desk = self._swap if listing.is_swap else self._spot
        try:
            lots = lots_of(instrument, _number(size, "newSz")) if size else order.size
            ticks = ticks_of(instrument, _number(price, "newPx")) if price else order.price
            if lots <= order.filled + order.prevented:
                words.is_shrunk = True
                desk.cancel(order)
            else:
                desk.amend(order, lots, ticks)
        except Refused as refused:
            if text(arg, "cxlOnFail") == "true" and order.is_open:
                desk.cancel(order)
            raise api_error(refused) from None
        return self._item(order, request_id=words.request_id)

    def cancel(self, account: str, arg: Arg, *, ws: bool) -> Body:
        """Cancel an order."""
        listing = self.listing(arg, ws=ws)
        order = self.named(account, listing, arg)
        if order is None:
            raise ApiError(
                "51400", "Cancellation failed as the order has been filled, canceled or does not exist."
            )
        if not order.is_open:
            code = "51402" if order.state is OrderState.FILLED else "51401"
            raise ApiError(code, "Cancellation failed as the order is completed or already canceled.")
        (self._swap if listing.is_swap else self._spot).cancel(order)
        return self._item(order)

    # -- finding -----------------------------------------------------------------------------------

    def listing(self, arg: Arg, *, ws: bool = False) -> Listing:
        """Return the instrument that is meant: by its number over the websocket, by its name over REST."""
        if ws:
            code = text(arg, "instIdCode")
            if not code:
                raise parameter("instIdCode")
            found = self._by_code.get(code)
        else:
            name = text(arg, "instId")
            if not name:
                raise parameter("instId")
            found = self.listings.get(name)
        if found is None:
            raise ApiError("51001", "Instrument ID does not exist.")
        return found

    def account(self, account: str, listing: Listing) -> DeskAccount:
        """Return the part of an account that trades an instrument."""
        return self._swap.accounts[account] if listing.is_swap else self._spot.accounts[account]

    def named(self, account: str, listing: Listing, arg: Arg) -> ClientOrder | None:
        """Return the order that ``ordId`` or ``clOrdId`` name."""
        order_id, client_id = text(arg, "ordId"), text(arg, "clOrdId")
        if not (order_id or client_id):
            raise parameter("ordId")
        if order_id and not order_id.isdigit():
            raise parameter("ordId")
        holder = self.account(account, listing)
        if order_id:
            return holder.find(listing.synthetic(), order_id=int(order_id))
        return holder.find(listing.synthetic(), client_id=client_id)

    def all(self, account: str) -> list[ClientOrder]:
        """Return every order of an account that is still served, the newest first."""
        orders = [*self._spot.accounts[account].orders(), *self._swap.accounts[account].orders()]
        return sorted(orders, key=lambda order: order.id, reverse=True)

    # -- reading -----------------------------------------------------------------------------------

    def _read(self, account: str, listing: Listing, arg: Arg) -> ClientOrder:
        holder = self.account(account, listing)
        kind = text(arg, "ordType")
        if kind not in _TYPES or (kind == "optimal_limit_ioc" and not listing.is_swap):
            raise parameter("ordType")
        side = _SIDES.get(text(arg, "side"))
        if side is None:
            raise parameter("side")
        client_id, tag = text(arg, "clOrdId"), text(arg, "tag")
        if client_id and not _CLIENT_ID.fullmatch(client_id):
            raise parameter("clOrdId")
        if not _TAG.fullmatch(tag):
            raise parameter("tag")
        prevention = text(arg, "stpMode")
        if prevention not in _PREVENTION:
            raise parameter("stpMode")
        if kind == "fok" and prevention == "cancel_both":
            raise ApiError("54036", "STP mode cancel_both is not supported for FOK orders.")
        if arg.get("attachAlgoOrds"):
            raise parameter("attachAlgoOrds")  # not simulated
        time_in_force, has_price = _TYPES[kind]
        instrument = listing.market.instrument
        try:
            price = ticks_of(instrument, _number(text(arg, "px"), "px")) if has_price else None
            size = self._size(listing, side, arg) if not has_price else None
            lots = lots_of(instrument, _number(text(arg, "sz"), "sz")) if size is None else size
        except Refused as refused:
            raise api_error(refused) from None
        leg = self._leg(holder, listing, arg)
        mode = self._trade_mode(holder, listing, arg)
        return ClientOrder(
            account=holder,
            market=listing.synthetic(),
            side=side,
            size=lots,
            price=price,
            client_id=client_id or f"unnamed-{next(self._unnamed)}",
            time_in_force=time_in_force,
            post_only=kind == "post_only",
            reduce_only=listing.is_swap and leg is Leg.NET and text(arg, "reduceOnly") == "true",
            leg=leg,
            self_trade=_PREVENTION[prevention],
            native=NativeOrder(
                listing=listing,
                type=kind,
                trade_mode=mode,
                client_id=client_id,
                tag=tag,
                target=text(arg, "tgtCcy"),
                stp_mode=prevention or "cancel_maker",
            ),
        )

    def _size(self, listing: Listing, side: Side, arg: Arg) -> Size | None:
        """Return the lots of a market order that is sized in quote currency, None for every other."""
        if listing.is_swap:
            return None
        target = text(arg, "tgtCcy") or ("quote_ccy" if side is Side.BUY else "base_ccy")
        if target not in ("quote_ccy", "base_ccy"):
            raise parameter("tgtCcy")
        if target == "base_ccy":
            return None
        left, lots = _number(text(arg, "sz"), "sz"), 0
        instrument = listing.market.instrument
        for price, size in listing.market.levels(side.opposite):
            worth = instrument.notional(price, 1)
            taken = min(int(size), int(left / worth))
            lots += taken
            left -= taken * worth
            if taken < size:
                break
        if not lots:
            raise ApiError("51020", "Your order should meet or exceed the minimum order amount.")
        return Size(lots)

    @staticmethod
    def _leg(holder: DeskAccount, listing: Listing, arg: Arg) -> Leg:
        leg = _LEGS.get(text(arg, "posSide"))
        if leg is None:
            raise parameter("posSide")
        if not listing.is_swap:
            return Leg.NET
        assert isinstance(holder, MarginAccount)
        if holder.is_hedged is (leg is Leg.NET):
            raise parameter("posSide")
        return leg

    def _trade_mode(self, holder: DeskAccount, listing: Listing, arg: Arg) -> str:
        mode = text(arg, "tdMode")
        if not listing.is_swap:
            if mode not in self._spot_modes:
                raise parameter("tdMode")
            return mode
        if mode not in ("cross", "isolated"):
            raise parameter("tdMode")
        assert isinstance(holder, MarginAccount)
        market = listing.synthetic()
        if (market in holder.isolated) is not (mode == "isolated"):
            held = any(found is market and position.size for found, _, position in holder.legs())
            if held or holder.open_orders(market):
                raise ApiError("51010", "The operation is not supported in the current account mode.")
            change: Callable[[Any], None] = (
                holder.isolated.add if mode == "isolated" else holder.isolated.discard
            )
            change(market)
        return mode

    def _item(self, order: ClientOrder, *, request_id: str | None = None) -> Body:
        words = native(order)
        item = {"ordId": str(order.id), "clOrdId": words.client_id, "tag": words.tag}
        if request_id is not None:
            item["reqId"] = request_id
        return item | {
            "ts": str(self._clock.now_ns() // NS_PER_MS),
            "sCode": "0",
            "sMsg": "",
            "subCode": "",
        }


def _number(value: str, name: str) -> Decimal:
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise parameter(name) from None
    if not (number.is_finite() and number > 0):
        raise parameter(name)
    return number
