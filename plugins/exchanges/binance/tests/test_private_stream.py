"""What the private stream tells: orders, fills, positions, balances, funding."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from hft import (
    BalanceReport,
    Fill,
    Liquidity,
    OrderType,
    PositionReport,
    PositionSide,
    Price,
    ReportKind,
    Side,
    Size,
)

from .trading import (
    SECOND_NS,
    SPOT,
    SPOT_ORDERS,
    SPOT_USER,
    START_NS,
    USDM,
    USDM_ORDERS,
    USDM_USER,
    World,
    execution,
    order,
)


async def told(world: World, conn: str, event: dict[str, Any]) -> list[Any]:
    world.link.receive(conn, {"subscriptionId": 0, "event": event} if conn == SPOT_USER else event)
    return world.events.take()


async def test_a_fill_is_told_and_the_last_one_with_what_is_filled_in_all() -> None:
    world = await World(SPOT).ready()
    (fill,) = await told(world, SPOT_USER, execution())
    assert fill == Fill(
        client_order_id="a1",
        instrument=SPOT,
        trade_id="77",
        side=Side.BUY,
        price=Price(600_000),
        size=Size(4),
        liquidity=Liquidity.MAKER,
        fee=Decimal("0.00000400"),
        fee_asset="BTC",
        exchange_order_id="4293153",
        exchange_ns=1499405658657000000,
        recv_ns=world.link.clock.now_ns(),
    )
    last = execution(t=78, l="0.006", z="0.010", X="FILLED", m=False)
    fill, report = await told(world, SPOT_USER, last)
    assert (fill.trade_id, fill.size, fill.liquidity) == ("78", 6, Liquidity.TAKER)
    assert (report.kind, report.filled) == (ReportKind.ACCEPTED, 10)


@pytest.mark.parametrize(
    ("changes", "kind", "filled", "reason"),
    [
        ({"x": "NEW", "X": "NEW", "z": "0"}, ReportKind.ACCEPTED, 0, ""),
        ({"x": "CANCELED", "X": "CANCELED", "c": "cancel1", "C": "a1"}, ReportKind.CANCELED, 4, ""),
        (
            {"x": "EXPIRED", "X": "EXPIRED", "eR": "UNFILLED_IOC_QUANTITY_EXPIRED"},
            ReportKind.EXPIRED,
            4,
            "UNFILLED_IOC_QUANTITY_EXPIRED",
        ),
        ({"x": "TRADE_PREVENTION", "X": "EXPIRED_IN_MATCH"}, ReportKind.EXPIRED, 4, "self-trade prevention"),
        (
            {"x": "REJECTED", "X": "REJECTED", "r": "INSUFFICIENT_BALANCE", "z": "0"},
            ReportKind.REJECTED,
            0,
            "INSUFFICIENT_BALANCE",
        ),
        ({"x": "TRADE", "X": "CANCELED", "l": "0"}, ReportKind.CANCELED, 4, ""),
    ],
)
async def test_what_ends_or_opens_an_order(
    changes: dict[str, Any], kind: ReportKind, filled: int, reason: str
) -> None:
    world = await World(SPOT).ready()
    (report,) = await told(world, SPOT_USER, execution(**changes))
    assert (report.client_order_id, report.kind, report.filled, report.reason) == ("a1", kind, filled, reason)


def futures_order(**changes: Any) -> dict[str, Any]:
    order: dict[str, Any] = {
        "s": "BTCUSDT",
        "c": "a1",
        "S": "SELL",
        "o": "LIMIT",
        "f": "GTC",
        "q": "0.010",
        "p": "60000",
        "ap": "60000",
        "sp": "0",
        "x": "TRADE",
        "X": "PARTIALLY_FILLED",
        "i": 8886774,
        "l": "0.002",
        "z": "0.002",
        "L": "60000",
        "N": "USDT",
        "n": "0.0236",
        "T": 1,
        "t": 1234,
        "m": True,
        "R": False,
        "ps": "BOTH",
        "er": "0",
    }
    return {"e": "ORDER_TRADE_UPDATE", "E": 6, "T": 5, "o": order | changes}


async def test_an_amendment_is_told_with_what_is_in_force() -> None:
    world = await World(SPOT, USDM).ready()
    (report,) = await told(world, SPOT_USER, execution(x="REPLACED", X="NEW", q="0.005", z="0"))
    assert (report.kind, report.price, report.size) == (ReportKind.REPLACED, 600_000, 5)
    update = futures_order(x="AMENDMENT", X="PARTIALLY_FILLED", q="0.007", p="60000.1")
    (report,) = await told(world, USDM_USER, update)
    assert (report.kind, report.price, report.size) == (ReportKind.REPLACED, 600_001, 7)


async def test_a_fill_without_its_price_is_asked_for() -> None:
    world = await World(SPOT).ready()
    world.link.answers["GET /api/v3/myTrades"] = [
        {
            "id": 77,
            "orderId": 4293153,
            "price": "59999.9",
            "qty": "0.004",
            "commission": "0.1",
            "commissionAsset": "BNB",
            "time": 5,
            "isBuyer": True,
            "isMaker": True,
        }
    ]
    assert await told(world, SPOT_USER, execution(L="0.00")) == []
    await world.link.work()
    (fill,) = world.events.take()
    assert (fill.trade_id, fill.price, fill.fee_asset, fill.client_order_id) == ("77", 599_999, "BNB", "a1")


async def test_others_symbols_unknown_events_and_malformed_ones() -> None:
    world = await World(SPOT, USDM).ready()
    assert await told(world, SPOT_USER, execution(s="ETHUSDT")) == []
    assert world.link.faults == []
    assert await told(world, SPOT_USER, {"e": "somethingNew", "E": 1}) == []
    assert await told(world, USDM_USER, {"e": "SOMETHING_NEW", "E": 1}) == []
    assert await told(world, USDM_USER, {"e": "SOMETHING_NEW", "E": 1}) == []
    assert world.link.faults == []
    assert len(world.link.warnings) == 2
    world.link.receive(USDM_USER, {"result": True, "id": 0})
    world.link.receive(SPOT_USER, {"id": "ping", "status": 200, "result": {}})
    assert world.link.faults == []
    for changes in ({"l": "x"}, {"S": "HOLD"}, {"n": "much"}, {"z": 4}, {"L": "60000.01"}):
        faults = len(world.link.faults)
        assert await told(world, SPOT_USER, execution(**changes)) == [], changes
        assert len(world.link.faults) == faults + 1, changes
    ends_oddly = execution(X="DREAMING")
    assert [type(each) for each in await told(world, SPOT_USER, ends_oddly)] == [Fill]
    assert "DREAMING" in world.link.faults[-1][2]
    for frame in ("", "{", "[]", "7", '{"e":"ORDER_TRADE_UPDATE"}', b"\xff"):
        for conn in (SPOT_USER, USDM_USER, SPOT_ORDERS, USDM_ORDERS):
            world.link.receive(conn, frame)
    assert world.events.take() == []


async def test_a_futures_fill_is_booked_once_and_with_its_fee() -> None:
    world = await World(USDM).ready()
    lite = {
        "e": "TRADE_LITE",
        "E": 5,
        "T": 5,
        "s": "BTCUSDT",
        "q": "0.01",
        "p": "60000",
        "m": True,
        "c": "a1",
    }
    assert (
        await told(world, USDM_USER, lite | {"S": "SELL", "L": "60000", "l": "0.002", "t": 1234, "i": 8})
        == []
    )
    (fill,) = await told(world, USDM_USER, futures_order(ps="SHORT"))
    assert (fill.trade_id, fill.side, fill.size, fill.fee, fill.fee_asset) == (
        "1234",
        Side.SELL,
        2,
        Decimal("0.0236"),
        "USDT",
    )
    assert (fill.position_side, fill.exchange_made, fill.exchange_ns) == (
        PositionSide.SHORT,
        False,
        5_000_000,
    )
    assert world.link.faults == []


@pytest.mark.parametrize(
    "name", ["autoclose-1", "adl_autoclose", "adl_autoclose-7", "settlement_autoclose-1"]
)
async def test_what_the_exchange_trades_by_itself(name: str) -> None:
    world = await World(USDM).ready()
    update = futures_order(c=name, x="CALCULATED", X="FILLED", L="59999.97", N=None, n=None)
    (fill,) = await told(world, USDM_USER, update)
    assert fill.exchange_made
    assert (fill.client_order_id, fill.price, fill.fee, fill.fee_asset) == (name, 600_000, 0, "USDT")
    assert "settled at 59999.97" in world.link.warnings[-1]
    assert not [
        each
        for each in await told(world, USDM_USER, futures_order(c=name, x="CALCULATED", l="0", X="FILLED"))
        if isinstance(each, Fill)
    ]


async def test_a_stop_keeps_its_id_when_it_becomes_an_order() -> None:
    world = await World(USDM).ready()
    stop = order(
        USDM, client_order_id="s1", type=OrderType.STOP_MARKET, price=None, trigger_price=Price(610_000)
    )
    world.client.place(stop)
    assert world.frame["method"] == "algoOrder.place"
    world.answer({"algoId": 5, "clientAlgoId": "s1", "algoStatus": "NEW", "updateTime": 1})
    assert world.report().kind is ReportKind.ACCEPTED
    algo = {
        "caid": "s1",
        "aid": 5,
        "at": "CONDITIONAL",
        "o": "STOP_MARKET",
        "s": "BTCUSDT",
        "S": "BUY",
        "q": "0.010",
    }
    update = {"e": "ALGO_UPDATE", "T": 2, "E": 2, "o": {**algo, "X": "TRIGGERED", "ai": "99", "aq": "0"}}
    (report,) = await told(world, USDM_USER, update)
    assert (report.client_order_id, report.kind, report.exchange_order_id) == (
        "s1",
        ReportKind.ACCEPTED,
        "99",
    )
    (fill,) = await told(world, USDM_USER, futures_order(c="made-up", i=99, S="BUY"))
    assert fill.client_order_id == "s1"
    world.client.cancel(stop)
    query = dict(parse_qsl(urlsplit(world.link.calls[-1].request.url).query))
    assert (world.link.calls[-1].call.method, query["orderId"]) == ("DELETE", "99")
    world.link.calls[-1].answer({"orderId": 99, "status": "CANCELED", "executedQty": "0.002"})
    report = world.report()
    assert (report.client_order_id, report.kind, report.filled) == ("s1", ReportKind.CANCELED, 2)
    for status, kind in (
        ("CANCELED", ReportKind.CANCELED),
        ("EXPIRED", ReportKind.EXPIRED),
        ("REJECTED", ReportKind.EXPIRED),
    ):
        update = {"e": "ALGO_UPDATE", "T": 2, "E": 2, "o": {**algo, "caid": status, "X": status, "ai": ""}}
        (report,) = await told(world, USDM_USER, update)
        assert (report.client_order_id, report.kind) == (status, kind)


async def test_balances_positions_and_funding() -> None:
    world = await World(USDM).ready()
    world.link.answers["GET /fapi/v1/income"] = deque(
        [
            [],
            [
                {
                    "tranId": 9,
                    "income": "-0.37",
                    "asset": "USDT",
                    "time": START_NS // 1_000_000,
                    "symbol": "BTCUSDT",
                }
            ],
        ]
    )
    change = {
        "m": "FUNDING_FEE",
        "B": [{"a": "USDT", "wb": "1000.1", "cw": "1000.1", "bc": "-0.37"}],
        "P": [
            {"s": "BTCUSDT", "pa": "-0.002", "ep": "59000.5", "ps": "BOTH"},
            {"s": "ETHUSDT", "pa": "1", "ep": "1", "ps": "BOTH"},
        ],
    }
    now_ms = START_NS // 1_000_000
    balance, position = await told(
        world, USDM_USER, {"e": "ACCOUNT_UPDATE", "E": 1, "T": now_ms, "a": change}
    )
    assert balance == BalanceReport(
        exchange="binance", wallet="usdm", asset="USDT", total=Decimal("1000.1"), exchange_ns=START_NS
    )
    assert isinstance(position, PositionReport)
    assert (position.instrument, position.size, position.entry_price) == (USDM, -2, Decimal("59000.5"))
    world.link.clock.advance(0)
    await world.link.work()
    assert world.events.take() == [], "the list of bookings lags behind"
    world.link.clock.advance(2 * SECOND_NS)
    await world.link.work()
    (funding,) = world.events.take()
    assert (funding.payment_id, funding.amount, funding.asset, funding.exchange_ns) == (
        "9",
        Decimal("-0.37"),
        "USDT",
        START_NS,
    )
    listed = await world.client.fundings(USDM, START_NS)
    assert [each.payment_id for each in listed] == ["9"]


async def test_each_product_is_paid_from_a_wallet_of_its_own() -> None:
    world = await World(SPOT, USDM).ready()
    world.link.answers["GET /fapi/v3/balance"] = [{"asset": "USDT", "balance": "10", "updateTime": 2}]
    world.link.answers["GET /api/v3/account"] = {
        "balances": [{"asset": "USDT", "free": "1", "locked": "0"}],
        "updateTime": 1,
    }
    listed = {each.wallet: each.total for each in await world.client.balances()}
    assert listed == {world.client.wallet_of(SPOT): 1, world.client.wallet_of(USDM): 10}
    spot = {"e": "outboundAccountPosition", "E": 1, "u": 3, "B": [{"a": "USDT", "f": "1.5", "l": "0.5"}]}
    (balance,) = await told(world, SPOT_USER, spot)
    assert balance.wallet == world.client.wallet_of(SPOT)
    assert (balance.total, balance.locked, balance.exchange_ns) == (2, Decimal("0.5"), 3_000_000)
