"""Every execution client against its simulated exchange: real sockets, both products, every kind of key."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from decimal import Decimal
from functools import cache

import pytest

from hft import (
    Duration,
    Fill,
    OrderEntry,
    OrderReport,
    OrderState,
    OrderType,
    PositionMode,
    ReportKind,
    Secret,
    Side,
    Size,
    TimeInForce,
    UsageError,
)
from hft.sim import FaultKind
from tests.exchanges import VENUES, Venue, trading

SOON = Duration(200_000_000)
SECOND_NS = 1_000_000_000

every_venue = pytest.mark.parametrize("venue", VENUES.values(), ids=lambda venue: venue.name)


def every_symbol(can: Callable[[Venue, str], bool] = lambda venue, symbol: True) -> pytest.MarkDecorator:
    """Run a test for both symbols of each exchange, or for those that can do what it is about."""
    return pytest.mark.parametrize(
        ("venue", "symbol"),
        [
            pytest.param(venue, symbol, id=f"{venue.name}-{symbol}")
            for venue in VENUES.values()
            for symbol in venue.symbols
            if can(venue, symbol)
        ],
    )


WAYS = [
    pytest.param(venue, symbol, account, entry, id=f"{venue.name}-{symbol}-{key}-{entry.value}")
    for venue in VENUES.values()
    for symbol in venue.symbols
    for key, account in venue.accounts.items()
    for entry in OrderEntry
]


def said(report: OrderReport) -> str:
    return f"{report.code} {report.reason}"


@cache
def declared(venue: Venue, symbol: str) -> frozenset[str]:
    """Return what it declares for a symbol, changes among it."""
    other = next(each for each in venue.symbols if each != symbol)
    return frozenset(venue.under_test(symbol, other, config=venue.amending).declared())


def that_declare(what: str) -> Callable[[Venue, str], bool]:
    """Pick those that can do something."""
    return lambda venue, symbol: what in declared(venue, symbol)


# -- orders ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("venue", "symbol", "account", "entry"), WAYS)
async def test_an_order_rests_and_is_cancelled(
    venue: Venue, symbol: str, account: int, entry: OrderEntry
) -> None:
    async with trading(venue, symbol, account=account, order_entry=entry) as (session, (instrument,)):
        order = session.order(instrument, post_only=True)
        session.client.place(order)
        accepted = await session.report(order, ReportKind.ACCEPTED)
        (listed,) = await session.client.open_orders()
        assert listed.client_order_id == order.client_order_id
        assert (listed.price, listed.size, listed.side) == (order.price, order.size, Side.BUY)
        assert listed.post_only
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
        assert re.search(venue.gone, said(refused))


@pytest.mark.parametrize("entry", OrderEntry)
@every_symbol()
async def test_a_market_order_trades_once_and_the_account_shows_it(
    venue: Venue, symbol: str, entry: OrderEntry
) -> None:
    async with trading(venue, symbol, order_entry=entry) as (session, (instrument,)):
        began_ns = session.clock.now_ns()
        wallet = session.client.wallet_of(instrument)
        before = {each.asset: each for each in await session.client.balances() if each.wallet == wallet}
        order = session.order(instrument, price=None, type=OrderType.MARKET)
        session.client.place(order)
        fills = await session.filled(order)
        await asyncio.sleep(0.1)
        assert session.fills(order) == fills
        listed = await session.client.executions(instrument, began_ns - SECOND_NS)
        assert {_said_of(each) for each in listed} == {_said_of(each) for each in fills.values()}
        assert sum(each.size for each in listed) == order.size
        after = {each.asset: each for each in await session.client.balances() if each.wallet == wallet}
        fee = sum(each.fee for each in listed)
        if symbol == venue.spot:
            bought = instrument.size_to_decimal(order.size)
            assert {(each.fee_asset, each.realized) for each in listed} == {(instrument.base, None)}
            assert after[instrument.base].total == before[instrument.base].total + bought - fee
        else:
            (position,) = await session.client.positions()
            assert position.size == order.size
            # Nothing is realized by what opens a position.
            assert {(each.fee_asset, each.realized) for each in listed} == {(instrument.settle, Decimal(0))}
            assert after[instrument.settle].total == before[instrument.settle].total - fee


@every_venue
async def test_what_closing_a_position_realized_is_what_the_wallet_gets(venue: Venue) -> None:
    async with trading(venue, venue.contract) as (session, (instrument,)):
        wallet = session.client.wallet_of(instrument)
        bought = session.order(instrument, price=None, type=OrderType.MARKET)
        session.client.place(bought)
        entered = sum(each.price * each.size for each in (await session.filled(bought)).values())
        held = {each.asset: each for each in await session.client.balances() if each.wallet == wallet}
        sold = session.order(instrument, price=None, type=OrderType.MARKET, side=Side.SELL)
        session.client.place(sold)
        fills = (await session.filled(sold)).values()
        left = sum(each.price * each.size for each in fills)
        realized = sum(each.realized for each in fills if each.realized is not None)
        assert realized == (left - entered) * instrument.point_value != 0
        after = {each.asset: each for each in await session.client.balances() if each.wallet == wallet}
        fees = sum(each.fee for each in fills)
        assert after[instrument.settle].total == held[instrument.settle].total + realized - fees


def _said_of(fill: Fill) -> tuple[object, ...]:
    return (
        *(fill.trade_id, fill.client_order_id, fill.price, fill.size, fill.fee, fill.fee_asset),
        fill.realized,
    )


@every_symbol()
async def test_what_finds_nobody_to_trade_with_has_ended(venue: Venue, symbol: str) -> None:
    async with trading(venue, symbol) as (session, (instrument,)):
        for time in {TimeInForce.IOC, TimeInForce.FOK} & session.can(instrument).times_in_force:
            order = session.order(instrument, time_in_force=time)
            session.client.place(order)
            # What trades whole or not at all may be refused instead.
            kinds = (ReportKind.EXPIRED, ReportKind.REJECTED)
            report = await session.report(order, *kinds[: 1 if time is TimeInForce.IOC else 2])
            assert not report.filled


@every_symbol(that_declare("amend_any"))
async def test_an_order_can_be_changed(venue: Venue, symbol: str) -> None:
    async with trading(venue, symbol, **venue.amending) as (session, (instrument,)):
        order = session.order(instrument)
        session.client.place(order)
        order.exchange_order_id = (await session.report(order, ReportKind.ACCEPTED)).exchange_order_id
        assert order.price is not None
        lower = instrument.price_down(order.price * 99 // 100)
        price = lower if session.can(instrument).amend else order.price
        size = Size(order.size - 1)
        session.client.amend(order, price, size)
        replaced = await session.report(order, ReportKind.REPLACED)
        assert (replaced.price, replaced.size) == (price, size)
        listed = await session.client.order_status(instrument, order.client_order_id)
        assert listed is not None
        assert (listed.price, listed.size) == (price, size)


@every_symbol(that_declare("batch"))
async def test_a_batch_of_orders(venue: Venue, symbol: str) -> None:
    async with trading(venue, symbol) as (session, (instrument,)):
        orders = [session.order(instrument) for _ in range(3)]
        orders.append(session.order(instrument, size=Size(10**9)))
        session.client.place_batch(orders)
        for order in orders[:3]:
            await session.report(order, ReportKind.ACCEPTED)
        await session.report(orders[3], ReportKind.REJECTED)
        session.client.cancel_batch(orders[:3])
        for order in orders[:3]:
            await session.report(order, ReportKind.CANCELED)


@every_venue
async def test_listed_orders_are_cancelled_and_no_others(venue: Venue) -> None:
    async with trading(venue, *venue.symbols) as (session, instruments):
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


@every_symbol()
async def test_a_post_only_order_that_would_trade_does_not(venue: Venue, symbol: str) -> None:
    kind, words = venue.would_take
    async with trading(venue, symbol) as (session, (instrument,)):
        order = session.order(instrument, price=session.above(instrument), post_only=True)
        session.client.place(order)
        assert re.search(words, said(await session.report(order, kind)))
        assert not session.fills(order)


@pytest.mark.parametrize("entry", OrderEntry)
@every_symbol(that_declare("stop-limit"))
async def test_a_stop_waits_is_listed_and_cancelled(venue: Venue, symbol: str, entry: OrderEntry) -> None:
    async with trading(venue, symbol, order_entry=entry) as (session, (instrument,)):
        trigger = session.above(instrument)
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


@every_symbol(lambda venue, symbol: venue.triggers_by_trades and "stop-market" in declared(venue, symbol))
async def test_a_stop_that_triggers_trades_under_its_own_id(venue: Venue, symbol: str) -> None:
    async with trading(venue, symbol) as (session, (instrument,)):
        began_ns = session.clock.now_ns()
        # One tick beyond what would trigger at once: the flow gets there soon, and a trade of ours sooner.
        trigger = instrument.price_up(session.best(instrument, Side.SELL) + 1)
        order = session.order(instrument, price=None, trigger_price=trigger, type=OrderType.STOP_MARKET)
        session.client.place(order)
        await session.report(order, ReportKind.ACCEPTED)
        size = Size(order.size * 100)
        session.client.place(session.order(instrument, price=None, type=OrderType.MARKET, size=size))
        fills = await session.filled(order)
        assert sum(each.size for each in fills.values()) == order.size
        listed = await session.client.executions(instrument, began_ns - SECOND_NS)
        ours = {each.trade_id: each.size for each in listed if each.client_order_id == order.client_order_id}
        assert ours == {name: each.size for name, each in fills.items()}


# -- the start -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "venue", [each for each in VENUES.values() if each.asks_for_withdrawals], ids=lambda venue: venue.name
)
async def test_a_key_that_may_withdraw_is_refused_unless_told_otherwise(venue: Venue) -> None:
    with pytest.raises(UsageError, match=r"may withdraw money.*allow_withdrawals"):
        async with trading(venue, venue.spot, simulator={"withdrawals": True}):
            pass
    async with trading(venue, venue.spot, simulator={"withdrawals": True}, allow_withdrawals=True):
        pass


@pytest.mark.parametrize(
    "venue",
    [each for each in VENUES.values() if each.name != "hyperliquid"],  # it has one mode
    ids=lambda venue: venue.name,
)
async def test_the_other_position_mode_is_refused(venue: Venue) -> None:
    with pytest.raises(UsageError, match=r"one-way mode.* profile says 'hedge'"):
        async with trading(venue, venue.contract, position_mode=PositionMode.HEDGE):
            pass


@every_symbol()
async def test_a_wrong_secret_is_refused_and_not_shown(venue: Venue, symbol: str) -> None:
    with pytest.raises(UsageError, match=venue.refuses) as raised:
        async with trading(venue, symbol, secret=Secret(venue.wrong)):
            pass
    assert venue.wrong not in str(raised.value)


# -- what goes wrong on the way --------------------------------------------------------------------------


@every_venue
async def test_lost_connections_come_back(venue: Venue) -> None:
    async with trading(venue, *venue.symbols) as (session, instruments):
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


@every_symbol()
@pytest.mark.parametrize(
    "kind", [FaultKind.DROP, FaultKind.GARBAGE, FaultKind.TRUNCATE, FaultKind.DISCONNECT]
)
async def test_an_answer_that_is_lost_leaves_the_order_unknown_until_it_is_asked_about(
    venue: Venue, symbol: str, kind: FaultKind
) -> None:
    async with trading(venue, symbol, answer_timeout=SOON) as (session, (instrument,)):
        session.inject(kind, f"reply/{venue.request}")
        session.silence()
        order = session.order(instrument)
        session.client.place(order)
        await session.report(order, ReportKind.UNKNOWN)
        session.events.take()
        session.client.query(order)
        found = await session.report(order, ReportKind.ACCEPTED)
        assert (found.price, found.size, found.filled) == (order.price, order.size, 0)
        if kind is FaultKind.DISCONNECT:
            await session.told(lambda each: each == "ready")
        order.state = OrderState.PENDING_CANCEL
        session.client.cancel(order)
        if venue.cancels_are_told:
            # That a cancellation was taken does not say that it has happened.
            await session.report(order, ReportKind.UNKNOWN)
            session.events.take()
            session.client.query(order)
        await session.report(order, ReportKind.CANCELED)


@every_symbol()
async def test_a_request_that_is_lost_is_unknown_and_then_not_there(venue: Venue, symbol: str) -> None:
    async with trading(venue, symbol, answer_timeout=SOON) as (session, (instrument,)):
        session.inject(FaultKind.DROP, f"request/{venue.request}")
        order = session.order(instrument)
        session.client.place(order)
        await session.report(order, ReportKind.UNKNOWN)
        session.client.query(order)
        await session.report(order, ReportKind.NOT_FOUND)


@every_symbol()
async def test_a_request_that_comes_twice_is_carried_out_once(venue: Venue, symbol: str) -> None:
    async with trading(venue, symbol) as (session, (instrument,)):
        session.inject(FaultKind.DUPLICATE, f"request/{venue.request}")
        order = session.order(instrument)
        session.client.place(order)
        await session.report(order, ReportKind.ACCEPTED)
        await asyncio.sleep(0.1)
        # The second had the number of the first.
        assert len(await session.client.open_orders()) == 1
        assert not [each for each in session.events.told if getattr(each, "kind", 0) is ReportKind.REJECTED]


@pytest.mark.parametrize("status", [500, 502, 503])
@every_venue
async def test_a_server_error_by_rest_proves_nothing(venue: Venue, status: int) -> None:
    async with trading(venue, venue.spot, order_entry=OrderEntry.REST) as (session, (instrument,)):
        session.inject(FaultKind.REFUSE, f"request/{venue.path}", status=status)
        order = session.order(instrument)
        session.client.place(order)
        await session.report(order, ReportKind.UNKNOWN)


@every_symbol()
async def test_fills_that_were_not_heard_of_come_with_the_answer_to_a_question(
    venue: Venue, symbol: str
) -> None:
    async with trading(venue, symbol, answer_timeout=SOON) as (session, (instrument,)):
        session.inject(FaultKind.DROP, f"reply/{venue.request}")
        session.silence()
        order = session.order(instrument, price=None, type=OrderType.MARKET)
        session.client.place(order)
        await session.report(order, ReportKind.UNKNOWN)
        assert not session.fills(order)
        session.events.take()
        session.client.query(order)
        report = await session.report(order, ReportKind.ACCEPTED)
        assert report.filled == order.size
        # The private stream may come back meanwhile, which is told as well.
        told = [each for each in session.events.take() if isinstance(each, Fill | OrderReport)]
        assert sum(each.size for each in told if isinstance(each, Fill)) == order.size
        assert isinstance(told[-1], OrderReport), "fills first"


@pytest.mark.parametrize("ahead", [True, False])
@every_symbol()
async def test_an_exchange_whose_clock_is_an_hour_off_is_traded_by_its_clock(
    venue: Venue, symbol: str, ahead: bool
) -> None:
    async with trading(venue, symbol) as (session, (instrument,)):
        hour = Duration(3_600 * SECOND_NS)
        session.inject(FaultKind.CLOCK_SKEW, "clock", **{"ahead" if ahead else "behind": hour})
        first = session.order(instrument)
        session.client.place(first)
        if ahead or not venue.takes_from_ahead:
            refused = await session.report(first, ReportKind.REJECTED)
            assert refused.reason.startswith("not sent: ")
            await asyncio.sleep(0.1)
        else:
            await session.report(first, ReportKind.ACCEPTED)
        second = session.order(instrument)
        session.client.place(second)
        await session.report(second, ReportKind.ACCEPTED)
