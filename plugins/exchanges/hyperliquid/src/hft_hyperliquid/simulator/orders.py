"""What clients of the simulated Hyperliquid do to their orders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from itertools import count
from typing import Any

from hft import Clock, Price, Side, Size, TimeInForce, Timer
from hft.money import product
from hft.sim import (
    ClientOrder,
    EndReason,
    LinearDesk,
    Reason,
    Refused,
    SelfTrade,
    SpotDesk,
    Trigger,
    TriggerPrice,
    lots_of,
    ticks_of,
)
from hft_hyperliquid.cloid import client_id_of
from hft_hyperliquid.simulator.auth import Malformed, Rejected
from hft_hyperliquid.simulator.bodies import NativeOrder
from hft_hyperliquid.simulator.listing import NS_PER_MS, Listing, number
from hft_hyperliquid.simulator.words import NEVER_PLACED, NOT_MODIFIED, refusal

__all__ = ["Trading"]

_TIMES = {"Gtc": TimeInForce.GTC, "Alo": TimeInForce.GTC, "Ioc": TimeInForce.IOC}
_SWITCH_MS = 5_000
_SWITCH_VOLUME = 1_000_000
_NO_MATCH = "Order could not immediately match against any resting orders."

Action = Mapping[str, Any]


class Trading:
    """Carries out the actions of accounts on both desks.

    ``volume`` tells what an account has traded in its life.
    """

    def __init__(
        self,
        spot: SpotDesk,
        perps: LinearDesk,
        listings: Iterable[Listing],
        clock: Clock,
        volume: Callable[[str], Decimal],
    ) -> None:
        self._spot = spot
        self._perps = perps
        self._by_asset = {listing.asset: listing for listing in listings}
        self._clock = clock
        self._volume = volume
        self._numbers = count(1)
        self.switches: dict[str, Timer] = {}
        """When everything of an account is cancelled."""
        self.actions: dict[str, Callable[[str, Action], Any]] = {
            "order": self.place,
            "cancel": self.cancel,
            "cancelByCloid": self.cancel_by_cloid,
            "modify": self.modify,
            "batchModify": self.modify_many,
            "scheduleCancel": self.schedule_cancel,
            "updateLeverage": self.update_leverage,
            "noop": lambda _name, _action: None,
            "setReferrer": lambda _name, _action: None,
            "reserveRequestWeight": lambda _name, _action: None,
        }

    def stop(self) -> None:
        """Cancel every timer."""
        for timer in self.switches.values():
            timer.cancel()

    # -- orders ------------------------------------------------------------------------------------

    def place(self, name: str, action: Action) -> list[Any]:
        """Place orders, each by itself."""
        if action.get("grouping") != "na":
            raise Rejected("Only orders that belong to no others are simulated, use the grouping 'na'")
        return [self._place(name, each) for each in _list(action, "orders")]

    def _place(self, name: str, asked: Any) -> Any:
        try:
            order, listing = self._read(name, asked)
        except _Wrong as wrong:
            return {"error": str(wrong)}
        desk = self._desk(listing)
        try:
            desk.place(order)
        except Refused as refused:
            return {"error": refusal(refused, listing)}
        return self._outcome(order, listing)

    @staticmethod
    def _outcome(order: ClientOrder, listing: Listing) -> Any:
        native: NativeOrder = order.native
        ids: dict[str, Any] = {"oid": order.id}
        if native.cloid is not None:
            ids["cloid"] = native.cloid
        if order.is_open:
            return {"resting": ids}
        if not order.filled:
            return {"error": f"{_NO_MATCH} asset={listing.asset}"}
        point = listing.market.instrument.point_value
        lots = listing.market.instrument.size_to_decimal(order.filled)
        average = round(product(order.turnover, point) / lots, 8)
        return {"filled": {"totalSz": listing.size(order.filled), "avgPx": number(average), **ids}}

    def _read(self, name: str, asked: Any) -> tuple[ClientOrder, Listing]:
        listing = self._by_asset.get(_field(asked, "a", int))
        if listing is None:
            raise _Wrong(f"Invalid asset. asset={asked['a']}")
        desk, market = self._desk(listing), listing.synthetic()
        side = Side.BUY if _field(asked, "b", bool) else Side.SELL
        price_text, kind = _field(asked, "p", str), _field(asked, "t", dict)
        price = self._price(listing, price_text)
        size = self._size(listing, _field(asked, "s", str))
        cloid = asked.get("c")
        if cloid is not None and not (isinstance(cloid, str) and len(cloid) == 34):
            raise Malformed
        trigger: Trigger | None = None
        tif: str | None = None
        shown: str | None = None
        is_market, tpsl = False, ""
        if "trigger" in kind:
            details = kind["trigger"]
            is_market, tpsl = _field(details, "isMarket", bool), _field(details, "tpsl", str)
            at = self._price(listing, _field(details, "triggerPx", str))
            level = market.instrument.price_to_decimal(at)
            shown = listing.price(at)
            rising = (side is Side.BUY) is (tpsl == "sl")
            by = TriggerPrice.LAST if listing.is_spot else TriggerPrice.MARK
            trigger = Trigger(level, rising, by)
        else:
            tif = _field(_field(kind, "limit", dict), "tif", str)
            if tif not in _TIMES:
                raise Malformed
        order = ClientOrder(
            account=desk.accounts[name],
            market=market,
            side=side,
            size=size,
            price=None if is_market else price,
            client_id=f"#{next(self._numbers)}" if cloid is None else client_id_of(cloid.lower()),
            time_in_force=_TIMES[tif] if tif else TimeInForce.GTC,
            post_only=tif == "Alo",
            reduce_only=_field(asked, "r", bool),
            self_trade=SelfTrade.EXPIRE_MAKER,
            trigger=trigger,
            native=NativeOrder(
                listing=listing,
                cloid=None if cloid is None else cloid.lower(),
                tif=tif,
                limit=listing.price(price),
                trigger=shown,
                is_market=is_market,
                tpsl=tpsl,
            ),
        )
        return order, listing

    @staticmethod
    def _price(listing: Listing, text: str) -> Price:
        instrument = listing.market.instrument
        try:
            price = ticks_of(instrument, _decimal(text))
        except Refused as refused:
            raise _Wrong(refusal(refused, listing)) from None
        if price <= 0:
            raise _Wrong(f"Order has invalid price. asset={listing.asset}")
        if not instrument.allows_price(price):
            raise _Wrong(refusal(Refused(Reason.TICK), listing))
        return price

    @staticmethod
    def _size(listing: Listing, text: str) -> Size:
        try:
            size = lots_of(listing.market.instrument, _decimal(text))
        except Refused as refused:
            raise _Wrong(refusal(refused, listing)) from None
        if size <= 0:
            raise _Wrong(f"Order has zero size. asset={listing.asset}")
        return size

    # -- cancels -----------------------------------------------------------------------------------

    def cancel(self, name: str, action: Action) -> list[Any]:
        """Cancel orders by the exchange's id."""
        found = []
        for each in _list(action, "cancels"):
            asset, order_id = _field(each, "a", int), _field(each, "o", int)
            found.append(self._cancel(asset, self.find(name, asset, order_id=order_id)))
        return found

    def cancel_by_cloid(self, name: str, action: Action) -> list[Any]:
        """Cancel orders by client id."""
        found = []
        for each in _list(action, "cancels"):
            asset, cloid = _field(each, "asset", int), _field(each, "cloid", str)
            found.append(self._cancel(asset, self.find(name, asset, cloid=cloid)))
        return found

    def _cancel(self, asset: int, order: ClientOrder | None) -> Any:
        if order is None or not order.is_open:
            return {"error": f"{NEVER_PLACED} asset={asset}"}
        self._desk(self._by_asset[asset]).cancel(order)
        return "success"

    def find(
        self, name: str, asset: int, *, order_id: int | None = None, cloid: str | None = None
    ) -> ClientOrder | None:
        """Return an order by either id, of several of one client id the newest; None where there is none."""
        listing = self._by_asset.get(asset)
        if listing is None:
            return None
        account = self._desk(listing).accounts[name]
        client_id = None if cloid is None else client_id_of(cloid.lower())
        return account.find(listing.synthetic(), order_id=order_id, client_id=client_id)

    def orders(self, name: str) -> list[ClientOrder]:
        """Return the orders of an account that are still served, oldest first."""
        found = [*self._spot.accounts[name].orders(), *self._perps.accounts[name].orders()]
        return sorted(found, key=lambda order: (order.created_ns, order.id))

    def open_orders(self, name: str) -> list[ClientOrder]:
        """Return the open orders of an account."""
        return [order for order in self.orders(name) if order.is_open]

    # -- modifications -----------------------------------------------------------------------------

    def modify(self, name: str, action: Action) -> None:
        """Replace an order; it is refused as a whole."""
        outcome = self._modify(name, action, always=bool(action.get("a")))
        if "error" in outcome:
            raise Rejected(outcome["error"])

    def modify_many(self, name: str, action: Action) -> list[Any]:
        """Replace orders, each by itself."""
        always = bool(action.get("a"))
        return [self._modify(name, each, always=always) for each in _list(action, "modifies")]

    def _modify(self, name: str, asked: Any, *, always: bool) -> Any:
        wanted = _field(asked, "order", dict)
        asset, named = _field(wanted, "a", int), asked.get("oid")
        old = (
            self.find(name, asset, cloid=named)
            if isinstance(named, str)
            else self.find(name, asset, order_id=named)
        )
        listing = self._by_asset.get(asset)
        if listing is None or old is None or (not old.is_open and not always):
            return {"error": NOT_MODIFIED}
        # The replacement may not trade at once: what is good till cancelled becomes post-only.
        kind = wanted.get("t", {})
        if kind == {"limit": {"tif": "Gtc"}}:
            wanted = {**wanted, "t": {"limit": {"tif": "Alo"}}}
        if old.is_open:
            self._desk(listing).cancel(old)
        placed = self._place(name, wanted)
        if "error" in placed:
            return {"error": f"Error placing new order during modify: {placed['error']}"}
        return placed

    # -- settings ----------------------------------------------------------------------------------

    def schedule_cancel(self, name: str, action: Action) -> None:
        """Cancel everything at a time, or take that back."""
        at_ms = action.get("time")
        now_ms = self._clock.now_ns() // NS_PER_MS
        if at_ms is not None:
            traded = self._volume(name)
            if traded < _SWITCH_VOLUME:
                raise Rejected(
                    "Cannot set scheduled cancel time until enough volume traded."
                    f" Required: ${_SWITCH_VOLUME}. Traded: ${traded:f}."
                )
            if type(at_ms) is not int or at_ms < now_ms + _SWITCH_MS:
                raise Rejected("Scheduled cancel time too early, must be at least 5 seconds from now.")
        timer = self.switches.pop(name, None)
        if timer is not None:
            timer.cancel()
        if at_ms is not None:
            self.switches[name] = self._clock.call_at(at_ms * NS_PER_MS, lambda: self._switch(name))

    def _switch(self, name: str) -> None:
        self.switches.pop(name, None)
        for order in self.open_orders(name):
            if order.is_open:
                self._desk(order.native.listing).cancel(order, EndReason.EXCHANGE)

    def update_leverage(self, name: str, action: Action) -> None:
        """Set the leverage of a perpetual."""
        listing = self._by_asset.get(_field(action, "asset", int))
        leverage, is_cross = _field(action, "leverage", int), _field(action, "isCross", bool)
        if listing is None or listing.is_spot or not 1 <= leverage <= listing.leverage:
            raise Rejected("Invalid leverage value")
        account, market = self._perps.accounts[name], listing.synthetic()
        is_isolated = market in account.isolated
        held = any(position.size for held, _, position in account.legs() if held is market)
        if held and is_isolated is is_cross:
            raise Rejected("Cannot switch leverage type with open position.")
        if is_cross:
            account.isolated.discard(market)
        else:
            account.isolated.add(market)
        account.set_leverage(market, leverage)

    def _desk(self, listing: Listing) -> SpotDesk | LinearDesk:
        return self._spot if listing.is_spot else self._perps


class _Wrong(Exception):
    """What is wrong with one order; its text is what the exchange says."""


def _decimal(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise Malformed from None
    if not value.is_finite() or len(text) > 40:
        raise Malformed
    return value


def _field(asked: Any, name: str, kind: type[Any]) -> Any:
    if not isinstance(asked, Mapping) or type(asked.get(name)) is not kind:
        raise Malformed
    return asked[name]


def _list(action: Action, name: str) -> list[Any]:
    found: list[Any] = _field(action, name, list)
    return found
