"""The private side of the simulated OKX: accounts, desks, and everything that reaches them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count

from aiohttp import web

from hft import Side, Size
from hft.sim import (
    ClientOrder,
    EventOrder,
    EventQueue,
    Filters,
    Hub,
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
from hft_okx.config import AccountLevel
from hft_okx.simulator.auth import Keys
from hft_okx.simulator.bodies import Holder
from hft_okx.simulator.connection import PrivateServices
from hft_okx.simulator.events import Events
from hft_okx.simulator.listing import Listing
from hft_okx.simulator.market_data import BAND
from hft_okx.simulator.native import NativeOrder
from hft_okx.simulator.orders import Orders
from hft_okx.simulator.people import SPOT_FEES, SWAP_FEES, Person, start_balances
from hft_okx.simulator.questions import Questions
from hft_okx.simulator.rate_limits import Counters
from hft_okx.simulator.rest import private_routes
from hft_okx.simulator.trading import DeadMan, Trading

__all__ = ["PrivateSide"]

_FIRST_SPOT_ID, _FIRST_SWAP_ID = 312_269_865_356_374_016, 712_269_865_356_374_016
_LARGEST = Size(2**60)

_CASH, _CROSS = frozenset({"cash"}), frozenset({"cash", "cross"})


class _SpotDesk(SpotDesk):
    refuses_takers = False


class _SwapDesk(LinearDesk):
    refuses_takers = False
    refuses_fok = False


class PrivateSide:
    """The accounts in a synthetic world, and the routes to them.

    An account is one to its owner and two here: a wallet that spot trades from and one that swaps are
    margined by, whose sums are told. What is free in one cannot be used in the other.
    """

    def __init__(
        self,
        world: World,
        hub: Hub,
        listings: Iterable[Listing],
        persons: Iterable[Person],
        counters: Counters,
        *,
        events: EventOrder,
        level: AccountLevel,
        hedge: bool,
        demo: bool,
    ) -> None:
        clock, persons, listings = world.clock, list(persons), list(listings)
        queue = EventQueue(hub, events, world.seed)
        self.spot = _SpotDesk(clock, first_order_id=_FIRST_SPOT_ID)
        self.swap = _SwapDesk(clock, first_order_id=_FIRST_SWAP_ID)
        by_market = {listing.synthetic(): listing for listing in listings}
        for market, listing in by_market.items():
            (self.swap if listing.is_swap else self.spot).trade(market, _filters(listing))
        world.mark_observers.append(self.swap.on_mark)
        self._open_accounts(persons, listings, hedge=hedge)
        holders = {
            person.id: Holder(
                self.spot.accounts[person.id], self.swap.accounts[person.id], self.swap, by_market
            )
            for person in persons
        }
        self.events = Events(queue, clock, holders, by_market)
        self.spot.listeners.append(self.events)
        self.spot.transfer_listeners.append(self.events)
        self.swap.listeners.append(self.events)
        self.swap.money_listeners.append(self.events)
        self.liquidations = Liquidations(self.swap, clock, _Liquidator(by_market))
        world.mark_observers.append(self.liquidations.on_mark)
        self.truth = Truth({"spot": self.spot}, {"swap": self.swap}, {"swap": self.liquidations})
        keys = Keys({person.key.key: person.key for person in persons}, demo=demo)
        in_cash = level in (AccountLevel.SPOT, AccountLevel.FUTURES)
        orders = Orders(self.spot, self.swap, listings, clock, spot_modes=_CASH if in_cash else _CROSS)
        self._dead_man = DeadMan(self.spot, self.swap, clock)
        trading = Trading(orders, counters, clock)
        questions = Questions(orders, holders, self.events, self._dead_man, clock, level)
        self.services = PrivateServices(keys=keys, trading=trading, events=self.events, queue=queue)
        self._routes = private_routes(keys, trading, questions, counters, queue, clock)

    def routes(self) -> list[web.RouteDef]:
        """Return REST paths and what really is."""
        return [*self._routes, *self.truth.routes()]

    def stop(self) -> None:
        """Cancel every timer and let go of what was archived."""
        self._dead_man.stop()
        self.spot.close()
        self.swap.close()

    def _open_accounts(self, persons: Iterable[Person], listings: Iterable[Listing], *, hedge: bool) -> None:
        spot = [listing.market.instrument for listing in listings if not listing.is_swap]
        assets = {asset for one in spot for asset in (one.base, one.quote)}
        margins = {listing.market.instrument.settle for listing in listings if listing.is_swap}
        for person in persons:
            self.spot.accounts[person.id] = SpotAccount(person.id, SPOT_FEES, start_balances(assets))
            margin = MarginAccount(person.id, SWAP_FEES, start_balances(margins), leverage=10)
            margin.is_hedged = hedge
            self.swap.accounts[person.id] = margin


class _Liquidator:
    """Makes the orders with which the exchange liquidates."""

    def __init__(self, listings: Mapping[SyntheticMarket, Listing]) -> None:
        self._listings = listings
        self._numbers = count(1)

    def __call__(
        self, account: MarginAccount, market: SyntheticMarket, leg: Leg, side: Side, size: Size
    ) -> ClientOrder:
        return ClientOrder(
            account=account,
            market=market,
            side=side,
            size=size,
            price=None,
            client_id=f"liquidation-{next(self._numbers)}",
            reduce_only=leg is Leg.NET,
            leg=leg,
            by_exchange=True,
            native=NativeOrder(
                listing=self._listings[market],
                type="market",
                trade_mode="isolated" if market in account.isolated else "cross",
                category="full_liquidation",
            ),
        )


def _filters(listing: Listing) -> Filters:
    instrument = listing.market.instrument
    return Filters(
        min_size=instrument.min_size,
        max_size=_LARGEST,
        max_market_size=_LARGEST,
        bands=(1 - BAND, 1 + BAND),
        max_orders=500,
    )
