"""The simulated Binance: spot and USD-M futures, REST and streams, on one port."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from aiohttp import web
from attrs.validators import ge

from hft import Account, Duration, Endpoints, Simulator, SimulatorConfig, option
from hft.sim import EventOrder, Hub, Outbox, World
from hft_binance.simulator import answers
from hft_binance.simulator.auth import Permissions
from hft_binance.simulator.capture import RecordedExchange
from hft_binance.simulator.connection import Connection
from hft_binance.simulator.listing import NS_PER_MS, SPOT, USDM, Listing, ProductRules
from hft_binance.simulator.people import people
from hft_binance.simulator.private import PrivateSide
from hft_binance.simulator.private_rest import no_trading_routes
from hft_binance.simulator.publisher import MARKET, PUBLIC, Publisher
from hft_binance.simulator.rest import Rest, refusal
from hft_binance.simulator.sockets import CONNECTIONS, SocketRules, Sockets
from hft_binance.simulator.usdm_events import USDM_EVENTS
from hft_binance.simulator.user_stream import PrivateConnection

__all__ = ["BinanceSimulator", "BinanceSimulatorConfig"]

_DAY = Duration(24 * 3600 * 1_000_000_000)


@attrs.frozen(kw_only=True)
class BinanceSimulatorConfig(SimulatorConfig):
    """The ``simulator:`` part of a profile that uses Binance."""

    lifetime: Duration = option(_DAY, doc="age at which stream sockets are closed")
    backlog: int = option(5_000, doc="frames kept for a slow client before it is cut off")
    accounts: int = option(2, doc="accounts with keys of their own", validator=ge(1))
    withdrawals: bool = option(False, doc="whether the keys may withdraw")
    limits: float = option(1.0, doc="multiple of the published rate limits, 0: none", validator=ge(0))
    events: EventOrder = option(
        EventOrder.MIXED, doc="whether user events are sent before or after the answer they belong to"
    )
    jitter: Duration = option(Duration(0), doc="longest time a websocket answer takes, in any order")


class BinanceSimulator(Simulator[BinanceSimulatorConfig]):
    """Plays Binance: both products on one port, each under its real paths.

    Spot has ``/api/v3``, ``/ws-api/v3``, ``/ws`` and ``/stream``; futures have ``/fapi``, ``/ws-fapi/v1``,
    ``/public/...``, ``/market/...`` and ``/private/...``. A capture is played back without accounts:
    its orders were others'. The bare futures paths of before 2026 cannot be told from spot's here: bare
    paths are spot. ``faults`` lets tests and drills break things.
    """

    def __init__(self, config: BinanceSimulatorConfig, world: World) -> None:
        super().__init__(config, world)
        clock = world.clock
        self.hub = Hub(self.faults)
        self._recorded: RecordedExchange | None = None
        described: Mapping[ProductRules, Mapping[str, Mapping[str, Any]]]
        if world.playback is not None:
            self._recorded = RecordedExchange(world.playback.head, "binance", clock, self.hub)
            listings, described = self._recorded.listings, self._recorded.described
            world.markets |= {listing.market.instrument.symbol: listing.market for listing in listings}
        else:
            futures_ids = Listing.new_futures_ids()
            listings = [Listing(market, futures_ids) for market in world.markets.values()]
            described = {
                product: {
                    listing.symbol: answers.symbol_info(listing)
                    for listing in listings
                    if listing.product is product
                }
                for product in (SPOT, USDM)
            }
        self._persons = people(
            world.seed,
            config.accounts,
            Permissions(withdrawals=config.withdrawals),
            clock.now_ns() // NS_PER_MS,
        )
        self._publisher = Publisher(listings, self.hub, clock)
        rules = SocketRules(
            lifetime_ns=config.lifetime,
            capacity=config.backlog,
            connections=int(CONNECTIONS * config.limits),
        )
        self.sockets = Sockets(self.hub, clock, self._subscribed, rules, self._connect_private)
        self.rest = {
            product: Rest(
                product,
                [listing for listing in listings if listing.product is product],
                described[product],
                clock,
                self._wake,
                config.limits,
            )
            for product in (SPOT, USDM)
        }
        self.private = (
            PrivateSide(
                world,
                self.hub,
                listings,
                self._persons,
                {product: rest.weights for product, rest in self.rest.items()},
                limits=config.limits,
                jitter_ns=config.jitter,
                events=config.events,
            )
            if world.playback is None
            else None
        )
        self.listings = {(listing.product.name, listing.symbol): listing for listing in listings}

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        private = no_trading_routes() if self.private is None else self.private.routes(self.sockets)
        return [*self.rest[SPOT].routes(), *self.rest[USDM].routes(), *private, *self.sockets.routes()]

    def endpoints(self, host: str, port: int) -> Endpoints:
        ws = f"ws://{host}:{port}"
        return Endpoints(
            rest=f"http://{host}:{port}",
            ws={
                "public": ws,
                "spot": f"{ws}/ws",
                "usdm_public": f"{ws}/{PUBLIC}/ws",
                "usdm_market": f"{ws}/{MARKET}/ws",
                "usdm_private": f"{ws}/private/ws",
                "spot_api": f"{ws}/ws-api/v3",
                "usdm_api": f"{ws}/ws-fapi/v1",
            },
        )

    def accounts(self) -> Sequence[Account]:
        return [credential for person in self._persons for credential in person.credentials]

    def refusal(self, path: str, status: int, retry_after_s: int) -> web.Response:
        return refusal(status, retry_after_s, self.world.clock.now_ns() // NS_PER_MS)

    async def stop(self) -> None:
        await super().stop()
        self._publisher.stop()
        await self.sockets.stop()
        if self.private is not None:
            self.private.stop()

    def _connect_private(self, request: web.Request, outbox: Outbox) -> Connection | None:
        """Serve the older form of private streams: the listen key where the streams stand."""
        key = request.match_info.get("streams", "") or request.query.get("streams", "")
        if self.private is None or self.private.listen_keys.account_of(key) is None:
            return None
        combined = "streams" in request.query
        return PrivateConnection.maker(self.hub, self.private.listen_keys, USDM_EVENTS, combined=combined)(
            request, outbox
        )

    def _subscribed(self, product: ProductRules, topic: str) -> None:
        self._publisher.activate(product, topic)
        self._wake()

    def _wake(self) -> None:
        if self.world.playback is not None and self._recorded is not None:
            self.world.playback.begin(self._recorded.play, self.hub.room)
