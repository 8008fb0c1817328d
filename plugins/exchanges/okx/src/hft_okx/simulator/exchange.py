"""The simulated OKX: spot and swaps, REST and websockets, on one port."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from aiohttp import web
from attrs.validators import ge

from hft import Account, Duration, Endpoints, Simulator, SimulatorConfig, option
from hft.sim import EventOrder, Hub, Subscriber, World
from hft_okx.config import AccountLevel
from hft_okx.simulator.capture import RecordedExchange
from hft_okx.simulator.connection import BUSINESS, PRIVATE, PUBLIC
from hft_okx.simulator.errors import ApiError
from hft_okx.simulator.listing import Listing, product
from hft_okx.simulator.market_data import MarketData
from hft_okx.simulator.people import people
from hft_okx.simulator.private import PrivateSide
from hft_okx.simulator.publisher import Publisher
from hft_okx.simulator.rate_limits import Counters
from hft_okx.simulator.rest import no_trading_routes, public_routes, refusal
from hft_okx.simulator.sockets import SocketRules, Sockets

__all__ = ["OkxSimulator", "OkxSimulatorConfig"]

_FIRST_CODE = 10_458


@attrs.frozen(kw_only=True)
class OkxSimulatorConfig(SimulatorConfig):
    """The ``simulator:`` part of a profile that uses OKX."""

    lifetime: Duration = option(
        Duration(0), doc="age at which sockets are closed for an upgrade, 0: they are not"
    )
    backlog: int = option(5_000, doc="frames kept for a slow client before it is cut off")
    accounts: int = option(2, doc="accounts with keys of their own", validator=ge(1))
    withdrawals: bool = option(False, doc="whether the keys may withdraw")
    limits: float = option(1.0, doc="multiple of the published rate limits, 0: none", validator=ge(0))
    events: EventOrder = option(
        EventOrder.MIXED, doc="whether user events are sent before or after the answer they belong to"
    )
    account_level: AccountLevel = option(AccountLevel.FUTURES, doc="the mode of the accounts")
    hedge: bool = option(False, doc="whether the accounts hold long and short positions apart")
    demo: bool = option(False, doc="whether it is demo trading, which requests must say they mean")


class OkxSimulator(Simulator[OkxSimulatorConfig]):
    """Plays OKX: ``/api/v5`` and ``/ws/v5`` with the three websockets.

    A capture is played back without accounts: its orders were others'. ``faults`` lets tests and drills break
    things.
    """

    product = staticmethod(product)

    def __init__(self, config: OkxSimulatorConfig, world: World) -> None:
        super().__init__(config, world)
        clock = world.clock
        self.hub = Hub(self.faults)
        counters = Counters(clock, config.limits)
        self._recorded: RecordedExchange | None = None
        described: Mapping[str, Mapping[str, Any]]
        permissions = "read_only,trade,withdraw" if config.withdrawals else "read_only,trade"
        self._persons = people(world.seed, config.accounts, permissions)
        self.private: PrivateSide | None = None
        if world.playback is not None:
            self._recorded = RecordedExchange(world.playback.head, "okx", clock, self.hub)
            listings, described = self._recorded.listings, self._recorded.described
            world.markets |= {listing.market.instrument.symbol: listing.market for listing in listings}
        else:
            numbered = enumerate(world.markets.values(), _FIRST_CODE)
            listings = [Listing(market, code) for code, market in numbered]
            described = {listing.name: listing.described() for listing in listings}
            self.private = PrivateSide(
                world,
                self.hub,
                listings,
                self._persons,
                counters,
                events=config.events,
                level=config.account_level,
                hedge=config.hedge,
                demo=config.demo,
            )
            self.private.truth.actions |= {"maintenance": self._maintain, "upgrade": self._upgrade}
        self.listings = {listing.name: listing for listing in listings}
        self._publisher = Publisher(listings, self.hub, world)
        rules = SocketRules(lifetime_ns=config.lifetime, capacity=config.backlog, limited=config.limits > 0)
        services = None if self.private is None else self.private.services
        self.sockets = Sockets(self.hub, clock, self._subscribed, services, rules)
        data = MarketData(listings, described, clock)
        self._routes = public_routes(data, counters, self._wake)

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        private = no_trading_routes() if self.private is None else self.private.routes()
        return [*self._routes, *private, *self.sockets.routes()]

    def endpoints(self, host: str, port: int) -> Endpoints:
        ws = f"ws://{host}:{port}"
        return Endpoints(
            rest=f"http://{host}:{port}",
            ws={
                "public": f"{ws}{PUBLIC.path}",
                "business": f"{ws}{BUSINESS.path}",
                "private": f"{ws}{PRIVATE.path}",
            },
        )

    def accounts(self) -> Sequence[Account]:
        return [person.credential for person in self._persons]

    def refusal(self, path: str, status: int, retry_after_s: int) -> web.Response:
        code = {429: "50011", 503: "50001"}.get(status, "50026")
        answer = refusal(ApiError(code, "System error, please try again later."))
        answer.set_status(status)
        return answer

    async def stop(self) -> None:
        await super().stop()
        self._publisher.stop()
        await self.sockets.stop()
        if self.private is not None:
            self.private.stop()

    def _subscribed(self, subscriber: Subscriber, channel: str, name: str) -> None:
        if self._recorded is not None:
            self._recorded.subscribed(subscriber, channel, name)
        else:
            self._publisher.subscribed(subscriber, channel, name)
        self._wake()

    def _wake(self) -> None:
        if self.world.playback is not None and self._recorded is not None:
            self.world.playback.begin(self._recorded.play, self.hub.room)

    def _maintain(self, asked: Mapping[str, str]) -> None:
        """Let the ids of an instrument's book begin anew."""
        self._publisher.begin_anew(asked.get("instrument", ""))

    def _upgrade(self, asked: Mapping[str, str]) -> None:
        """Announce that every connection will be closed."""
        self.sockets.announce_upgrade()
