"""The simulated Hyperliquid: perpetuals and spot, questions, actions and feeds on one port."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from decimal import Decimal

import attrs
from aiohttp import web
from attrs.validators import ge, gt

from hft import Account, Duration, Endpoints, Simulator, SimulatorConfig, option
from hft.sim import EventOrder, EventQueue, Hub, Mark, SyntheticMarket, World
from hft_hyperliquid.simulator.accounts import Accounts
from hft_hyperliquid.simulator.auth import Directory
from hft_hyperliquid.simulator.capture import RecordedExchange
from hft_hyperliquid.simulator.gateway import Gateway
from hft_hyperliquid.simulator.info import PublicInfo
from hft_hyperliquid.simulator.listing import NS_PER_MS, listings_of, product
from hft_hyperliquid.simulator.people import people
from hft_hyperliquid.simulator.publisher import Publisher
from hft_hyperliquid.simulator.rest import Rest, refusal
from hft_hyperliquid.simulator.sockets import Sockets
from hft_hyperliquid.simulator.weights import Weights

__all__ = ["HyperliquidSimulator", "HyperliquidSimulatorConfig", "Networks"]

_SYMBOLS = ("BTC/USDC:USDC", "ETH/USDC:USDC", "HYPE/USDC", "PURR/USDC")


class Networks(enum.Enum):
    """Whose signatures are taken: clients sign for the test network unless they know the host."""

    BOTH = "both"
    MAINNET = "mainnet"
    TESTNET = "testnet"


@attrs.frozen(kw_only=True)
class HyperliquidSimulatorConfig(SimulatorConfig):
    """The ``simulator:`` part of a profile that uses Hyperliquid."""

    symbols: tuple[str, ...] = option(_SYMBOLS, doc="unified symbols that trade")
    accounts: int = option(2, doc="accounts with keys of their own", validator=ge(1))
    network: Networks = option(Networks.BOTH, doc="signatures for which network are taken")
    full_book: Duration = option(
        Duration(2_000_000_000), doc="how often whole books are sent", validator=gt(0)
    )
    fast_book: Duration = option(Duration(500_000_000), doc="how often fast books are sent", validator=gt(0))
    volume: int = option(2_000_000, doc="USDC that each account has traded before", validator=ge(0))
    backlog: int = option(5_000, doc="frames kept for a slow client before it is cut off")
    limits: float = option(1.0, doc="multiple of the published rate limits, 0: none", validator=ge(0))
    events: EventOrder = option(
        EventOrder.MIXED, doc="whether events are sent before or after the answer they belong to"
    )


class HyperliquidSimulator(Simulator[HyperliquidSimulatorConfig]):
    """Plays Hyperliquid: ``/info``, ``/exchange`` and ``/ws``.

    Signatures are verified by recovering who made them; each account has an API wallet and a sub-account. A
    capture is played back without accounts: its orders were others'.
    """

    product = staticmethod(product)

    def __init__(self, config: HyperliquidSimulatorConfig, world: World) -> None:
        super().__init__(config, world)
        clock = world.clock
        self.hub = Hub(self.faults)
        queue = EventQueue(self.hub, config.events, world.seed)
        self._recorded: RecordedExchange | None = None
        if world.playback is not None:
            self._recorded = RecordedExchange(world.playback.head, "hyperliquid", clock, self.hub)
            listings = self._recorded.listings
            world.markets |= {listing.market.instrument.symbol: listing.market for listing in listings}
        else:
            listings = listings_of(world.markets.values())
        self._persons = people(world.seed, config.accounts)
        networks = ("mainnet", "testnet") if config.network is Networks.BOTH else (config.network.value,)
        self.directory = Directory(self._persons, clock.now_ns() // NS_PER_MS, networks)
        public = PublicInfo(listings, clock, self._wake)
        gateway = self.gateway = Gateway(public.answers)
        self.private = (
            Accounts(
                world,
                queue,
                public,
                listings,
                self._persons,
                self.directory,
                gateway,
                limits=config.limits,
                volume=Decimal(config.volume),
            )
            if world.playback is None
            else None
        )
        self._publisher = Publisher(
            public, self.hub, clock, full_ns=config.full_book, fast_ns=config.fast_book
        )
        world.mark_observers.append(self._on_mark)
        weights = Weights(clock, config.limits)
        self.rest = Rest(gateway, queue, weights)
        self.sockets = Sockets(
            self.hub,
            queue,
            clock,
            gateway,
            weights,
            list(public.by_coin),
            self.directory.names,
            self._first,
            self._first_of_user,
            limits=config.limits,
            backlog=config.backlog,
        )

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        private = [] if self.private is None else self.private.routes()
        return [*self.rest.routes(), web.get("/ws", self.sockets.handle), *private]

    def endpoints(self, host: str, port: int) -> Endpoints:
        return Endpoints(rest=f"http://{host}:{port}", ws={"public": f"ws://{host}:{port}/ws"})

    def accounts(self) -> Sequence[Account]:
        return [credential for person in self._persons for credential in person.credentials]

    def refusal(self, path: str, status: int, retry_after_s: int) -> web.Response:
        return refusal(status, retry_after_s)

    async def stop(self) -> None:
        await super().stop()
        self._publisher.stop()
        await self.sockets.stop()
        if self.private is not None:
            self.private.stop()

    def _first(self, topic: str) -> Sequence[str]:
        begins = self._publisher.first(topic)
        self._wake()
        return begins

    def _first_of_user(self, kind: str, user: str, name: str) -> Sequence[str]:
        return [] if self.private is None else self.private.first(kind, user, name)

    def _on_mark(self, market: SyntheticMarket, _settled: Mark | None) -> None:
        self._publisher.on_mark(market)

    def _wake(self) -> None:
        if self.world.playback is not None and self._recorded is not None:
            self.world.playback.begin(self._recorded.play, self.hub.room)
