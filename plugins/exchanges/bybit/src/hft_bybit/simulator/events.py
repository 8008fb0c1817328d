"""What the simulated Bybit tells on the private stream."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from itertools import count
from typing import Any

import msgspec

from hft import Clock
from hft.sim import (
    ClientOrder,
    EventQueue,
    Fill,
    IncomeKind,
    LinearDesk,
    MarginAccount,
    OrderEvent,
    SpotAccount,
    SpotDesk,
    SyntheticMarket,
)
from hft_bybit.endpoints import Product
from hft_bybit.simulator import bodies
from hft_bybit.simulator.listing import NS_PER_MS, Listing
from hft_bybit.simulator.native import native

__all__ = ["Events"]

_encode = msgspec.json.Encoder().encode


class Events:
    """Publishes what happens to accounts under ``user/ACCOUNT/TOPIC``."""

    def __init__(
        self,
        queue: EventQueue,
        clock: Clock,
        spot: SpotDesk,
        linear: LinearDesk,
        listings: Mapping[tuple[Product, str], Listing],
    ) -> None:
        self._queue = queue
        self._clock = clock
        self._spot = spot
        self._linear = linear
        self._by_market = {listing.market: listing for listing in listings.values()}
        self._ids = count(1)

    def on_order(self, order: ClientOrder, event: OrderEvent, fill: Fill | None) -> None:
        """Tell of an order; of a fill also the trade itself, and what it did to position and wallet."""
        account = order.account.id
        listing = native(order).listing
        if fill is not None:
            self._tell(account, "execution", listing.product, bodies.execution(fill))
            self._tell(account, "execution.fast", listing.product, bodies.fast_execution(fill))
        self._tell(account, "order", listing.product, bodies.order_body(order))
        if isinstance(order.account, MarginAccount):
            body = bodies.position(self._linear, order.account, listing, order.leg)
            self._tell(account, "position", listing.product, body)
        self._tell_wallet(account, listing)

    def on_money(
        self,
        account: MarginAccount,
        kind: IncomeKind,
        asset: str,
        amount: Decimal,
        market: SyntheticMarket | None,
    ) -> None:
        """Tell of funding, a transfer, or what the insurance paid."""
        if kind is IncomeKind.FUNDING and market is not None and amount:
            listing = self._by_market[market]
            self._tell(account.id, "execution", listing.product, bodies.funding(listing, account.incomes[-1]))
        self._tell_assets(account.id, [asset])

    def on_margin_call(self, account: MarginAccount, asset: str) -> None:
        """Say nothing: the exchange has other ways."""

    def on_transfer(self, account: SpotAccount, asset: str, amount: Decimal) -> None:
        """Tell of a deposit or a withdrawal."""
        self._tell_assets(account.id, [asset])

    def _tell_wallet(self, account: str, listing: Listing) -> None:
        instrument = listing.instrument
        spot = listing.product is Product.SPOT
        self._tell_assets(account, [instrument.base, instrument.quote] if spot else [instrument.settle])

    def _tell_assets(self, account: str, assets: list[str]) -> None:
        body = bodies.wallet(self._spot.accounts[account], self._linear.accounts[account], assets)
        self._publish(account, "wallet", "wallet", body)

    def _tell(self, account: str, kind: str, product: Product, body: dict[str, Any]) -> None:
        for topic in (kind, f"{kind}.{product.value}"):
            self._publish(account, topic, topic, body)

    def _publish(self, account: str, topic: str, name: str, body: dict[str, Any]) -> None:
        key = f"user/{account}/{topic}"
        if self._queue.is_wanted(key):
            message = {
                "id": f"sim-{next(self._ids)}",
                "topic": name,
                "creationTime": self._clock.now_ns() // NS_PER_MS,
                "data": [body],
            }
            self._queue.publish(key, _encode(message).decode())
