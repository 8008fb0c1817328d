"""What only Hyperliquid has: orders that are replaced to be changed, sub-accounts, a budget of requests."""

from __future__ import annotations

import pytest

from hft import OrderType, Price, ReportKind, Side, Size, UsageError
from tests.exchanges import VENUES, trading, until

VENUE = VENUES["hyperliquid"]
PERP = VENUE.contract


async def test_a_modified_order_is_the_same_order_with_what_it_had_traded() -> None:
    async with trading(VENUE, PERP, modify=True) as (session, (instrument,)):
        order = session.order(instrument, price=Price(session.best(instrument, Side.BUY)))
        session.client.place(order)
        accepted = await session.report(order, ReportKind.ACCEPTED)
        order.exchange_order_id = accepted.exchange_order_id
        price = instrument.price_down(session.best(instrument, Side.BUY) * 98 // 100)
        size = Size(order.size * 2)
        order.filled = Size(sum(each.size for each in session.fills(order).values()))
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


async def test_a_sub_account_is_traded_for_by_its_owners_wallet() -> None:
    async with trading(VENUE, PERP) as (session, _):
        person = session.simulator._persons[0]
    async with trading(VENUE, PERP, vault=person.sub_address) as (session, (instrument,)):
        order = session.order(instrument, price=None, type=OrderType.MARKET)
        session.client.place(order)
        await session.filled(order)
        held = session.simulator.private.truth.tell()["accounts"]
        assert [each["size"] for each in held[person.sub_name]["perps"]["positions"]] == ["0.0500"]
        assert held[person.name]["perps"]["positions"] == []
    with pytest.raises(UsageError, match="neither a vault nor a sub-account"):
        async with trading(VENUE, PERP, account=2, vault=person.sub_address):
            pass


async def test_the_switch_of_the_exchange_is_set_and_taken_back() -> None:
    async with trading(VENUE, PERP) as (session, _):
        switches = session.simulator.private.trading.switches
        session.client.arm_dead_man(5_000_000_000)
        await until(lambda: list(switches) == ["account1"])
        session.client.arm_dead_man(0)
        await until(lambda: not switches)
        assert not session.warnings


async def test_a_budget_that_is_used_up_slows_orders_down_and_not_cancels() -> None:
    async with trading(VENUE, PERP, simulator={"volume": 0}) as (session, (instrument,)):
        budgets = session.simulator.private.budgets
        budgets._used["account1"] = budgets.cap("account1")
        budgets._last_ns["account1"] = session.clock.now_ns()
        order = session.order(instrument)
        session.client.place(order)
        refused = await session.report(order, ReportKind.REJECTED)
        assert refused.reason.startswith("not sent: Too many cumulative requests sent")
        assert session.exchange._limiter.usage()["actions"].weight == 1
