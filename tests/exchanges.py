"""What the suites of all exchanges need to know of each, and a client that trades on its simulator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs

from hft import (
    Account,
    ApprovedOrder,
    Capabilities,
    Fill,
    Instrument,
    InstrumentId,
    InstrumentKind,
    Order,
    OrderReport,
    Price,
    ReportKind,
    Secret,
    Side,
    Simulator,
    SystemClock,
)
from hft.latency import Trace
from hft.run.exchange import ExchangeSession
from hft.sim import Fault, FaultKind, serve
from hft.testing.conformance import ExchangeUnderTest
from hft.testing.link import NotedEvents

__all__ = ["VENUES", "Session", "Venue", "trading", "until"]

LONG_S = 5.0


@attrs.frozen(kw_only=True, eq=False)
class Venue:
    """One exchange. ``spot`` and ``contract`` are what is traded there, ``sizes`` how much of each."""

    name: str
    spot: str = "BTC/USDT"
    contract: str = "BTC/USDT:USDT"
    sizes: tuple[str, str] = ("0.01", "0.02")
    secrets: tuple[str, ...] = ("key", "secret")
    """What of an account goes into a profile."""
    wrong: str = "0123456789wrong"
    """A secret that is nobody's."""
    refuses: str = "check the credentials"
    """What is said of it."""
    accounts: Mapping[str, int] = attrs.Factory(lambda: {"hmac": 0})
    """The simulator's account with each kind of key."""
    request: str
    """What an order is called on the websocket."""
    path: str
    """Where one is placed by REST."""
    feeds: tuple[str, ...] = ("user/*",)
    """The topics that tell of our orders."""
    gone: str
    """What is said to a cancel of what has gone, code and reason, as a pattern."""
    would_take: tuple[ReportKind, str]
    """What becomes of a post-only order that would trade."""
    amending: Mapping[str, Any] = attrs.Factory(dict)
    """The options with which orders can be changed."""
    cancels_are_told: bool = True
    """Whether only the private stream says that an order is cancelled, not the answer to the request."""
    takes_from_ahead: bool = False
    """Whether it takes what was sent, by its own clock, in an hour."""
    triggers_by_trades: bool = True
    """Whether a stop waits for a trade, not for a mark price."""
    asks_for_withdrawals: bool = True
    desks: tuple[str, str] = ("spot", "swap")
    """What the simulator calls its two products."""
    worth: str = "1"
    """How much of the base is one of the contract."""

    @property
    def symbols(self) -> tuple[str, str]:
        """What is traded."""
        return self.spot, self.contract

    def size(self, instrument: Instrument) -> str:
        """Return how much is traded of an instrument."""
        return self.sizes[instrument.kind is not InstrumentKind.SPOT]

    def credentials(self, account: Account) -> dict[str, Any]:
        """Return what logs in to an account."""
        return {name: Secret(getattr(account, name)) for name in self.secrets} | {
            name: getattr(account, name) for name in {"key"} - set(self.secrets)
        }

    def under_test(self, *symbols: str, **more: Any) -> ExchangeUnderTest:
        """Return it as the conformance kit has it."""
        symbols = symbols or self.symbols
        return ExchangeUnderTest(plugin=self.name, symbols=symbols, credentials=self.credentials, **more)


VENUES = {
    venue.name: venue
    for venue in (
        Venue(
            name="binance",
            accounts={"hmac": 0, "ed25519": 1},
            request="order.place",
            path="POST /api/v3/order",
            gone="-2011",
            would_take=(ReportKind.REJECTED, "-2010|-5022"),
            cancels_are_told=False,
            desks=("spot", "usdm"),
        ),
        Venue(
            name="bybit",
            request="order.create",
            path="POST /v5/order/create",
            gone="170213|110001",
            would_take=(ReportKind.EXPIRED, "EC_PostOnlyWillTakeLiquidity"),
            desks=("spot", "linear"),
        ),
        Venue(
            name="okx",
            secrets=("key", "secret", "passphrase"),
            sizes=("0.01", "2"),
            request="order",
            path="POST /api/v5/trade/order",
            gone="51401",
            would_take=(ReportKind.EXPIRED, ""),
            takes_from_ahead=True,
            worth="0.01",
        ),
        Venue(
            name="hyperliquid",
            spot="HYPE/USDC",
            contract="ETH/USDC:USDC",
            secrets=("secret",),
            wrong="0x" + "42" * 32,
            refuses="no API wallet",
            sizes=("5", "0.05"),
            accounts={"agent": 0, "owner": 1},
            request="order",
            path="POST /exchange",
            feeds=("orderUpdates/*", "userFills/*"),
            gone="Order was never placed",
            would_take=(ReportKind.REJECTED, "Post only order would have immediately matched, bbo was"),
            amending={"modify": True},
            takes_from_ahead=True,
            triggers_by_trades=False,
            asks_for_withdrawals=False,
            desks=("spot", "perps"),
        ),
    )
}


class Session:
    """A client that trades on a simulator, and what it told."""

    def __init__(
        self, venue: Venue, simulator: Simulator[Any], exchange: ExchangeSession, warnings: list[str]
    ) -> None:
        self.venue = venue
        self.clock = SystemClock()
        self.simulator: Any = simulator
        self.exchange = exchange
        self.warnings = warnings
        self.troubles: list[str] = []
        self.events = NotedEvents()
        self.client = exchange.trade(self.events, self.troubles.append)
        self._number = 0

    def order(self, instrument: Instrument, **changes: Any) -> ApprovedOrder:
        """Make an order to buy far below the market."""
        self._number += 1
        values: dict[str, Any] = {
            "client_order_id": f"t{self._number}",
            "strategy": "s",
            "side": Side.BUY,
            "size": instrument.size(self.venue.size(instrument)),
            "price": instrument.price_down(self.best(instrument, Side.BUY) * 97 // 100),
            "created_ns": self.clock.now_ns(),
        }
        return ApprovedOrder(Order(instrument=instrument, **(values | changes)))

    def best(self, instrument: Instrument, side: Side) -> Price:
        """Return the best price of a side of the world's book."""
        price: Price = self.simulator.world.markets[instrument.symbol].levels(side, 1)[0][0]
        return price

    def above(self, instrument: Instrument) -> Price:
        """Return a price above the market."""
        return instrument.price_up(self.best(instrument, Side.SELL) * 102 // 100)

    def can(self, instrument: Instrument) -> Capabilities:
        """Return what the exchange can do for an instrument."""
        return self.client.capabilities_of(instrument)

    def inject(self, kind: FaultKind, *places: str, **more: Any) -> None:
        """Let something go wrong at each of the places."""
        for where in places:
            self.simulator.faults.inject(Fault(kind=kind, where=where, **more))

    def silence(self) -> None:
        """Let nothing be told of our orders."""
        self.inject(FaultKind.DROP, *self.venue.feeds, count=0)

    async def told(self, wanted: Callable[[Any], bool]) -> Any:
        """Wait until something is told."""
        async with asyncio.timeout(LONG_S):
            while True:
                for each in self.events.told:
                    if wanted(each):
                        return each
                await asyncio.sleep(0.005)

    async def report(self, order: Order, *kinds: ReportKind) -> OrderReport:
        """Wait for a report of an order."""
        report = await self.told(
            lambda each: (
                isinstance(each, OrderReport)
                and each.client_order_id == order.client_order_id
                and each.kind in kinds
            )
        )
        assert isinstance(report, OrderReport)
        return report

    def fills(self, order: Order) -> dict[str, Fill]:
        """Return what was told of the trades of an order, each once."""
        return {
            each.trade_id: each
            for each in self.events.told
            if isinstance(each, Fill) and each.client_order_id == order.client_order_id
        }

    async def filled(self, order: Order) -> dict[str, Fill]:
        """Wait until an order has traded whole, and return its trades."""
        await until(lambda: sum(each.size for each in self.fills(order).values()) >= order.size)
        return self.fills(order)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(LONG_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


@asynccontextmanager
async def trading(
    venue: Venue, *symbols: str, account: int = 0, simulator: Mapping[str, Any] | None = None, **options: Any
) -> AsyncIterator[tuple[Session, Sequence[Instrument]]]:
    """Give a client that is ready to trade, and the instruments; on a real socket, in real time."""
    under_test = venue.under_test()
    config = under_test.simulator.Config(**{"symbols": venue.symbols, **(simulator or {})})
    world = under_test.make_world(SystemClock(), config.symbols, seed=config.seed, rate=config.rate)
    exchange = under_test.simulator(config, world)
    warnings: list[str] = []
    async with serve(exchange) as port:
        entry = under_test.entry(f"http://127.0.0.1:{port}", exchange.accounts()[account], **options)
        opened = ExchangeSession(
            entry,
            base=Path(),
            seed=1,
            clock=SystemClock(),
            trace=Trace(SystemClock().now_ns),
            tap=None,
            budgets={},
            warn=lambda _, line: warnings.append(line),
        )
        try:
            await opened.open()
            session = Session(venue, exchange, opened, warnings)
            instruments = await opened.load_instruments([InstrumentId(each, venue.name) for each in symbols])
            await session.client.start(instruments)
            await session.told(lambda each: each == "ready")
            if (quotes := getattr(session.client, "_quotes", None)) is not None:
                # Market orders are priced by what is offered.
                await until(lambda: len(quotes) == len(symbols))
            yield session, instruments
            await session.client.stop()
            assert not session.troubles
        finally:
            await opened.close()
