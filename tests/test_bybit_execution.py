"""The execution client against the simulated exchange: real sockets, both products, every kind of key."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from hft import (
    ApprovedOrder,
    ConnectionSpec,
    Duration,
    Fill,
    Instrument,
    Order,
    OrderReport,
    OrderType,
    Price,
    ReportKind,
    Request,
    Secret,
    Side,
    Size,
    SystemClock,
    UsageError,
)
from hft.latency import Trace
from hft.net import Connection, RateLimiter, RestClient
from hft.run.link import LiveLink
from hft.sim import Fault, FaultKind, World, serve
from hft.testing.link import NotedEvents
from hft_bybit import BybitExecution, BybitStream, Config
from hft_bybit.config import OrderEntry, PositionMode
from hft_bybit.endpoints import Product
from hft_bybit.instruments import decode_instruments
from hft_bybit.simulator import BybitSimulator, BybitSimulatorConfig

LONG_S = 5.0


class Session:
    """A client that trades on a simulator, and what it told."""

    def __init__(self, simulator: BybitSimulator, port: int, account: int, **options: Any) -> None:
        self.clock = SystemClock()
        self.simulator = simulator
        self.url = f"http://127.0.0.1:{port}"
        self.warnings: list[str] = []
        self.troubles: list[str] = []
        self.events = NotedEvents()
        limits = {each.name: each for each in (*BybitStream.rate_limits, *BybitExecution.rate_limits)}
        self.limiter = RateLimiter(limits.values(), clock=self.clock, warn=self.warnings.append)
        self.rest = RestClient(self.limiter, clock=self.clock, warn=self.warnings.append)
        self.link = LiveLink(
            "bybit",
            "simulator",
            self.url,
            clock=self.clock,
            seed="1",
            limiter=self.limiter,
            rest=self.rest,
            trace=Trace(self.clock.now_ns),
            open_connection=self._connection,
            trouble=self.troubles.append,
            warn=lambda _, line: self.warnings.append(line),
        )
        credential = simulator.accounts()[account]
        keys = {"key": Secret(credential.key), "secret": Secret(credential.secret)}
        self.client = BybitExecution(Config(**(keys | options)), self.events, self.link)
        self.link.client = self.client
        self.instruments: dict[str, Instrument] = {}
        self._number = 0

    def _connection(self, spec: ConnectionSpec, link: LiveLink) -> Connection:
        return Connection(
            spec,
            link,
            clock=self.clock,
            random=random.Random(spec.name),
            limiter=self.limiter,
            warn=self.warnings.append,
        )

    async def load(self, *symbols: str) -> list[Instrument]:
        """Ask for the instruments."""
        for product in Product:
            target = f"/v5/market/instruments-info?category={product.value}&limit=1000"
            body = await self.rest.get(Request(url=f"{self.url}{target}"))
            for each in decode_instruments(body, product, "bybit", self.warnings.append).instruments:
                self.instruments[each.symbol] = each
        return [self.instruments[symbol] for symbol in symbols]

    def order(self, instrument: Instrument, **changes: Any) -> ApprovedOrder:
        """Make an order far below the market."""
        self._number += 1
        best = self.best(instrument, Side.BUY)
        values: dict[str, Any] = {
            "client_order_id": f"t{self._number}",
            "strategy": "s",
            "side": Side.BUY,
            "size": Size(max(instrument.min_size * 20, instrument.size("0.01"))),
            "price": Price(best * 97 // 100),
        }
        return ApprovedOrder(Order(instrument=instrument, **(values | changes)))

    def best(self, instrument: Instrument, side: Side) -> Price:
        """Return the best price of a side of the world's book."""
        return self.simulator.world.markets[instrument.symbol].levels(side, 1)[0][0]

    async def told(self, wanted: Callable[[Any], bool]) -> Any:
        """Wait until something is told."""
        async with asyncio.timeout(LONG_S):
            while True:
                for each in self.events.told:
                    if wanted(each):
                        return each
                await asyncio.sleep(0.005)

    async def report(self, order: Order, kind: ReportKind) -> OrderReport:
        """Wait for a report of an order."""
        report = await self.told(
            lambda each: (
                isinstance(each, OrderReport)
                and each.client_order_id == order.client_order_id
                and each.kind is kind
            )
        )
        assert isinstance(report, OrderReport)
        return report

    async def fill(self, order: Order) -> Fill:
        """Wait for a fill of an order."""
        fill = await self.told(
            lambda each: isinstance(each, Fill) and each.client_order_id == order.client_order_id
        )
        assert isinstance(fill, Fill)
        return fill


@asynccontextmanager
async def trading(
    *symbols: str, account: int = 0, simulator: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[tuple[Session, list[Instrument]]]:
    """Give a client that is ready to trade, and the instruments."""
    config = BybitSimulatorConfig(**(simulator or {}))
    world = World.synthetic(SystemClock(), config.symbols, "bybit", seed=config.seed, rate=config.rate)
    exchange = BybitSimulator(config, world)
    async with serve(exchange) as port:
        session = Session(exchange, port, account, **options)
        try:
            instruments = await session.load(*symbols)
            await session.client.start(instruments)
            await session.told(lambda each: each == "ready")
            yield session, instruments
            assert not session.troubles
        finally:
            await session.client.stop()
            await session.link.close()
            await session.rest.close()


@pytest.mark.parametrize("entry", OrderEntry)
@pytest.mark.parametrize("symbol", ["BTC/USDT", "BTC/USDT:USDT"])
async def test_an_order_rests_and_is_cancelled(symbol: str, entry: OrderEntry) -> None:
    async with trading(symbol, order_entry=entry) as (session, (instrument,)):
        order = session.order(instrument, post_only=True)
        session.client.place(order)
        accepted = await session.report(order, ReportKind.ACCEPTED)
        (listed,) = await session.client.open_orders()
        assert listed.client_order_id == order.client_order_id
        assert (listed.price, listed.size, listed.side, listed.post_only) == (
            order.price,
            order.size,
            Side.BUY,
            True,
        )
        assert listed.report.exchange_order_id == accepted.exchange_order_id
        session.client.cancel(order)
        canceled = await session.report(order, ReportKind.CANCELED)
        assert canceled.filled == 0
        assert await session.client.open_orders() == []
        status = await session.client.order_status(instrument, order.client_order_id)
        assert status is not None
        assert status.report.kind is ReportKind.CANCELED
        assert await session.client.order_status(instrument, "never") is None
        session.client.cancel(order)
        refused = await session.report(order, ReportKind.CANCEL_REJECTED)
        assert refused.code == ("170213" if symbol == "BTC/USDT" else "110001")


@pytest.mark.parametrize("entry", OrderEntry)
@pytest.mark.parametrize("symbol", ["BTC/USDT", "BTC/USDT:USDT"])
async def test_a_market_order_trades_once_and_the_account_shows_it(symbol: str, entry: OrderEntry) -> None:
    async with trading(symbol, order_entry=entry) as (session, (instrument,)):
        began_ns = session.clock.now_ns()
        before = {each.asset: each for each in await session.client.balances()}
        order = session.order(instrument, price=None, type=OrderType.MARKET)
        session.client.place(order)
        await session.fill(order)
        await asyncio.sleep(0.1)
        fills = {each.trade_id: each for each in session.events.told if isinstance(each, Fill)}
        assert sum(fill.size for fill in fills.values()) == order.size
        listed = await session.client.executions(instrument, began_ns - 1_000_000_000)
        assert {
            (each.trade_id, each.client_order_id, each.price, each.size, each.fee) for each in listed
        } == {
            (each.trade_id, order.client_order_id, each.price, each.size, each.fee) for each in fills.values()
        }
        assert {each.fee_asset for each in listed} == {each.fee_asset for each in fills.values()}
        after = {each.asset: each for each in await session.client.balances()}
        if symbol == "BTC/USDT":
            fee = sum(each.fee for each in listed)
            bought = instrument.size_to_decimal(order.size)
            assert after["BTC"].total == before["BTC"].total + bought - fee
        else:
            (position,) = await session.client.positions()
            assert position.size == order.size
            assert after["USDT"].total < before["USDT"].total


async def test_price_and_size_can_be_changed() -> None:
    async with trading("BTC/USDT", "BTC/USDT:USDT") as (session, (spot, linear)):
        for instrument, price_change in ((spot, 10), (linear, 10)):
            order = session.order(instrument)
            session.client.place(order)
            await session.report(order, ReportKind.ACCEPTED)
            assert order.price is not None
            price, size = Price(order.price - price_change), Size(order.size - 1)
            session.client.amend(order, price, size)
            replaced = await session.report(order, ReportKind.REPLACED)
            assert (replaced.price, replaced.size) == (price, size)
            listed = await session.client.order_status(instrument, order.client_order_id)
            assert listed is not None
            assert (listed.price, listed.size) == (price, size)


@pytest.mark.parametrize("symbol", ["BTC/USDT", "BTC/USDT:USDT"])
async def test_a_batch_of_orders(symbol: str) -> None:
    async with trading(symbol) as (session, (instrument,)):
        orders = [session.order(instrument) for _ in range(3)]
        orders.append(session.order(instrument, size=Size(10**9)))
        session.client.place_batch(orders)
        for order in orders[:3]:
            await session.report(order, ReportKind.ACCEPTED)
        await session.report(orders[3], ReportKind.REJECTED)
        session.client.cancel_batch(orders[:3])
        for order in orders[:3]:
            await session.report(order, ReportKind.CANCELED)


async def test_listed_orders_are_cancelled_and_no_others() -> None:
    async with trading("BTC/USDT", "BTC/USDT:USDT") as (session, instruments):
        for instrument in instruments:
            ours = [session.order(instrument, client_order_id=f"ours{number}") for number in range(2)]
            other = session.order(instrument, client_order_id="other")
            for order in (*ours, other):
                session.client.place(order)
                await session.report(order, ReportKind.ACCEPTED)
            listed = [
                each
                for each in await session.client.open_orders()
                if each.client_order_id in ("ours0", "ours1")
            ]
            session.client.cancel(ours[0])
            await session.report(ours[0], ReportKind.CANCELED)
            assert sorted(await session.client.cancel_orders(listed)) == ["ours0", "ours1"]
            left = [each for each in await session.client.open_orders() if each.instrument is instrument]
            assert [each.client_order_id for each in left] == ["other"]
            session.client.cancel(other)
            await session.report(other, ReportKind.CANCELED)
            session.events.take()


async def test_post_only_and_fill_or_kill_that_cannot_be() -> None:
    async with trading("BTC/USDT", "BTC/USDT:USDT") as (session, instruments):
        for instrument in instruments:
            price = Price(session.best(instrument, Side.SELL) * 102 // 100)
            order = session.order(instrument, price=price, post_only=True)
            session.client.place(order)
            expired = await session.report(order, ReportKind.EXPIRED)
            assert "EC_PostOnlyWillTakeLiquidity" in expired.reason


async def test_a_key_that_may_withdraw_is_refused_unless_told_otherwise() -> None:
    with pytest.raises(UsageError, match=r"may withdraw money.*allow_withdrawals"):
        async with trading("BTC/USDT", simulator={"withdrawals": True}):
            pass
    async with trading("BTC/USDT", simulator={"withdrawals": True}, allow_withdrawals=True):
        pass


async def test_the_other_position_mode_and_a_wrong_key_are_refused() -> None:
    with pytest.raises(UsageError, match="one-way mode, the profile says 'hedge'"):
        async with trading("BTC/USDT:USDT", position_mode=PositionMode.HEDGE):
            pass
    with pytest.raises(UsageError, match="check the credentials"):
        async with trading("BTC/USDT", secret=Secret("wrong")):
            pass


async def test_lost_connections_come_back() -> None:
    async with trading("BTC/USDT", "BTC/USDT:USDT") as (session, (spot, linear)):
        session.events.take()
        await session.simulator.sockets.stop()
        await session.told(lambda each: isinstance(each, str) and each.startswith("lost"))
        await session.told(lambda each: each == "ready")
        for instrument in (spot, linear):
            order = session.order(instrument)
            session.client.place(order)
            await session.report(order, ReportKind.ACCEPTED)
            session.client.query(order)
            session.client.cancel(order)
            await session.report(order, ReportKind.CANCELED)


@pytest.mark.parametrize("entry", OrderEntry)
@pytest.mark.parametrize("symbol", ["BTC/USDT:USDT"])
async def test_a_stop_waits_is_listed_and_cancelled(symbol: str, entry: OrderEntry) -> None:
    async with trading(symbol, order_entry=entry) as (session, (instrument,)):
        trigger = Price(session.best(instrument, Side.SELL) * 102 // 100)
        order = session.order(instrument, price=trigger, trigger_price=trigger, type=OrderType.STOP_LIMIT)
        session.client.place(order)
        await session.report(order, ReportKind.ACCEPTED)
        (listed,) = await session.client.open_orders()
        assert (listed.client_order_id, listed.type) == (order.client_order_id, OrderType.STOP_LIMIT)
        assert (listed.trigger_price, listed.price, listed.size) == (trigger, trigger, order.size)
        session.events.take()
        session.client.query(order)
        queried = await session.report(order, ReportKind.ACCEPTED)
        assert queried.filled == 0
        session.client.cancel(order)
        await session.report(order, ReportKind.CANCELED)
        status = await session.client.order_status(instrument, order.client_order_id)
        assert status is not None
        assert status.report.kind is ReportKind.CANCELED


@pytest.mark.parametrize("symbol", ["BTC/USDT:USDT"])
async def test_a_stop_that_triggers_trades_under_its_own_id(symbol: str) -> None:
    async with trading(symbol) as (session, (instrument,)):
        began_ns = session.clock.now_ns()
        # One tick beyond what would trigger at once: the flow gets there soon, and a trade of ours sooner.
        trigger = Price(session.best(instrument, Side.SELL) + 1)
        order = session.order(instrument, price=None, trigger_price=trigger, type=OrderType.STOP_MARKET)
        session.client.place(order)
        await session.report(order, ReportKind.ACCEPTED)
        push = session.order(instrument, price=None, type=OrderType.MARKET, size=instrument.size("1.5"))
        session.client.place(push)
        await session.fill(order)
        await asyncio.sleep(0.1)
        fills = {
            each.trade_id: each.size
            for each in session.events.told
            if isinstance(each, Fill) and each.client_order_id == order.client_order_id
        }
        assert sum(fills.values()) == order.size
        listed = await session.client.executions(instrument, began_ns - 1_000_000_000)
        ours = {each.trade_id: each.size for each in listed if each.client_order_id == order.client_order_id}
        assert ours == fills


# -- what goes wrong on the way -------------------------------------------------------------------------


@pytest.mark.parametrize("symbol", ["BTC/USDT", "BTC/USDT:USDT"])
@pytest.mark.parametrize(
    "kind", [FaultKind.DROP, FaultKind.GARBAGE, FaultKind.TRUNCATE, FaultKind.DISCONNECT]
)
async def test_an_answer_that_is_lost_leaves_the_order_unknown_until_it_is_asked_about(
    symbol: str, kind: FaultKind
) -> None:
    async with trading(symbol, answer_timeout=Duration(200_000_000)) as (session, (instrument,)):
        # Nor is it heard of on the private stream.
        session.simulator.faults.inject(Fault(kind=kind, where="reply/order.create"))
        session.simulator.faults.inject(Fault(kind=FaultKind.DROP, where="user/*", count=0))
        order = session.order(instrument)
        session.client.place(order)
        await session.report(order, ReportKind.UNKNOWN)
        session.events.take()
        session.client.query(order)
        found = await session.report(order, ReportKind.ACCEPTED)
        assert (found.price, found.size, found.filled) == (order.price, order.size, 0)
        if kind is FaultKind.DISCONNECT:
            await session.told(lambda each: each == "ready")
        session.client.cancel(order)
        # That a cancellation was taken does not say that it has happened.
        await session.report(order, ReportKind.UNKNOWN)
        session.events.take()
        session.client.query(order)
        await session.report(order, ReportKind.CANCELED)


@pytest.mark.parametrize("symbol", ["BTC/USDT", "BTC/USDT:USDT"])
async def test_a_request_that_is_lost_is_unknown_and_then_not_there(symbol: str) -> None:
    async with trading(symbol, answer_timeout=Duration(200_000_000)) as (session, (instrument,)):
        session.simulator.faults.inject(Fault(kind=FaultKind.DROP, where="request/order.create"))
        order = session.order(instrument)
        session.client.place(order)
        await session.report(order, ReportKind.UNKNOWN)
        session.client.query(order)
        await session.report(order, ReportKind.NOT_FOUND)


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_server_error_by_rest_proves_nothing(status: int) -> None:
    async with trading("BTC/USDT", order_entry=OrderEntry.REST) as (session, (instrument,)):
        fault = Fault(kind=FaultKind.REFUSE, where="request/POST /v5/order/create", status=status)
        session.simulator.faults.inject(fault)
        order = session.order(instrument)
        session.client.place(order)
        await session.report(order, ReportKind.UNKNOWN)


@pytest.mark.parametrize("symbol", ["BTC/USDT", "BTC/USDT:USDT"])
async def test_fills_that_were_not_heard_of_come_with_the_answer_to_a_question(symbol: str) -> None:
    async with trading(symbol, answer_timeout=Duration(200_000_000)) as (session, (instrument,)):
        session.simulator.faults.inject(Fault(kind=FaultKind.DROP, where="user/*", count=0))
        session.simulator.faults.inject(Fault(kind=FaultKind.DROP, where="reply/order.create"))
        order = session.order(instrument, price=None, type=OrderType.MARKET)
        session.client.place(order)
        await session.report(order, ReportKind.UNKNOWN)
        assert not [each for each in session.events.take() if isinstance(each, Fill)]
        session.client.query(order)
        report = await session.report(order, ReportKind.ACCEPTED)
        assert report.filled == order.size
        told = session.events.take()
        assert sum(each.size for each in told if isinstance(each, Fill)) == order.size
        assert isinstance(told[-1], OrderReport), "fills first"


@pytest.mark.parametrize("ahead", [True, False])
async def test_an_exchange_whose_clock_is_an_hour_off_is_traded_by_its_clock(ahead: bool) -> None:
    hour = Duration(3600 * 1_000_000_000)
    async with trading("BTC/USDT", "BTC/USDT:USDT") as (session, instruments):
        skew = {"ahead": hour} if ahead else {"behind": hour}
        session.simulator.faults.inject(Fault(kind=FaultKind.CLOCK_SKEW, where="clock", **skew))
        first = session.order(instruments[0])
        session.client.place(first)
        refused = await session.report(first, ReportKind.REJECTED)
        assert refused.reason.startswith("not sent: ")
        await asyncio.sleep(0.1)
        for instrument in instruments:
            second = session.order(instrument)
            session.client.place(second)
            await session.report(second, ReportKind.ACCEPTED)
