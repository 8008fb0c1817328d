"""The accounts of the simulated Hyperliquid: desks, and everything that reaches them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal

from aiohttp import web

from hft import Price, Side, Size
from hft.sim import (
    ClientOrder,
    EventQueue,
    Filters,
    Leg,
    LinearDesk,
    Liquidations,
    MarginAccount,
    SpotAccount,
    SpotDesk,
    SyntheticMarket,
    Truth,
    World,
)
from hft_hyperliquid.simulator.auth import Directory
from hft_hyperliquid.simulator.bodies import NativeOrder
from hft_hyperliquid.simulator.events import Events, frame
from hft_hyperliquid.simulator.gateway import Actions, Gateway
from hft_hyperliquid.simulator.info import AccountInfo, PublicInfo
from hft_hyperliquid.simulator.listing import Listing
from hft_hyperliquid.simulator.orders import Trading
from hft_hyperliquid.simulator.people import PERP_FEES, SPOT_FEES, Person, start_balances
from hft_hyperliquid.simulator.weights import Budgets

__all__ = ["Accounts"]

_FIRST_ORDER_ID = {"spot": 90_000_000_000, "perps": 70_000_000_000}
_BANDS = Decimal("0.2"), Decimal("1.8")
_MAX_ORDERS = 1000


class Accounts:
    """Both desks of a synthetic world, with the people who trade at them."""

    def __init__(
        self,
        world: World,
        queue: EventQueue,
        public: PublicInfo,
        listings: Sequence[Listing],
        persons: Sequence[Person],
        directory: Directory,
        gateway: Gateway,
        *,
        limits: float,
        volume: Decimal,
    ) -> None:
        clock = world.clock
        self.spot = SpotDesk(clock, first_order_id=_FIRST_ORDER_ID["spot"])
        self.perps = LinearDesk(clock, first_order_id=_FIRST_ORDER_ID["perps"])
        for listing in listings:
            desk = self.spot if listing.is_spot else self.perps
            desk.trade(listing.synthetic(), _filters(listing))
        world.mark_observers.append(self.perps.on_mark)
        assets = {"USDC"} | {
            asset
            for each in public.pairs
            for asset in (each.market.instrument.base, each.market.instrument.quote)
        }
        for person in persons:
            for name in (person.name, person.sub_name):
                self.spot.accounts[name] = SpotAccount(name, SPOT_FEES, start_balances(assets))
                self.perps.accounts[name] = MarginAccount(name, PERP_FEES, start_balances({"USDC"}))
        by_market = {listing.synthetic(): listing for listing in listings}
        self._events = Events(queue, clock, directory, by_market)
        self.spot.listeners.append(self._events)
        self.perps.listeners.append(self._events)
        self.perps.money_listeners.append(self._events)

        def traded(name: str) -> Decimal:
            return volume + self._events.volume[name]

        self.trading = Trading(self.spot, self.perps, listings, clock, traded)
        self.budgets = Budgets(clock, traded, limits)
        self._info = AccountInfo(
            public, directory, self.trading, self._events, self.budgets, self.spot, self.perps
        )
        actions = Actions(directory, self.trading, self.budgets, self.spot, self.perps, clock)
        gateway.trade(actions, self._info.answers)
        liquidations = Liquidations(self.perps, clock, _Liquidator(by_market, world.seed))
        world.mark_observers.append(liquidations.on_mark)
        self.truth = Truth({"spot": self.spot}, {"perps": self.perps}, {"perps": liquidations})

    def routes(self) -> list[web.RouteDef]:
        """Return the out-of-band port."""
        return self.truth.routes()

    def first(self, kind: str, user: str, name: str) -> list[str]:
        """Return what a feed of an account begins with."""
        if kind == "userFills":
            fills = self._info.fills(name) if name else []
            return [frame(kind, {"user": user, "isSnapshot": True, "fills": fills})]
        if kind == "userFundings":
            fundings = self._info.fundings(name) if name else []
            return [frame(kind, {"user": user, "isSnapshot": True, "fundings": fundings})]
        return []

    def stop(self) -> None:
        """Cancel every timer and let go of what was archived."""
        self.trading.stop()
        self.spot.close()
        self.perps.close()


class _Liquidator:
    """Makes the orders with which the exchange liquidates."""

    def __init__(self, listings: dict[SyntheticMarket, Listing], seed: int) -> None:
        self._listings = listings
        self._random = random.Random(f"{seed}:liquidations")

    def __call__(
        self, account: MarginAccount, market: SyntheticMarket, leg: Leg, side: Side, size: Size
    ) -> ClientOrder:
        return ClientOrder(
            account=account,
            market=market,
            side=side,
            size=size,
            price=None,
            client_id=f"liquidation {self._random.getrandbits(60)}",
            reduce_only=True,
            leg=leg,
            by_exchange=True,
            native=NativeOrder(
                listing=self._listings[market], cloid=None, tif="LiquidationMarket", limit="0.0"
            ),
        )


def _filters(listing: Listing) -> Filters:
    far = 10**15  # what the exchange limits is the distance from the mark price
    return Filters(
        max_size=Size(far),
        max_market_size=Size(far),
        max_price=Price(far),
        min_notional=listing.market.instrument.min_notional,
        bands=_BANDS,
        max_orders=_MAX_ORDERS,
        max_triggers=_MAX_ORDERS,
    )
