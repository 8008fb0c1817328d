"""The simulated Binance: spot and USD-M futures, REST and streams, on one port."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from aiohttp import web

from hft import Account, Duration, Endpoints, Simulator, SimulatorConfig, option
from hft.sim import Hub, World
from hft_binance.simulator import answers
from hft_binance.simulator.capture import RecordedExchange
from hft_binance.simulator.listing import NS_PER_MS, SPOT, USDM, Listing, ProductRules
from hft_binance.simulator.publisher import MARKET, PUBLIC, Publisher
from hft_binance.simulator.rest import Rest, refusal
from hft_binance.simulator.sockets import SocketRules, Sockets

__all__ = ["BinanceSimulator", "BinanceSimulatorConfig"]

_DAY = Duration(24 * 3600 * 1_000_000_000)


@attrs.frozen(kw_only=True)
class BinanceSimulatorConfig(SimulatorConfig):
    """The ``simulator:`` part of a profile that uses Binance."""

    lifetime: Duration = option(_DAY, doc="age at which stream sockets are closed")
    backlog: int = option(5_000, doc="frames kept for a slow client before it is cut off")


class BinanceSimulator(Simulator[BinanceSimulatorConfig]):
    """Plays Binance's public side: both products on one port, each under its real paths.

    Spot has ``/api/v3``, ``/ws`` and ``/stream``; futures have ``/fapi/v1``, ``/public/...`` and
    ``/market/...``. The bare futures paths of before 2026 cannot be told from spot's here: bare
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
        self._publisher = Publisher(listings, self.hub, clock)
        rules = SocketRules(lifetime_ns=config.lifetime, capacity=config.backlog)
        self.sockets = Sockets(self.hub, clock, self._subscribed, rules)
        self.rest = {
            product: Rest(
                product,
                [listing for listing in listings if listing.product is product],
                described[product],
                clock,
                self._wake,
            )
            for product in (SPOT, USDM)
        }
        self.listings = {(listing.product.name, listing.symbol): listing for listing in listings}

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [*self.rest[SPOT].routes(), *self.rest[USDM].routes(), *self.sockets.routes()]

    def endpoints(self, host: str, port: int) -> Endpoints:
        ws = f"ws://{host}:{port}"
        return Endpoints(
            rest=f"http://{host}:{port}",
            ws={
                "public": ws,
                "spot": f"{ws}/ws",
                "usdm_public": f"{ws}/{PUBLIC}/ws",
                "usdm_market": f"{ws}/{MARKET}/ws",
            },
        )

    def accounts(self) -> Sequence[Account]:
        def make(what: str) -> str:
            return hashlib.sha256(f"binance simulator {self.world.seed} {what}".encode()).hexdigest()

        return (Account(key=make("key"), secret=make("secret")),)

    def refusal(self, path: str, status: int, retry_after_s: int) -> web.Response:
        return refusal(status, retry_after_s, self.world.clock.now_ns() // NS_PER_MS)

    async def stop(self) -> None:
        await super().stop()
        self._publisher.stop()
        await self.sockets.stop()

    def _subscribed(self, product: ProductRules, topic: str) -> None:
        self._publisher.activate(product, topic)
        self._wake()

    def _wake(self) -> None:
        if self.world.playback is not None and self._recorded is not None:
            self.world.playback.begin(self._recorded.play, self.hub.room)
