"""The private side of the simulated Binance: accounts, desks, and everything that reaches them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from decimal import Decimal

from aiohttp import web

from hft import Side, Size
from hft.sim import (
    ClientOrder,
    EventOrder,
    EventQueue,
    Fill,
    Filters,
    Hub,
    Leg,
    LinearDesk,
    Liquidations,
    MarginAccount,
    OrderEvent,
    SpotAccount,
    SpotDesk,
    SyntheticMarket,
    Truth,
    World,
)
from hft_binance.simulator.gate import Gate
from hft_binance.simulator.listing import SPOT, USDM, Listing, ProductRules
from hft_binance.simulator.native import NativeOrder
from hft_binance.simulator.order_limits import OrderCounter
from hft_binance.simulator.people import FUTURES_FEES, SPOT_FEES, Person, start_balances
from hft_binance.simulator.private_rest import private_routes
from hft_binance.simulator.sockets import Sockets
from hft_binance.simulator.spot_account import SpotAccounts
from hft_binance.simulator.spot_events import SpotEvents
from hft_binance.simulator.spot_orders import SpotOrders
from hft_binance.simulator.tables import spot_methods, spot_routes, usdm_methods, usdm_routes
from hft_binance.simulator.usdm_account import UsdmAccounts
from hft_binance.simulator.usdm_algo import UsdmAlgos
from hft_binance.simulator.usdm_batch import UsdmBatches
from hft_binance.simulator.usdm_events import LEGS, USDM_EVENTS, UsdmEvents
from hft_binance.simulator.usdm_orders import UsdmOrders
from hft_binance.simulator.usdm_reader import UsdmReader
from hft_binance.simulator.usdm_settings import UsdmSettings
from hft_binance.simulator.user_stream import ListenKeys, PrivateConnection
from hft_binance.simulator.weights import WeightCounter
from hft_binance.simulator.ws_api import WsApi

__all__ = ["PrivateSide"]

_FIRST_ORDER_ID = {SPOT: 10_000_000, USDM: 8_000_000_000}
_SPOT_BANDS = Decimal("0.2"), Decimal(5)
_USDM_BANDS = Decimal("0.95"), Decimal("1.05")


class PrivateSide:
    """Both products' accounts in a synthetic world, and the routes to them."""

    def __init__(
        self,
        world: World,
        hub: Hub,
        listings: Iterable[Listing],
        persons: Iterable[Person],
        weights: Mapping[ProductRules, WeightCounter],
        *,
        limits: float,
        jitter_ns: int,
        events: EventOrder,
    ) -> None:
        clock, seed = world.clock, world.seed
        queue = EventQueue(hub, events, seed)
        by_symbol = {
            product: {listing.symbol: listing for listing in listings if listing.product is product}
            for product in (SPOT, USDM)
        }
        self.persons = list(persons)
        keys = {key.key: key for person in self.persons for key in person.keys}
        self.orders = {product: OrderCounter(product, clock, limits) for product in (SPOT, USDM)}
        self.gates = {
            product: Gate(product, keys, weights[product], self.orders[product], clock)
            for product in (SPOT, USDM)
        }
        self.spot = SpotDesk(clock, first_order_id=_FIRST_ORDER_ID[SPOT])
        self.usdm = LinearDesk(clock, first_order_id=_FIRST_ORDER_ID[USDM])
        for listing in listings:
            desk = self.spot if listing.product is SPOT else self.usdm
            desk.trade(listing.synthetic(), _filters(listing))
        world.mark_observers.append(self.usdm.on_mark)
        self._open_accounts(by_symbol)
        self.spot_events, self.usdm_events = SpotEvents(queue, clock), UsdmEvents(queue, clock)
        self.spot.listeners.append(self.spot_events)
        self.spot.transfer_listeners.append(self.spot_events)
        self.spot.listeners.append(_Refunds(self.orders[SPOT]))
        self.usdm.listeners.append(self.usdm_events)
        self.usdm.money_listeners.append(self.usdm_events)
        spot_orders = SpotOrders(self.spot, by_symbol[SPOT], self.spot_events, clock, seed)
        spot_accounts = SpotAccounts(spot_orders, self.orders[SPOT])
        usdm_orders = UsdmOrders(self.usdm, UsdmReader(by_symbol[USDM], clock, seed))
        self._batches = UsdmBatches(usdm_orders, clock)
        algos = UsdmAlgos(usdm_orders, self.usdm, self.usdm_events, clock, seed)
        self.liquidations = Liquidations(self.usdm, clock, _Autoclose(by_symbol[USDM], seed))
        world.mark_observers.append(self.liquidations.on_mark)
        self.truth = Truth({SPOT.name: self.spot}, {USDM.name: self.usdm}, {USDM.name: self.liquidations})
        self.truth.actions |= {"expire-listen-key": self._expire_listen_key, "end-stream": self._end_stream}
        usdm_accounts = UsdmAccounts(self.usdm, by_symbol[USDM])
        settings = UsdmSettings(self.usdm, by_symbol[USDM], self.usdm_events)
        self.listen_keys = ListenKeys(hub, clock, seed, USDM.name)
        self._routes = [
            *private_routes(self.gates[SPOT], queue, spot_routes(spot_orders, spot_accounts)),
            *private_routes(
                self.gates[USDM],
                queue,
                usdm_routes(usdm_orders, self._batches, algos, usdm_accounts, settings, self.listen_keys),
            ),
        ]
        spot_answers = spot_methods(spot_orders, spot_accounts, self.gates[SPOT])
        usdm_answers = usdm_methods(usdm_orders, algos, usdm_accounts, self.listen_keys, self.gates[USDM])
        self._spot_api = WsApi(self.gates[SPOT], spot_answers, hub, queue, clock, seed, jitter_ns)
        self._usdm_api = WsApi(self.gates[USDM], usdm_answers, hub, queue, clock, seed, jitter_ns)
        self._hub = hub

    def routes(self, sockets: Sockets) -> list[web.RouteDef]:
        """Return REST paths, the websocket APIs and the private streams."""
        single, combined = (
            sockets.handler(PrivateConnection.maker(self._hub, self.listen_keys, USDM_EVENTS, combined=flag))
            for flag in (False, True)
        )
        return [
            *self._routes,
            *self.truth.routes(),
            web.get("/ws-api/v3", sockets.handler(self._spot_api.connect)),
            web.get("/ws-fapi/v1", sockets.handler(self._usdm_api.connect)),
            web.get("/private/ws", single),
            web.get("/private/ws/{key:.+}", single),
            web.get("/private/stream", combined),
        ]

    def stop(self) -> None:
        """Cancel every timer and let go of what was archived."""
        self.listen_keys.stop()
        self._batches.stop()
        self.spot.close()
        self.usdm.close()

    def _expire_listen_key(self, asked: Mapping[str, str]) -> None:
        self.listen_keys.expire(asked.get("account", ""))

    def _end_stream(self, asked: Mapping[str, str]) -> None:
        self.spot_events.publish(asked.get("account", ""), "eventStreamTerminated", {})

    def _open_accounts(self, by_symbol: Mapping[ProductRules, Mapping[str, Listing]]) -> None:
        instruments = {
            product: [listing.market.instrument for listing in listings.values()]
            for product, listings in by_symbol.items()
        }
        assets = {asset for one in instruments[SPOT] for asset in (one.base, one.quote)}
        margins = {one.settle for one in instruments[USDM]}
        for person in self.persons:
            self.spot.accounts[person.id] = SpotAccount(person.id, SPOT_FEES, start_balances(assets, None))
            self.usdm.accounts[person.id] = MarginAccount(
                person.id, FUTURES_FEES, start_balances(margins, None)
            )


class _Refunds:
    """Gives the place of an order back when it first trades: spot counts unfilled orders."""

    def __init__(self, counter: OrderCounter) -> None:
        self._counter = counter

    def on_order(self, order: ClientOrder, event: OrderEvent, fill: Fill | None) -> None:
        """Take note of a first fill."""
        if fill is not None and order.fills[0] is fill:
            self._counter.refund(order.account.id)


class _Autoclose:
    """Makes the orders with which the exchange liquidates."""

    def __init__(self, listings: Mapping[str, Listing], seed: int) -> None:
        self._listings = {listing.market: listing for listing in listings.values()}
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
            client_id=f"autoclose-{self._random.randrange(10**15, 10**16)}",
            reduce_only=leg is Leg.NET,
            leg=leg,
            by_exchange=True,
            native=NativeOrder(listing=self._listings[market], type="MARKET", position_side=LEGS[leg]),
        )


def _filters(listing: Listing) -> Filters:
    instrument = listing.market.instrument
    spot = listing.product is SPOT
    return Filters(
        min_notional=instrument.min_notional,
        max_notional=Decimal(9_000_000) if spot else None,
        bands=_SPOT_BANDS if spot else _USDM_BANDS,
        max_market_size=Size(10**7),
        max_amendments=10 if spot else 10_000,
        max_triggers=5 if spot else 10,
    )
