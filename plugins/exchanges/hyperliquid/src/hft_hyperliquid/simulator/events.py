"""What happens to orders and money at the simulated Hyperliquid: remembered, and told to the feeds."""

from __future__ import annotations

from collections import defaultdict, deque
from decimal import Decimal
from typing import Any

import msgspec

from hft import Clock
from hft.sim import (
    ClientOrder,
    EventQueue,
    Fill,
    IncomeKind,
    Leg,
    MarginAccount,
    OrderEvent,
    SyntheticMarket,
)
from hft_hyperliquid.simulator.auth import Directory
from hft_hyperliquid.simulator.bodies import NativeOrder, fill_body, order_update
from hft_hyperliquid.simulator.listing import NS_PER_MS, Listing, number

__all__ = ["Events", "frame"]

_KEPT = 10_000

_UNTOLD = (OrderEvent.AMENDED, OrderEvent.PREVENTED)

_encode = msgspec.json.Encoder().encode


def frame(channel: str, data: Any) -> str:
    """Write a frame of the websocket."""
    return _encode({"channel": channel, "data": data}).decode()


class Events:
    """Listens to the desks. Topics are ``orderUpdates/NAME``, ``userFills/NAME`` and so on."""

    def __init__(
        self,
        queue: EventQueue,
        clock: Clock,
        directory: Directory,
        listings: dict[SyntheticMarket, Listing],
    ) -> None:
        self.fills: defaultdict[str, deque[dict[str, Any]]] = defaultdict(lambda: deque(maxlen=_KEPT))
        self.fundings: defaultdict[str, deque[dict[str, Any]]] = defaultdict(lambda: deque(maxlen=_KEPT))
        self.volume: defaultdict[str, Decimal] = defaultdict(Decimal)
        self._queue = queue
        self._clock = clock
        self._directory = directory
        self._listings = listings

    def on_order(self, order: ClientOrder, event: OrderEvent, fill: Fill | None) -> None:
        """Tell what happened to an order."""
        name = order.account.id
        if fill is not None:
            self._on_fill(name, fill)
            # That a part of it has traded is told by the fill alone.
            if order.is_open:
                return
        elif event in _UNTOLD or (event is OrderEvent.NEW and not _rests(order)):
            return
        self._publish("orderUpdates", name, [order_update(order)])

    def _on_fill(self, name: str, fill: Fill) -> None:
        address = self._directory.address(name)
        body = fill_body(fill, address)
        self.fills[name].append(body)
        self.volume[name] += Decimal(body["px"]) * Decimal(body["sz"])
        self._publish("userFills", name, {"user": address, "fills": [body]})
        self._publish("user", name, {"fills": [body]})

    def on_money(
        self,
        account: MarginAccount,
        kind: IncomeKind,
        asset: str,
        amount: Decimal,
        market: SyntheticMarket | None,
    ) -> None:
        """Tell of funding; nothing else comes by these feeds."""
        if kind is not IncomeKind.FUNDING or market is None or not amount:
            return
        listing, rate = (
            self._listings[market],
            Decimal(0) if market.mark is None else market.mark.funding_rate,
        )
        body = {
            "time": self._clock.now_ns() // NS_PER_MS,
            "coin": listing.coin,
            "usdc": number(amount),
            "szi": listing.size(account.position(market, Leg.NET).size),
            "fundingRate": number(rate),
        }
        self.fundings[account.id].append(body)
        user = self._directory.address(account.id)
        self._publish("userFundings", account.id, {"user": user, "fundings": [body]})
        self._publish("user", account.id, {"funding": body})

    def on_margin_call(self, account: MarginAccount, asset: str) -> None:
        """Say nothing: this exchange does not warn."""

    def _publish(self, channel: str, name: str, data: Any) -> None:
        topic = f"{channel}/{name}"
        if self._queue.is_wanted(topic):
            self._queue.publish(topic, frame(channel, data))


def _rests(order: ClientOrder) -> bool:
    native = order.native
    return isinstance(native, NativeOrder) and (native.trigger is not None or native.tif in ("Gtc", "Alo"))
