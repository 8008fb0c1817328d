"""The execution client against the simulated exchange: real sockets, real signatures."""

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
    InstrumentKind,
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
    TimeInForce,
    UsageError,
)
from hft.latency import Trace
from hft.net import Connection, RateLimiter, RestClient
from hft.run.link import LiveLink
from hft.sim import Fault, FaultKind, World, serve
from hft.testing.link import NotedEvents
from hft_hyperliquid import Config, HyperliquidExecution, HyperliquidStream
from hft_hyperliquid.config import OrderEntry
from hft_hyperliquid.instruments import decode_perps, decode_spot
from hft_hyperliquid.simulator import HyperliquidSimulator, HyperliquidSimulatorConfig

LONG_S = 5.0
PERP, SPOT = "ETH/USDC:USDC", "HYPE/USDC"
PRIVATE_FEEDS = ("orderUpdates/*", "userFills/*")


class Session:
    """A client that trades on a simulator, and what it told."""

    def __init__(self, simulator: HyperliquidSimulator, port: int, account: int, **options: Any) -> None:
        self.clock = SystemClock()
        self.simulator = simulator
        self.url = f"http://127.0.0.1:{port}"
        self.warnings: list[str] = []
        self.troubles: list[str] = []
        self.events = NotedEvents()
        published = (*HyperliquidStream.rate_limits, *HyperliquidExecution.rate_limits)
        self.limiter = RateLimiter(published, clock=self.clock, warn=self.warnings.append)
        self.rest = RestClient(self.limiter, clock=self.clock, warn=self.warnings.append)
        self.link = LiveLink(
            "hyperliquid",
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
        self.client = HyperliquidExecution(Config(**(keys | options)), self.events, self.link)
        self.link.client = self.client
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
        found = {}
        for kind, decode in (("meta", decode_perps), ("spotMeta", decode_spot)):
            body = f'{{"type":"{kind}"}}'.encode()
            answer = await self.rest.get(Request(url=f"{self.url}/info", body=body, limit="weight"))
            for each in decode(answer, "hyperliquid", self.warnings.append):
                found[each.symbol] = each
        return [found[symbol] for symbol in symbols]

    def order(self, instrument: Instrument, **changes: Any) -> ApprovedOrder:
        """Make an order below the market."""
        self._number += 1
        best = self.best(instrument, Side.BUY)
        values: dict[str, Any] = {
            "client_order_id": f"t{self._number}",
            "strategy": "s",
            "side": Side.BUY,
            "size": instrument.size("0.05" if instrument.kind is InstrumentKind.PERPETUAL else "5"),
            "price": instrument.price_down(best * 97 // 100),
            "created_ns": self.clock.now_ns(),
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

    async def fills(self, order: Order, size: int) -> dict[str, Fill]:
        """Wait for the fills of an order, of so many lots in all."""
        async with asyncio.timeout(LONG_S):
            while True:
                found = {
                    each.trade_id: each
                    for each in self.events.told
                    if isinstance(each, Fill) and each.client_order_id == order.client_order_id
                }
                if sum(each.size for each in found.values()) >= size:
                    return found
                await asyncio.sleep(0.005)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(LONG_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


@asynccontextmanager
async def trading(
    *symbols: str, account: int = 0, simulator: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[tuple[Session, list[Instrument]]]:
    """Give a client that is ready to trade, and the instruments."""
    config = HyperliquidSimulatorConfig(**(simulator or {}))
    world = World.synthetic(
        SystemClock(),
        config.symbols,
        "hyperliquid",
        seed=config.seed,
        rate=config.rate,
        product=HyperliquidSimulator.product,
    )
    exchange = HyperliquidSimulator(config, world)
    async with serve(exchange) as port:
        session = Session(exchange, port, account, **options)
        try:
            instruments = await session.load(*symbols)
            await session.client.start(instruments)
            await session.told(lambda each: each == "ready")
            # Market orders need to know what is offered.
            await until(lambda: len(session.client._quotes) == len(symbols))
            yield session, instruments
            assert not session.troubles
        finally:
            await session.client.stop()
            await session.link.close()
            await session.rest.close()


WAYS = [
    pytest.param(0, OrderEntry.WEBSOCKET, id="agent-websocket"),
    pytest.param(1, OrderEntry.WEBSOCKET, id="owner-websocket"),
    pytest.param(0, OrderEntry.REST, id="agent-rest"),
]


@pytest.mark.parametrize(("account", "entry"), WAYS)
@pytest.mark.parametrize("symbol", [PERP, SPOT])
async def test_an_order_rests_and_is_cancelled(symbol: str, account: int, entry: OrderEntry) -> None:
    async with trading(symbol, account=account, order_entry=entry) as (session, (instrument,)):
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
        assert refused.reason.startswith("Order was never placed")


@pytest.mark.parametrize("entry", OrderEntry)
@pytest.mark.parametrize("symbol", [PERP, SPOT])
async def test_a_market_order_trades_once_and_the_account_shows_it(symbol: str, entry: OrderEntry) -> None:
    async with trading(symbol, order_entry=entry) as (session, (instrument,)):
        began_ns = session.clock.now_ns()
        wallet = session.client.wallet_of(instrument)
        before = {each.asset: each for each in await session.client.balances() if each.wallet == wallet}
        order = session.order(instrument, price=None, type=OrderType.MARKET)
        session.client.place(order)
        fills = await session.fills(order, order.size)
        listed = await session.client.executions(instrument, began_ns - 1_000_000_000)
        assert {each.trade_id: each.size for each in listed} == {
            name: each.size for name, each in fills.items()
        }
        assert {(each.price, each.fee, each.fee_asset) for each in listed} == {
            (each.price, each.fee, each.fee_asset) for each in fills.values()
        }
        after = {each.asset: each for each in await session.client.balances() if each.wallet == wallet}
        fee = sum(each.fee for each in listed)
        if symbol == SPOT:
            bought = instrument.size_to_decimal(order.size)
            assert after["HYPE"].total == before["HYPE"].total + bought - fee
        else:
            (position,) = await session.client.positions()
            assert position.size == order.size
            assert after["USDC"].total == before["USDC"].total - fee


async def test_an_immediate_order_that_finds_nobody_has_ended() -> None:
    async with trading(PERP) as (session, (instrument,)):
        order = session.order(instrument, time_in_force=TimeInForce.IOC)
        session.client.place(order)
        report = await session.report(order, ReportKind.EXPIRED)
        assert report.filled == 0


async def test_a_batch_of_orders() -> None:
    async with trading(PERP) as (session, (instrument,)):
        orders = [session.order(instrument) for _ in range(3)]
        orders.append(session.order(instrument, size=Size(10**9)))
        session.client.place_batch(orders)
        for order in orders[:3]:
            await session.report(order, ReportKind.ACCEPTED)
        refused = await session.report(orders[3], ReportKind.REJECTED)
        assert refused.reason.startswith("Insufficient margin")
        session.client.cancel_batch(orders[:3])
        for order in orders[:3]:
            await session.report(order, ReportKind.CANCELED)


async def test_a_modified_order_is_the_same_order_with_what_it_had_traded() -> None:
    async with trading(PERP, modify=True) as (session, (instrument,)):
        order = session.order(instrument, price=Price(session.best(instrument, Side.BUY)))
        session.client.place(order)
        accepted = await session.report(order, ReportKind.ACCEPTED)
        order.exchange_order_id = accepted.exchange_order_id
        price = instrument.price_down(session.best(instrument, Side.BUY) * 98 // 100)
        size = Size(order.size * 2)
        order.filled = Size(sum(each.size for each in session.events.told if isinstance(each, Fill)))
        if order.filled < order.size:
            session.client.amend(order, price, size)
            replaced = await session.report(order, ReportKind.REPLACED)
            assert replaced.price == price
            assert replaced.size is not None
            assert replaced.size >= size
            assert replaced.exchange_order_id != accepted.exchange_order_id
            listed = await session.client.order_status(instrument, order.client_order_id)
            assert listed is not None
            assert (listed.price, listed.size) == (price, replaced.size)
            session.client.cancel(order)
            await session.report(order, ReportKind.CANCELED)


async def test_listed_orders_are_cancelled_and_no_others() -> None:
    async with trading(PERP, SPOT) as (session, instruments):
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


async def test_post_only_that_would_trade_is_refused() -> None:
    async with trading(PERP, SPOT) as (session, instruments):
        for instrument in instruments:
            price = instrument.price_up(session.best(instrument, Side.SELL) * 102 // 100)
            order = session.order(instrument, price=price, post_only=True)
            session.client.place(order)
            refused = await session.report(order, ReportKind.REJECTED)
            assert refused.reason.startswith("Post only order would have immediately matched, bbo was")


async def test_a_key_that_is_nobodys_is_refused() -> None:
    with pytest.raises(UsageError, match="no API wallet"):
        async with trading(PERP, secret=Secret("0x" + "42" * 32)):
            pass


async def test_a_sub_account_is_traded_for_by_its_owners_wallet() -> None:
    config = HyperliquidSimulatorConfig()
    world = World.synthetic(SystemClock(), (PERP,), "hyperliquid", product=HyperliquidSimulator.product)
    person = HyperliquidSimulator(config, world)._persons[0]
    world.stop()
    async with trading(PERP, vault=person.sub_address) as (session, (instrument,)):
        order = session.order(instrument, price=None, type=OrderType.MARKET)
        session.client.place(order)
        await session.fills(order, order.size)
        private = session.simulator.private
        assert private is not None
        held = private.truth.tell()["accounts"]
        assert [each["size"] for each in held[person.sub_name]["perps"]["positions"]] == ["0.0500"]
        assert held[person.name]["perps"]["positions"] == []
    with pytest.raises(UsageError, match="neither a vault nor a sub-account"):
        async with trading(PERP, account=2, vault=person.sub_address):
            pass


async def test_lost_connections_come_back() -> None:
    async with trading(PERP, SPOT) as (session, instruments):
        session.events.take()
        await session.simulator.sockets.stop()
        await session.told(lambda each: isinstance(each, str) and each.startswith("lost"))
        await session.told(lambda each: each == "ready")
        for instrument in instruments:
            order = session.order(instrument)
            session.client.place(order)
            await session.report(order, ReportKind.ACCEPTED)
            session.client.query(order)
            session.client.cancel(order)
            await session.report(order, ReportKind.CANCELED)


@pytest.mark.parametrize("entry", OrderEntry)
async def test_a_stop_waits_is_listed_and_cancelled(entry: OrderEntry) -> None:
    async with trading(PERP, order_entry=entry) as (session, (instrument,)):
        trigger = instrument.price_up(session.best(instrument, Side.SELL) * 102 // 100)
        order = session.order(instrument, price=trigger, trigger_price=trigger, type=OrderType.STOP_LIMIT)
        session.client.place(order)
        await session.report(order, ReportKind.ACCEPTED)
        (listed,) = await session.client.open_orders()
        assert (listed.client_order_id, listed.type) == (order.client_order_id, OrderType.STOP_LIMIT)
        assert (listed.trigger_price, listed.price, listed.size) == (trigger, trigger, order.size)
        session.client.cancel(order)
        await session.report(order, ReportKind.CANCELED)


async def test_the_switch_of_the_exchange_is_set_and_taken_back() -> None:
    async with trading(PERP) as (session, _):
        private = session.simulator.private
        assert private is not None
        for timeout_ns, armed in ((5_000_000_000, ["account1"]), (0, [])):
            session.client.arm_dead_man(timeout_ns)
            await until(lambda armed=armed: list(private.trading.switches) == armed)  # type: ignore[misc]
        assert not session.warnings


# -- what goes wrong on the way -------------------------------------------------------------------------


@pytest.mark.parametrize("symbol", [PERP, SPOT])
@pytest.mark.parametrize(
    "kind", [FaultKind.DROP, FaultKind.GARBAGE, FaultKind.TRUNCATE, FaultKind.DISCONNECT]
)
async def test_an_answer_that_is_lost_leaves_the_order_unknown_until_it_is_asked_about(
    symbol: str, kind: FaultKind
) -> None:
    async with trading(symbol, answer_timeout=Duration(200_000_000)) as (session, (instrument,)):
        # Nor is it heard of on the private feeds.
        session.simulator.faults.inject(Fault(kind=kind, where="reply/order"))
        for feed in PRIVATE_FEEDS:
            session.simulator.faults.inject(Fault(kind=FaultKind.DROP, where=feed, count=0))
        order = session.order(instrument)
        session.client.place(order)
        await session.report(order, ReportKind.UNKNOWN)
        session.events.take()
        session.client.query(order)
        found = await session.report(order, ReportKind.ACCEPTED)
        assert (found.price, found.size, found.filled) == (order.price, order.size, 0)
        if kind is FaultKind.DISCONNECT:
            await session.told(lambda each: each == "ready")
        session.simulator.faults.clear()
        session.client.cancel(order)
        await session.report(order, ReportKind.CANCELED)


async def test_a_request_that_is_lost_is_unknown_and_then_not_there() -> None:
    async with trading(PERP, answer_timeout=Duration(200_000_000)) as (session, (instrument,)):
        session.simulator.faults.inject(Fault(kind=FaultKind.DROP, where="request/order"))
        order = session.order(instrument)
        session.client.place(order)
        await session.report(order, ReportKind.UNKNOWN)
        session.client.query(order)
        await session.report(order, ReportKind.NOT_FOUND)


async def test_a_request_that_comes_twice_is_carried_out_once() -> None:
    async with trading(PERP) as (session, (instrument,)):
        session.simulator.faults.inject(Fault(kind=FaultKind.DUPLICATE, where="request/order"))
        order = session.order(instrument)
        session.client.place(order)
        await session.report(order, ReportKind.ACCEPTED)
        await asyncio.sleep(0.1)
        # The second had the nonce of the first.
        assert len(await session.client.open_orders()) == 1
        assert not [each for each in session.events.told if getattr(each, "kind", 0) is ReportKind.REJECTED]


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_server_error_by_rest_proves_nothing(status: int) -> None:
    async with trading(PERP, order_entry=OrderEntry.REST) as (session, (instrument,)):
        fault = Fault(kind=FaultKind.REFUSE, where="request/POST /exchange", status=status)
        session.simulator.faults.inject(fault)
        order = session.order(instrument)
        session.client.place(order)
        await session.report(order, ReportKind.UNKNOWN)


@pytest.mark.parametrize("symbol", [PERP, SPOT])
async def test_fills_that_were_not_heard_of_come_with_the_answer_to_a_question(symbol: str) -> None:
    async with trading(symbol, answer_timeout=Duration(200_000_000)) as (session, (instrument,)):
        for where in ("reply/order", *PRIVATE_FEEDS):
            session.simulator.faults.inject(Fault(kind=FaultKind.DROP, where=where, count=0))
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
    async with trading(PERP) as (session, (instrument,)):
        skew = {"ahead": hour} if ahead else {"behind": hour}
        session.simulator.faults.inject(Fault(kind=FaultKind.CLOCK_SKEW, where="clock", **skew))
        first = session.order(instrument)
        session.client.place(first)
        if ahead:
            refused = await session.report(first, ReportKind.REJECTED)
            assert refused.reason == "not sent: Action already expired"
            await asyncio.sleep(0.1)
        else:  # what comes from an hour ahead is taken
            await session.report(first, ReportKind.ACCEPTED)
        second = session.order(instrument)
        session.client.place(second)
        await session.report(second, ReportKind.ACCEPTED)


async def test_a_budget_that_is_used_up_slows_orders_down_and_not_cancels() -> None:
    async with trading(PERP, simulator={"volume": 0}) as (session, (instrument,)):
        private = session.simulator.private
        assert private is not None
        budgets = private.budgets
        budgets._used["account1"] = budgets.cap("account1")
        budgets._last_ns["account1"] = session.clock.now_ns()
        order = session.order(instrument)
        session.client.place(order)
        refused = await session.report(order, ReportKind.REJECTED)
        assert refused.reason.startswith("not sent: Too many cumulative requests sent")
        assert session.limiter.usage()["actions"].weight == 1
