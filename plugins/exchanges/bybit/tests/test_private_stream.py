"""What the private stream tells: orders, fills, positions, balances, funding."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hft import (
    BalanceReport,
    Fill,
    Funding,
    Liquidity,
    PositionMode,
    PositionReport,
    PositionSide,
    ReportKind,
    Side,
)

from .trading import LINEAR, PRIVATE, SPOT, START_NS, World, executed, ok, order, position, told


@pytest.mark.parametrize(
    ("changes", "kind", "reason"),
    [
        ({"orderStatus": "New"}, ReportKind.ACCEPTED, ""),
        ({"orderStatus": "Untriggered"}, ReportKind.ACCEPTED, ""),
        ({"orderStatus": "Triggered"}, ReportKind.ACCEPTED, ""),
        ({"orderStatus": "PartiallyFilled", "cumExecQty": "0.001"}, ReportKind.ACCEPTED, ""),
        ({"orderStatus": "Filled", "cumExecQty": "0.010", "leavesQty": ""}, ReportKind.ACCEPTED, ""),
        ({"orderStatus": "Deactivated", "cancelType": "CancelByUser"}, ReportKind.CANCELED, ""),
        ({"orderStatus": "PartiallyFilledCanceled"}, ReportKind.CANCELED, ""),
        ({"orderStatus": "Cancelled", "rejectReason": "EC_PerCancelRequest"}, ReportKind.CANCELED, ""),
        (
            {"orderStatus": "Cancelled", "rejectReason": "EC_PostOnlyWillTakeLiquidity"},
            ReportKind.EXPIRED,
            "EC_PostOnlyWillTakeLiquidity",
        ),
        (
            {"orderStatus": "Rejected", "rejectReason": "EC_PostOnlyWillTakeLiquidity"},
            ReportKind.EXPIRED,
            "EC_PostOnlyWillTakeLiquidity",
        ),
        (
            {"orderStatus": "Cancelled", "rejectReason": "EC_NoImmediateQtyToFill"},
            ReportKind.EXPIRED,
            "EC_NoImmediateQtyToFill",
        ),
        ({"orderStatus": "Cancelled", "cancelType": "CancelBySmp"}, ReportKind.EXPIRED, "CancelBySmp"),
        ({"orderStatus": "Cancelled", "cancelType": "CancelByDCP"}, ReportKind.EXPIRED, "CancelByDCP"),
    ],
)
async def test_states_of_orders(changes: dict[str, str], kind: ReportKind, reason: str) -> None:
    world = await World().ready()
    world.tell("order", told(**changes))
    report = world.report()
    assert (report.kind, report.reason, report.client_order_id) == (kind, reason, "a1")


async def test_of_two_ends_the_first_counts() -> None:
    world = await World().ready()
    world.tell("order", told(orderStatus="Filled", cumExecQty="0.010"))
    world.tell(
        "order",
        told(
            orderStatus="Filled",
            cumExecQty="0.010",
            cancelType="CancelByUser",
            rejectReason="EC_OrigClOrdIDDoesNotExist",
        ),
        told(orderStatus="Cancelled", cumExecQty="0.010"),
        told(),
    )
    assert world.report().filled == 10


async def test_an_unknown_status_is_a_fault() -> None:
    world = await World().ready()
    world.link.receive(PRIVATE, {"topic": "order", "data": [told(orderStatus="Sleeping")]})
    assert "'Sleeping' is unknown" in world.link.faults[0][2]
    assert world.events.take() == []


async def test_fills_with_fees_and_rebates() -> None:
    world = await World(LINEAR, SPOT).ready()
    world.tell(
        "execution",
        executed(),
        executed(execId="e2", isMaker=True, execFee="-0.05", side="Sell", orderLinkId=""),
        executed(execId="e3", category="spot", feeCurrency="", execFee="0.000004"),
        executed(execId="e4", category="spot", feeCurrency="", execFee="0.2", side="Sell"),
        executed(execId="e5", category="spot", feeCurrency="", execFee="-0.1", isMaker=True),
        executed(execId="e6", extraFees=[{"feeCoin": "USDT", "fee": "0.006403779"}]),
    )
    fills = world.events.take()
    assert [(each.instrument, each.trade_id, each.fee, each.fee_asset) for each in fills] == [
        (LINEAR, "e1", Decimal("0.132"), "USDT"),
        (LINEAR, "e2", Decimal("-0.05"), "USDT"),
        (SPOT, "e3", Decimal("0.000004"), "BTC"),
        (SPOT, "e4", Decimal("0.2"), "USDT"),
        (SPOT, "e5", Decimal("-0.1"), "USDT"),
        (LINEAR, "e6", Decimal("0.138403779"), "USDT"),
    ]
    first, second = fills[:2]
    assert (first.side, first.size, first.price, first.liquidity) == (Side.BUY, 4, 600_000, Liquidity.TAKER)
    assert (second.side, second.liquidity, second.client_order_id) == (Side.SELL, Liquidity.MAKER, "")
    assert (first.exchange_order_id, first.exchange_ns, first.exchange_made) == ("x1", START_NS, False)


async def test_a_fill_without_our_id_is_ours_by_the_exchange_s() -> None:
    world = await World().ready()
    world.client.place(order())
    world.answer()
    world.events.take()
    world.tell("execution", executed(orderLinkId=""))
    (fill,) = world.events.take()
    assert fill.client_order_id == "a1"


@pytest.mark.parametrize("kind", ["AdlTrade", "BustTrade", "Delivery", "MovePosition"])
async def test_what_the_exchange_trades_by_itself_says_so(kind: str) -> None:
    world = await World().ready()
    world.tell("execution", executed(execType=kind, execPrice="60000.04", orderLinkId=""))
    (fill,) = world.events.take()
    assert isinstance(fill, Fill)
    assert (fill.exchange_made, fill.price) == (True, 600_000)
    assert "booked at the nearest tick" in world.link.warnings[-1]


async def test_funding_is_a_payment_and_no_fill() -> None:
    world = await World().ready()
    world.tell(
        "execution",
        executed(execType="Funding", execFee="0.36"),
        executed(execType="Funding", execId="e2", execFee="-0.5"),
        executed(execType="Settle", execId="e3"),
    )
    assert world.events.take() == [
        Funding(
            instrument=LINEAR, payment_id="e1", amount=Decimal("-0.36"), asset="USDT", exchange_ns=START_NS
        ),
        Funding(
            instrument=LINEAR, payment_id="e2", amount=Decimal("0.5"), asset="USDT", exchange_ns=START_NS
        ),
    ]


async def test_in_hedge_mode_a_fill_says_which_position_it_changes() -> None:
    world = World(position_mode=PositionMode.HEDGE)
    world.link.answers["GET /v5/position/list"] = ok({"list": [position(positionIdx=1)]})
    await world.ready()
    world.client.place(order(position_side=PositionSide.SHORT, reduce_only=True))
    assert world.asked["positionIdx"] == 2
    world.tell("execution", executed())
    world.tell("order", told(orderId="x2", orderLinkId="b", positionIdx=1))
    world.tell("execution", executed(execId="e2", orderId="x2", orderLinkId=""))
    for number, (side, closed) in enumerate(
        (("Buy", "0"), ("Buy", "0.004"), ("Sell", "0"), ("Sell", "0.004"))
    ):
        world.tell(
            "execution",
            executed(execId=f"f{number}", orderId="x9", orderLinkId="", side=side, closedSize=closed),
        )
    fills = [each for each in world.events.take() if isinstance(each, Fill)]
    assert [each.position_side for each in fills] == [
        PositionSide.SHORT,
        PositionSide.LONG,
        PositionSide.LONG,
        PositionSide.SHORT,
        PositionSide.SHORT,
        PositionSide.LONG,
    ]


async def test_positions_and_balances() -> None:
    world = await World().ready()
    world.tell(
        "position",
        {"category": "linear", **position(side="Sell", size="0.012", entryPrice="60000.05")},
        {"category": "linear", **position(symbol="LTCUSDT")},
        {"category": "linear", **position(side="")},
        {"category": "linear", **position(side="None")},
    )
    short, flat, old = world.events.take()
    assert isinstance(short, PositionReport)
    assert (short.size, short.entry_price) == (-12, Decimal("60000.05"))
    assert (flat.size, flat.entry_price, old.size) == (0, None, 0)
    coins = [
        {"coin": "USDT", "walletBalance": "1000.5", "locked": "10"},
        {"coin": "BTC", "walletBalance": "", "locked": ""},
    ]
    world.tell("wallet", {"accountType": "UNIFIED", "coin": coins})
    assert world.events.take() == [
        BalanceReport(
            exchange="bybit",
            asset="USDT",
            total=Decimal("1000.5"),
            locked=Decimal(10),
            exchange_ns=START_NS,
        ),
        BalanceReport(exchange="bybit", asset="BTC", total=Decimal(0), exchange_ns=START_NS),
    ]


async def test_other_topics_are_ignored_and_told_of_once() -> None:
    world = await World().ready()
    for _ in range(2):
        world.tell("execution.fast", executed())
        world.tell("greeks", {})
    world.tell("order.linear", told())
    assert world.report().kind is ReportKind.ACCEPTED
    assert len(world.link.warnings) == 2
