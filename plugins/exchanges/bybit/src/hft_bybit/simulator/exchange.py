"""The simulated Bybit: spot and linear perpetuals of unified accounts, REST and websockets, on one port."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from aiohttp import web
from attrs.validators import ge

from hft import Account, Endpoints, Simulator, SimulatorConfig, option
from hft.sim import EventOrder, EventQueue, Hub, Outbox, World
from hft_bybit.endpoints import PRIVATE_PATH, PUBLIC_PATHS, TRADE_PATH, Product
from hft_bybit.simulator.auth import Permissions
from hft_bybit.simulator.buckets import AddressLimit, Buckets
from hft_bybit.simulator.capture import RecordedExchange
from hft_bybit.simulator.gate import Gate
from hft_bybit.simulator.listing import Listing
from hft_bybit.simulator.market import MarketAnswers, describe
from hft_bybit.simulator.people import people
from hft_bybit.simulator.private import PrivateSide
from hft_bybit.simulator.public_socket import PublicConnection
from hft_bybit.simulator.publisher import Publisher
from hft_bybit.simulator.rest import Rest, turned_away
from hft_bybit.simulator.sockets import CONNECTIONS, Connection, Sockets

__all__ = ["BybitSimulator", "BybitSimulatorConfig"]


@attrs.frozen(kw_only=True)
class BybitSimulatorConfig(SimulatorConfig):
    """The ``simulator:`` part of a profile that uses Bybit."""

    backlog: int = option(5_000, doc="frames kept for a slow client before it is cut off")
    accounts: int = option(2, doc="accounts with keys of their own", validator=ge(1))
    withdrawals: bool = option(False, doc="whether the keys may withdraw")
    dead_man: bool = option(True, doc="whether the accounts are offered the dead man's switch")
    limits: float = option(1.0, doc="multiple of the published rate limits, 0: none", validator=ge(0))
    events: EventOrder = option(
        EventOrder.MIXED, doc="whether private messages are sent before or after the answer they belong to"
    )


class BybitSimulator(Simulator[BybitSimulatorConfig]):
    """Plays Bybit's v5 API for unified accounts: spot and linear perpetuals under their real paths.

    A capture is played back without accounts: its orders were others'. ``faults`` lets tests and drills
    break things; ``POST /_sim/restart-books`` begins every book anew, as a restart of the exchange's does.
    """

    def __init__(self, config: BybitSimulatorConfig, world: World) -> None:
        super().__init__(config, world)
        clock = world.clock
        self.hub = Hub(self.faults)
        self._recorded: RecordedExchange | None = None
        described: Mapping[Product, Mapping[str, Mapping[str, Any]]]
        if world.playback is not None:
            self._recorded = RecordedExchange(world.playback.head, "bybit", clock, self.hub)
            listings, described = self._recorded.listings, self._recorded.described
            world.markets |= {listing.instrument.symbol: listing.market for listing in listings}
        else:
            listings = [Listing(market, number) for number, market in enumerate(world.markets.values())]
            described = {
                product: {
                    listing.symbol: describe(listing) for listing in listings if listing.product is product
                }
                for product in Product
            }
        persons = people(world.seed, config.accounts, Permissions(withdrawals=config.withdrawals))
        self._persons = [] if world.playback is not None else persons
        keys = {person.key.key: person.key for person in self._persons}
        queue = EventQueue(self.hub, config.events, world.seed)
        gate = Gate(keys, Buckets(clock, config.limits), clock)
        self._rest = Rest(gate, AddressLimit(clock, config.limits), queue)
        self._publisher = Publisher(listings, self.hub, clock)
        self._answers = MarketAnswers(listings, described, clock, self._wake)
        self.sockets = Sockets(
            self.hub, clock, capacity=config.backlog, connections=int(CONNECTIONS * config.limits)
        )
        self.private: PrivateSide | None = None
        if world.playback is None:
            self.private = PrivateSide(
                world, self.hub, listings, self._persons, gate, queue, dead_man=config.dead_man
            )
            self.private.truth.actions["restart-books"] = lambda _: self._publisher.restart()

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        public = [self._rest.public(path, answer) for path, answer in self._answers.table().items()]
        private = [] if self.private is None else self.private.routes(self._rest, self.sockets)
        return [*public, *private, *(self._public_route(product) for product in Product)]

    def endpoints(self, host: str, port: int) -> Endpoints:
        ws = f"ws://{host}:{port}"
        return Endpoints(
            rest=f"http://{host}:{port}",
            ws={
                **{product.value: f"{ws}{PUBLIC_PATHS[product]}" for product in Product},
                "private": f"{ws}{PRIVATE_PATH}",
                "trade": f"{ws}{TRADE_PATH}",
            },
        )

    def accounts(self) -> Sequence[Account]:
        return [person.credential for person in self._persons]

    def refusal(self, path: str, status: int, retry_after_s: int) -> web.Response:
        if status in (403, 429):
            return turned_away(status)
        return web.Response(status=status, text="<html>upstream error</html>", content_type="text/html")

    async def stop(self) -> None:
        await super().stop()
        self._publisher.stop()
        await self.sockets.stop()
        if self.private is not None:
            self.private.stop()

    def _public_route(self, product: Product) -> web.RouteDef:
        def make(request: web.Request, outbox: Outbox) -> Connection:
            return PublicConnection(product, outbox, self.hub, self._publisher, self._wake)

        return web.get(PUBLIC_PATHS[product], self.sockets.handler(make))

    def _wake(self) -> None:
        if self.world.playback is not None and self._recorded is not None:
            self.world.playback.begin(self._recorded.play, self.hub.room)
