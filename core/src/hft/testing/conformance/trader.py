"""An execution client at work on the simulator, and what it tells."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import ROUND_CEILING
from typing import Any
from weakref import WeakKeyDictionary

import attrs

from hft.events import Fill, OrderReport, ReportKind
from hft.instrument import Instrument
from hft.order import Order
from hft.orders import ClientOrderIds
from hft.plugin.execution import ApprovedOrder, ExecutionClient, OrderStatus
from hft.plugin.simulator import Account
from hft.sim import Fault, FaultKind, SyntheticMarket
from hft.sim.fault import Place
from hft.testing.conformance.exchange import ExchangeUnderTest
from hft.testing.conformance.passages import pattern
from hft.testing.conformance.stage import LONG_NS, Stage, play, stage
from hft.testing.link import NotedEvents
from hft.types import OrderType, Price, Side, Size, TimeInForce

__all__ = ["FINAL", "NOT_SENT", "Trader", "Wire", "trader", "trading", "wire"]

FINAL = (ReportKind.REJECTED, ReportKind.CANCELED, ReportKind.EXPIRED)
"""The reports after which nothing more trades."""

NOT_SENT = "not sent: "
"""How the reason of a refusal begins that is the client's own."""

_ON_THE_WAY_NS = 3_500_000
"""A request that is sent now has arrived within this time, and nothing that follows from its answer has."""

_NOTIONAL = 4
"""Orders are so many times as large as the least that the exchange takes."""

_BELOW = 97
"""Orders that are to rest are placed at so many percent of the best bid."""


class Trader:
    """A client that trades on the stage, and helps to make orders and to wait for what is told of them."""

    def __init__(
        self, on: Stage, client: ExecutionClient[Any], events: NotedEvents, instruments: Sequence[Instrument]
    ) -> None:
        self.on = on
        self.client = client
        self.events = events
        self.instruments = instruments
        self.instrument = instruments[0]
        self._ids = ClientOrderIds("kit", f"{on.clock.now_ns()}")

    @property
    def market(self) -> SyntheticMarket:
        """The traded market as it really is."""
        return self.on.market(self.instrument.symbol)

    # -- orders ----------------------------------------------------------------------------------------

    def order(self, **changes: Any) -> ApprovedOrder:
        """Make an order to buy that rests far below the market."""
        values: dict[str, Any] = {
            "client_order_id": self._ids.next(),
            "strategy": "kit",
            "instrument": self.instrument,
            "side": Side.BUY,
            "size": self.size(),
            "price": self.far_price(),
        }
        return ApprovedOrder(Order(**(values | changes)))

    def market_order(self, **changes: Any) -> ApprovedOrder:
        """Make an order to buy at the market."""
        return self.order(price=None, type=OrderType.MARKET, time_in_force=TimeInForce.IOC, **changes)

    def best(self, side: Side) -> Price:
        """Return the best price of a side."""
        return self.market.levels(side, 1)[0][0]

    def far_price(self) -> Price:
        """Return a price at which an order to buy rests."""
        return Price(self.best(Side.BUY) * _BELOW // 100)

    def size(self) -> Size:
        """Return a size that the exchange takes, in lots that are no round number."""
        instrument = self.instrument
        least = _NOTIONAL * instrument.min_notional / (self.far_price() * instrument.point_value)
        lots = max(int(least.to_integral_value(ROUND_CEILING)), _NOTIONAL * instrument.min_size, 40)
        return Size(lots + 3)

    async def placed(self, **changes: Any) -> ApprovedOrder:
        """Place an order that rests, and wait until it does; again where its turn did not come in time."""
        while True:
            order = self.order(**changes)
            self.client.place(order)
            report = await self.report(order, ReportKind.ACCEPTED, ReportKind.REJECTED)
            if report.kind is ReportKind.ACCEPTED:
                return order
            assert report.reason.startswith(NOT_SENT), report
            await self.on.sleep(1)

    @staticmethod
    def price_of(order: Order) -> Price:
        """Return the price of a limit order."""
        assert order.price is not None
        return order.price

    async def at_the_front(self, **changes: Any) -> ApprovedOrder:
        """Place an order at the best bid, and return it; `strike` trades with it."""
        return await self.placed(price=self.best(Side.BUY), **changes)

    def strike(self, order: Order, size: int) -> None:
        """Let a stranger sell ``size`` lots to an order that rests, and to whoever stands before it."""
        assert order.price is not None
        # The markets are at rest: nobody has come behind it.
        *others, _ = self.market.engine.queue(order.side, order.price)
        before = sum(each.remaining for each in others)
        self.market.submit(order.side.opposite, before + size, order.price, time_in_force=TimeInForce.IOC)

    # -- what is told ------------------------------------------------------------------------------------

    async def told(self, wanted: Callable[[Any], object], what: str, within_ns: int = LONG_NS) -> Any:
        """Wait until something is told."""
        found: list[Any] = []
        seen = 0

        def look() -> bool:
            nonlocal seen
            told, at = self.events.told, seen
            seen = len(told)
            found.extend(each for each in told[at:] if wanted(each))
            return bool(found)

        try:
            await self.on.until(look, what, within_ns)
        except AssertionError as error:
            raise AssertionError(f"{error}; told: {self.events.told[-5:]}") from None
        return found[0]

    async def report(self, order: Order, *kinds: ReportKind) -> OrderReport:
        """Wait for a report of an order, of one of some kinds."""
        report = await self.told(
            lambda each: (
                isinstance(each, OrderReport)
                and each.client_order_id == order.client_order_id
                and each.kind in kinds
            ),
            f"{order.client_order_id} is reported {' or '.join(kind.value for kind in kinds)}",
        )
        assert isinstance(report, OrderReport)
        return report

    def reports(self, order: Order) -> list[OrderReport]:
        """Return what was reported of an order."""
        return [
            each
            for each in self.events.told
            if isinstance(each, OrderReport) and each.client_order_id == order.client_order_id
        ]

    def fills(self, order: Order) -> dict[str, Fill]:
        """Return the fills of an order by their ids."""
        return {
            each.trade_id: each
            for each in self.events.told
            if isinstance(each, Fill) and each.client_order_id == order.client_order_id
        }

    def filled(self, order: Order) -> int:
        """Return how many lots of an order have traded, each fill counted once."""
        return sum(fill.size for fill in self.fills(order).values())

    async def until_filled(self, order: Order, size: int) -> None:
        """Wait until so many lots of an order have traded."""
        await self.on.until(lambda: self.filled(order) >= size, f"{size} lots of an order have traded")
        assert self.filled(order) == size, "more than was traded is told"

    async def status(self, order: Order) -> OrderStatus:
        """Ask how an order stands."""
        status = await self.client.order_status(order.instrument, order.client_order_id)
        assert status is not None, f"the exchange says that it does not know {order.client_order_id}"
        return status

    async def settled(self, order: Order) -> OrderReport:
        """Ask about an order until there is evidence, as the kernel does, and return it."""
        for _ in range(10):
            told = len(self.events.told)
            self.client.query(order)
            await self.on.sleep(3)
            for each in self.events.told[told:]:
                if not isinstance(each, OrderReport) or each.kind is ReportKind.UNKNOWN:
                    continue
                if each.client_order_id == order.client_order_id:
                    return each
        raise AssertionError(f"no evidence of {order.client_order_id} within 30 s; {self.on.said}")

    async def ready(self) -> None:
        """Wait until orders can be sent."""
        await self.told(lambda each: each == "ready", "orders can be sent")

    async def open_ids(self) -> list[str]:
        """Return the client ids of what the exchange lists as open."""
        return sorted(each.client_order_id for each in await self.client.open_orders())


@asynccontextmanager
async def trader(on: Stage, account: Account | None = None, **config: Any) -> AsyncIterator[Trader]:
    """Give a client that is ready to trade; the markets are at rest."""
    on.world.stop()
    async with on.session(account or on.account, **config) as session:
        wanted = [market.instrument.id for market in on.world.markets.values()]
        instruments = await session.load_instruments(wanted)
        events = NotedEvents()
        client = on.trade(session, events)
        try:
            await client.start(instruments)
            made = Trader(on, client, events, instruments)
            await made.ready()
            yield made
        finally:
            await client.stop()


@asynccontextmanager
async def trading(exchange: ExchangeUnderTest) -> AsyncIterator[Trader]:
    """Serve a simulator and give a client that is ready to trade on it."""
    async with stage(exchange) as on, trader(on) as made:
        yield made


# -- how requests and private events are called --------------------------------------------------------------


@attrs.frozen
class Wire:
    """The names under which requests and private events pass through the simulator's faults."""

    place: str
    cancel: str
    query: str
    private: tuple[str, ...]

    @property
    def places_by_rest(self) -> bool:
        """Whether new orders travel by REST."""
        return " " in self.place

    def lose_private(self, on: Stage, kind: FaultKind = FaultKind.DROP) -> None:
        """Let something happen to all private events from here on."""
        for name in self.private:
            on.inject(Fault(kind=kind, where=pattern(name), count=0))


_wires: WeakKeyDictionary[ExchangeUnderTest, Wire] = WeakKeyDictionary()


def wire(exchange: ExchangeUnderTest) -> Wire:
    """Return how an exchange's simulator calls what passes, by watching a client at work."""
    if exchange not in _wires:
        found: list[Wire] = []

        async def script() -> None:
            async with trading(exchange) as at:
                await at.on.sleep(1)
                began_ns = at.on.clock.now_ns()

                async def name_of(act: Callable[[], None]) -> str:
                    since_ns = at.on.clock.now_ns()
                    act()
                    await at.on.clock.sleep(_ON_THE_WAY_NS)
                    names = at.on.passages.names(Place.REQUEST, since_ns)
                    await at.on.sleep(1)
                    assert names, "a request did not pass through the simulator's faults: use Hub.request"
                    return names[0].removeprefix("request/")

                order = at.order()
                place = await name_of(lambda: at.client.place(order))
                query = await name_of(lambda: at.client.query(order))
                cancel = await name_of(lambda: at.client.cancel(order))
                resting = await at.at_the_front()
                at.strike(resting, resting.size)
                await at.on.sleep(1)
                private = at.on.passages.names(Place.STREAM, began_ns)
                assert private, "no private event passed through the simulator's faults: use Hub.publish"
                found.append(Wire(place, cancel, query, tuple(private)))

        play(script)
        _wires[exchange] = found[0]
    return _wires[exchange]
