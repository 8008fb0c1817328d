"""What a start looks at, and what is asked about the account and its orders."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from hft import OrderType, PositionReport, ReportKind, Secret, Side, Size, TransportError, UsageError
from hft.testing.link import rest_answer
from hft_hyperliquid.cloid import cloid_of
from hft_hyperliquid.signing import Signer

from .trading import (
    AGENT,
    CONN,
    PERP,
    SECRET,
    SPOT,
    START_MS,
    START_NS,
    VAULT,
    S,
    World,
    fill,
    infos,
    listed,
    order,
)

# -- what a start looks at -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"secret": Secret("0x" + "11" * 32)}, "no API wallet"),
        ({"key": "0x" + "ef" * 20}, "no API wallet"),
        ({"vault": "0x" + "12" * 20}, "neither a vault nor a sub-account"),
        ({"max_leverage": 10}, "leverage 20"),
    ],
)
async def test_a_start_refuses_what_cannot_work(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        await World(**changes).start()


@pytest.mark.parametrize(
    ("role", "words"),
    [({"role": "missing"}, "deposit"), ({"role": "agent", "data": {"user": "0x1"}}, "is an API wallet")],
)
async def test_a_start_refuses_an_address_that_is_no_account(role: Any, words: str) -> None:
    own = Signer(Secret(SECRET), "a").address
    world = World(key=own)
    world.link.infos["userRole"] = role
    with pytest.raises(UsageError, match=words):
        await world.start()


async def test_an_api_wallet_that_expires_soon_is_told_of() -> None:
    world = World()
    days = 86_400_000
    world.link.infos["extraAgents"] = [
        {"name": "bot", "address": AGENT, "validUntil": START_MS + 2 * days},
        {"name": "other", "address": VAULT, "validUntil": START_MS},
    ]
    await world.start()
    assert len(world.link.warnings) == 1
    assert "expires in 2.0 days" in world.link.warnings[0]


def test_what_is_no_address_or_no_key_is_refused_at_once() -> None:
    with pytest.raises(UsageError, match="needs 'key' and 'secret'"):
        World(secret=None)
    with pytest.raises(ValueError, match="no address"):
        World(key="hello")
    with pytest.raises(UsageError, match="private key"):
        World(secret=Secret("hello"))


async def test_an_outage_ends_no_start() -> None:
    world = World()
    answers = iter([TransportError("no route"), rest_answer("<html>", 502), infos()["meta"]])
    world.link.infos["meta"] = lambda _: next(answers)
    starting = world.start()
    for _ in range(3):
        try:
            starting.send(None)
        except StopIteration:
            break
        world.link.clock.advance(60 * S)
    assert CONN in world.link.specs
    assert "no route" in world.link.warnings[0]
    assert "status 502" in world.link.warnings[1]


# -- what is asked ---------------------------------------------------------------------------------


async def test_open_orders() -> None:
    world = await World().ready()
    stop = {"isTrigger": True, "triggerPx": "2900.0", "orderType": "Stop Market", "tif": None, "oid": 78}
    world.link.infos["frontendOpenOrders"] = [
        listed(),
        listed(coin="BTC"),
        listed(**stop, side="A", reduceOnly=True, cloid=None),
        listed(oid=79, coin="@107", cloid="0x" + "0" * 31 + "1"),
    ]
    first, second, third = await world.client.open_orders()
    assert (first.client_order_id, first.post_only, first.type) == ("a1", True, OrderType.LIMIT)
    assert (first.price, first.size, first.report.filled) == (301_250, 500, 200)
    assert (second.client_order_id, second.side, second.reduce_only) == ("", Side.SELL, True)
    assert (second.type, second.price, second.trigger_price) == (OrderType.STOP_MARKET, None, 290_000)
    assert (third.instrument, third.client_order_id) == (SPOT, "0x" + "0" * 31 + "1")


async def test_what_became_of_an_order_is_counted_from_its_fills() -> None:
    world = await World().ready()
    asked = order(created_ns=START_NS)
    update = {"order": listed(sz="0.05"), "status": "open", "statusTimestamp": START_MS}
    world.link.infos["orderStatus"] = {"status": "order", "order": update}
    world.link.infos["userFillsByTime"] = [fill(), fill(tid=746, sz="0.01"), fill(cloid=None, oid=5)]
    world.client.query(asked)
    world.client.query(asked)  # is under way
    await world.link.work()
    *fills, report = world.events.take()
    assert [each.size for each in fills] == [200, 100]
    assert (report.kind, report.filled, report.price, report.size) == (
        ReportKind.ACCEPTED,
        300,
        301_250,
        500,
    )
    assert {asked["oid"] for asked in world.link.asked if asked["type"] == "orderStatus"} == {cloid_of("a1")}
    assert [asked["type"] for asked in world.link.asked].count("orderStatus") == 1


async def test_a_modified_order_is_the_sum_of_all_it_was() -> None:
    world = await World(modify=True).ready()
    update = {"order": listed(oid=78, sz="0.02", origSz="0.04"), "status": "canceled", "statusTimestamp": 1}
    world.link.infos["orderStatus"] = {"status": "order", "order": update}
    world.link.infos["userFillsByTime"] = [fill(), fill(oid=78, tid=2, sz="0.01")]
    world.client.query(order())
    await world.link.work()
    report = world.events.take()[-1]
    assert (report.kind, report.filled, report.size) == (ReportKind.CANCELED, 300, 600)


async def test_an_order_that_the_exchange_does_not_know() -> None:
    world = await World().ready()
    world.link.infos["orderStatus"] = {"status": "unknownOid"}
    world.link.clock.advance(S)
    world.client.query(order())
    await world.link.work()
    report = world.report()
    assert (report.kind, report.asked_ns) == (ReportKind.NOT_FOUND, START_NS + S)
    assert await world.client.order_status(PERP, "a1") is None


@pytest.mark.parametrize("answer", [rest_answer("", 500), {"status": "order"}, rest_answer("<html>", 200)])
async def test_a_question_without_an_answer_is_none(answer: Any) -> None:
    world = await World().ready()
    world.link.infos["orderStatus"] = answer
    world.client.query(order())
    await world.link.work()
    assert world.events.take() == []
    with pytest.raises(TransportError):
        await world.client.order_status(PERP, "a1")


async def test_executions_of_several_instruments_are_asked_for_once() -> None:
    world = await World().ready()
    world.link.infos["userFillsByTime"] = [fill(), fill(coin="@107", tid=2, feeToken="HYPE")]
    world.link.asked.clear()
    for _ in range(2):
        assert [each.fee_asset for each in await world.client.executions(PERP, START_NS)] == ["USDC"]
        assert [each.fee_asset for each in await world.client.executions(SPOT, START_NS)] == ["HYPE"]
    # Whoever asks again wants to know what is new.
    assert len(world.link.asked) == 2


async def test_long_answers_come_in_pages() -> None:
    world = await World().ready()
    rows = [fill(time=START_MS + number // 3, tid=number + 1) for number in range(4_500)]

    def answer(asked: Mapping[str, Any]) -> Any:
        return [row for row in rows if row["time"] >= asked["startTime"]][:2000]

    world.link.infos["userFillsByTime"] = answer
    found = await world.client.executions(PERP, START_NS)
    assert [each.trade_id for each in found] == [f"{row['time']}-{row['tid']}-77" for row in rows]


async def test_fundings_have_the_ids_of_the_feed() -> None:
    world = await World().ready()
    delta = {"type": "funding", "coin": "ETH", "usdc": "-0.25", "szi": "1.0", "fundingRate": "0.0"}
    world.link.infos["userFunding"] = [{"time": START_MS, "hash": "0x0", "delta": delta}]
    (found,) = await world.client.fundings(PERP, START_NS)
    assert (found.payment_id, found.amount) == (str(START_MS), Decimal("-0.25"))


async def test_positions_and_balances() -> None:
    world = await World().ready()
    (position,) = await world.client.positions()
    assert position == PositionReport(
        instrument=PERP, size=Size(-335), entry_price=Decimal("2986.3"), exchange_ns=START_NS
    )
    world.link.infos["clearinghouseState"] = infos()["clearinghouseState"] | {"assetPositions": []}
    (position,) = await world.client.positions()
    assert (position.size, position.entry_price) == (0, None)
    world.link.infos["clearinghouseState"] = infos()["clearinghouseState"]
    balances = await world.client.balances()
    # 1000.5 counts half a dollar that the positions would bring.
    assert [(each.wallet, each.asset, each.total, each.locked) for each in balances] == [
        ("perps", "USDC", Decimal("1000.0"), 0),
        ("spot", "USDC", Decimal("14.62"), 4),
        ("spot", "HYPE", 3, Decimal("1.5")),
        ("spot", "PURR", 0, 0),
    ]
    assert {world.client.wallet_of(each) for each in (PERP, SPOT)} == {"perps", "spot"}


async def test_listed_orders_are_cancelled_by_their_ids() -> None:
    world = await World().ready()
    world.link.infos["frontendOpenOrders"] = [listed(), listed(oid=79, coin="@107", cloid=None)]
    gone = {"error": "Order was never placed, already canceled, or filled. asset=1"}
    response = {"type": "cancel", "data": {"statuses": ["success", gone]}}
    world.link.infos["cancel"] = {"status": "ok", "response": response}
    orders = await world.client.open_orders()
    assert await world.client.cancel_orders(orders) == ["a1", ""]
    assert world.link.asked[-1]["action"]["cancels"] == [{"a": 1, "o": 77}, {"a": 10_107, "o": 79}]
    world.link.infos["cancel"] = {"status": "err", "response": "Vault not registered: 0x1"}
    with pytest.raises(TransportError, match="Vault not registered"):
        await world.client.cancel_orders(orders)
