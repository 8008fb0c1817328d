"""What a start looks at, and what is asked about the account and its orders."""

from __future__ import annotations

import asyncio
from collections import deque
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from hft import (
    OrderType,
    PositionMode,
    PositionSide,
    ReportKind,
    Secret,
    TimeInForce,
    TransportError,
    UsageError,
)
from hft_bybit.config import MarginMode

from .trading import (
    LINEAR,
    RIGHTS,
    SECOND_NS,
    SPOT,
    START_MS,
    START_NS,
    World,
    executed,
    ok,
    order,
    position,
    refused,
    told,
)

DAY_NS = 86_400_000_000_000


# -- what a start looks at -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "result", "options", "why"),
    [
        (
            "/v5/user/query-api",
            {"permissions": RIGHTS | {"Wallet": ["AccountTransfer", "Withdraw"]}},
            {},
            "may withdraw",
        ),
        ("/v5/user/query-api", {"readOnly": 1, "permissions": RIGHTS}, {}, "may only read"),
        (
            "/v5/user/query-api",
            {"permissions": {"Spot": ["SpotTrade"], "ContractTrade": []}},
            {},
            "may not trade linear",
        ),
        ("/v5/account/info", {"unifiedMarginStatus": 1}, {}, "no unified trading account"),
        (
            "/v5/account/info",
            {"unifiedMarginStatus": 6, "marginMode": "ISOLATED_MARGIN"},
            {"margin_mode": MarginMode.CROSS},
            "margin mode is 'ISOLATED_MARGIN'",
        ),
        (
            "/v5/position/list",
            {"list": [position(positionIdx=1), position(positionIdx=2)]},
            {},
            "in hedge mode",
        ),
        (
            "/v5/position/list",
            {"list": [position()]},
            {"position_mode": PositionMode.HEDGE},
            "in one-way mode",
        ),
        ("/v5/position/list", {"list": [position(leverage="20")]}, {"max_leverage": 10}, "leverage 20"),
    ],
)
async def test_a_start_refuses_what_is_not_as_the_profile_says(
    path: str, result: Any, options: dict[str, Any], why: str
) -> None:
    world = World(**options)
    world.link.answers[f"GET {path}"] = ok(result)
    with pytest.raises(UsageError, match=why):
        await world.start()
    assert world.link.connects == []


async def test_a_key_that_may_withdraw_is_taken_where_the_profile_says_so() -> None:
    world = World(allow_withdrawals=True)
    world.link.answers["GET /v5/user/query-api"] = ok(
        {"permissions": RIGHTS | {"Wallet": ["Withdraw"]}, "readOnly": 0}
    )
    await world.start()


@pytest.mark.parametrize("code", [10003, 10004, 10005, 10010])
async def test_a_key_that_gets_no_answer_ends_the_start(code: int) -> None:
    world = World()
    world.link.answers["GET /v5/user/query-api"] = refused(code, "API key is invalid.")
    with pytest.raises(UsageError, match=f"{code} 'API key is invalid.'"):
        await world.start()


@pytest.mark.parametrize(
    ("path", "garbled", "right"),
    [
        ("/v5/user/query-api", {"permissions": "all"}, {"permissions": RIGHTS}),
        ("/v5/account/info", "maintenance", {"unifiedMarginStatus": 6}),
        ("/v5/position/list", {"list": [position(leverage="x")]}, {"list": [position()]}),
        ("/v5/position/list", {"list": [position(leverage="NaN")]}, {"list": [position()]}),
    ],
)
async def test_an_answer_that_makes_no_sense_is_asked_for_again(path: str, garbled: Any, right: Any) -> None:
    world = World()
    world.link.answers[f"GET {path}"] = deque([ok(garbled), ok(right)])
    start = asyncio.ensure_future(world.start())
    for _ in range(100):
        await asyncio.sleep(0)
        world.link.clock.advance(SECOND_NS // 10)
    await start
    assert world.link.connects
    assert len(world.link.warnings) == 1


async def test_without_a_key_there_is_no_trading() -> None:
    with pytest.raises(UsageError, match="'key' and 'secret'"):
        World(key=None)
    with pytest.raises(UsageError, match="'key' and 'secret'"):
        World(secret=None)


async def test_no_secret_is_shown() -> None:
    world = await World(key=Secret("hush-key"), secret=Secret("hush-secret")).ready()
    world.client.place(order())
    shown = f"{world.client!r}{world.client.config!r}{world.link.sends!r}{world.link.warnings}"
    assert "hush" not in shown


# -- what is asked ---------------------------------------------------------------------------------


async def test_a_question_is_answered_by_fills_first() -> None:
    world = await World().ready()
    world.link.answers["GET /v5/order/realtime"] = ok(
        {"list": [told(cumExecQty="0.004", orderStatus="Cancelled")]}
    )
    world.link.answers["GET /v5/execution/list"] = ok({"list": [executed()], "nextPageCursor": ""})
    world.client.query(order())
    world.client.query(order())
    await world.link.work()
    fill, report = world.events.take()
    assert (fill.trade_id, report.kind, report.filled) == ("e1", ReportKind.CANCELED, 4)
    assert (report.price, report.size) == (600_000, 10)


async def test_an_order_is_looked_for_among_open_closed_and_old_ones() -> None:
    world = await World().ready()
    nothing = ok({"list": [], "nextPageCursor": ""})
    world.link.answers["GET /v5/order/realtime"] = nothing
    world.link.answers["GET /v5/order/history"] = nothing
    world.link.fetched.clear()
    world.client.query(order())
    await world.link.work()
    report = world.report()
    assert (report.kind, report.asked_ns) == (ReportKind.NOT_FOUND, START_NS)
    assert [url.partition("&orderLinkId=a1")[2] for _, url in world.link.fetched] == [
        "&openOnly=0",
        "&openOnly=1",
        "",
    ]


async def test_another_order_is_no_answer() -> None:
    world = await World().ready()
    world.link.answers["GET /v5/order/realtime"] = ok({"list": [told(orderLinkId="b")]})
    world.link.answers["GET /v5/order/history"] = ok({"list": []})
    world.client.query(order())
    await world.link.work()
    assert world.report().kind is ReportKind.NOT_FOUND


@pytest.mark.parametrize("answer", [refused(10016), "<html>", TransportError("no"), ok({"list": [{}]})])
async def test_a_question_without_an_answer_tells_nothing(answer: Any) -> None:
    world = await World().ready()
    world.link.answers["GET /v5/order/realtime"] = answer
    world.client.query(order())
    await world.link.work()
    assert world.events.take() == []


async def test_cancelling_what_was_listed() -> None:
    world = await World(LINEAR, SPOT).ready()
    world.link.answers["GET /v5/order/realtime"] = lambda url: ok(
        {"list": [told(category="x", orderId="x1")], "nextPageCursor": ""}
        if "category=linear" in url
        else {"list": [told(orderId="y1", orderLinkId="b1")]}
    )
    orders = await world.client.open_orders()
    answers = deque(
        [
            ok({"list": [{}]}, retExtInfo={"list": [{"code": 0, "msg": "OK"}]}),
            ok({"list": [{}]}, retExtInfo={"list": [{"code": 170213, "msg": "Order does not exist."}]}),
        ]
    )
    world.link.answers["POST /v5/order/cancel-batch"] = answers
    assert await world.client.cancel_orders(orders) == ["a1", "b1"]
    world.link.answers["POST /v5/order/cancel-batch"] = ok(
        {"list": [{}]}, retExtInfo={"list": [{"code": 10016, "msg": "?"}]}
    )
    with pytest.raises(TransportError, match="10016"):
        await world.client.cancel_orders(orders)


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


async def test_open_orders_page_by_page() -> None:
    world = await World(LINEAR, SPOT).ready()
    pages = deque(
        [
            ok({"list": [told(orderId="x1")], "nextPageCursor": "a%3D1&b"}),
            ok({"list": [told(orderId="x2", orderLinkId="a2")], "nextPageCursor": "end"}),
            ok({"list": [], "nextPageCursor": ""}),
        ]
    )
    world.link.answers["GET /v5/order/realtime"] = pages
    world.link.fetched.clear()
    orders = await world.client.open_orders()
    assert [(each.instrument, each.client_order_id) for each in orders] == [(LINEAR, "a1"), (LINEAR, "a2")]
    asked = [query(url) for _, url in world.link.fetched]
    assert asked[0] == {"category": "linear", "symbol": "BTCUSDT", "openOnly": "0", "limit": "50"}
    assert asked[1]["cursor"] == "a%3D1&b"
    assert asked[3]["category"] == "spot"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"type": OrderType.LIMIT, "price": 600_000, "post_only": False}),
        ({"timeInForce": "PostOnly"}, {"post_only": True, "time_in_force": TimeInForce.GTC}),
        ({"timeInForce": "IOC"}, {"time_in_force": TimeInForce.IOC}),
        ({"orderType": "Market", "price": "63000.0"}, {"type": OrderType.MARKET, "price": None}),
        (
            {"triggerPrice": "61000.0", "orderStatus": "Untriggered"},
            {"type": OrderType.STOP_LIMIT, "trigger_price": 610_000},
        ),
        ({"triggerPrice": "0.00"}, {"type": OrderType.LIMIT, "trigger_price": None}),
        ({"reduceOnly": True, "positionIdx": 2}, {"reduce_only": True, "position_side": PositionSide.SHORT}),
        ({"orderLinkId": ""}, {"client_order_id": ""}),
    ],
)
async def test_an_order_is_read_whole(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    world = await World().ready()
    world.link.answers["GET /v5/order/realtime"] = ok({"list": [told(**changes)]})
    (status,) = await world.client.open_orders()
    assert {name: getattr(status, name) for name in expected} == expected
    assert (status.report.kind, status.report.filled, status.created_ns) == (ReportKind.ACCEPTED, 0, START_NS)


async def test_the_status_of_an_order() -> None:
    world = await World().ready()
    nothing = ok({"list": []})
    world.link.answers["GET /v5/order/realtime"] = deque(
        [nothing, ok({"list": [told(orderStatus="Filled", cumExecQty="0.010")]})]
    )
    status = await world.client.order_status(LINEAR, "a1")
    assert status is not None
    assert (status.report.kind, status.report.filled) == (ReportKind.ACCEPTED, 10)
    world.link.answers["GET /v5/order/realtime"] = world.link.answers["GET /v5/order/history"] = nothing
    assert await world.client.order_status(LINEAR, "a1") is None


async def test_executions_since_then_in_windows_and_in_their_order() -> None:
    world = await World().ready()
    windows: list[int] = []

    def answer(url: str) -> Any:
        asked = query(url)
        windows.append(int(asked["startTime"]))
        assert int(asked["endTime"]) - int(asked["startTime"]) < 7 * 86_400_000
        if len(windows) == 1:
            return ok({"list": [], "nextPageCursor": ""})
        if "cursor" not in asked:
            late = executed(execId="e3", execTime=str(START_MS), seq=3)
            funding = executed(execId="f", execType="Funding", execTime=str(START_MS - 5))
            return ok({"list": [late, funding], "nextPageCursor": "more"})
        early = executed(execId="e1", execTime=str(START_MS - 9), seq=1)
        same = executed(execId="e2", execTime=str(START_MS), seq=2)
        return ok({"list": [same, early], "nextPageCursor": ""})

    world.link.answers["GET /v5/execution/list"] = answer
    fills = await world.client.executions(LINEAR, START_NS - 10 * DAY_NS)
    assert [each.trade_id for each in fills] == ["e1", "e2", "e3"]
    assert windows[0] == START_MS - 10 * 86_400_000


async def test_fundings() -> None:
    world = await World(LINEAR, SPOT).ready()
    world.link.answers["GET /v5/execution/list"] = ok(
        {"list": [executed(execId="f1", execType="Funding", execFee="0.36", feeCurrency="")]}
    )
    world.link.fetched.clear()
    (payment,) = await world.client.fundings(LINEAR, START_NS - DAY_NS)
    assert (payment.payment_id, payment.amount, payment.asset) == ("f1", Decimal("-0.36"), "USDT")
    assert query(world.link.fetched[0][1])["execType"] == "Funding"
    assert await world.client.fundings(SPOT, 0) == []
    assert len(world.link.fetched) == 1


async def test_in_hedge_mode_orders_of_others_are_asked_for() -> None:
    world = World(position_mode=PositionMode.HEDGE)
    world.link.answers["GET /v5/position/list"] = ok({"list": [position(positionIdx=1)]})
    await world.ready()
    world.link.answers["GET /v5/execution/list"] = ok({"list": [executed(closedSize="")]})
    world.link.answers["GET /v5/order/realtime"] = ok({"list": []})
    world.link.answers["GET /v5/order/history"] = ok({"list": [told(positionIdx=2)]})
    (fill,) = await world.client.executions(LINEAR, START_NS - 1)
    assert fill.position_side is PositionSide.SHORT


async def test_positions_flat_ones_as_nothing() -> None:
    world = await World(LINEAR, SPOT).ready()
    (flat,) = await world.client.positions()
    assert (flat.instrument, flat.size, flat.position_side) == (LINEAR, 0, PositionSide.BOTH)
    world.link.answers["GET /v5/position/list"] = ok(
        {
            "list": [
                position(side="Sell", size="0.012", avgPrice="60000.5"),
                position(symbol="LTCUSDT", side="Buy", size="3"),
            ]
        }
    )
    world.link.fetched.clear()
    (short,) = await world.client.positions()
    assert (short.size, short.entry_price) == (-12, Decimal("60000.5"))
    assert query(world.link.fetched[0][1]) == {"category": "linear", "settleCoin": "USDT", "limit": "200"}


async def test_balances() -> None:
    world = await World().ready()
    coins = [
        {"coin": "USDT", "walletBalance": "3.5", "locked": "1"},
        {"coin": "BTC", "walletBalance": "0", "locked": "0"},
    ]
    world.link.answers["GET /v5/account/wallet-balance"] = ok(
        {"list": [{"accountType": "UNIFIED", "coin": coins}]}
    )
    (balance,) = await world.client.balances()
    assert (balance.asset, balance.total, balance.locked) == ("USDT", Decimal("3.5"), 1)


@pytest.mark.parametrize(
    ("path", "result"),
    [
        ("order/realtime", {"list": [told(price="60000.04")]}),
        ("order/realtime", {"list": [told(side="Short")]}),
        ("order/realtime", {"list": [told(positionIdx=7)]}),
        ("order/realtime", {"list": [told(createdTime="x")]}),
        ("execution/list", {"list": [executed(execPrice="-1")]}),
        ("execution/list", {"list": [executed(execType="Gift")]}),
        ("execution/list", {"list": [executed(execTime="soon")]}),
        ("execution/list", {"list": [executed(execFee="NaN")]}),
        ("position/list", {"list": [position(side="Both", size="1")]}),
        ("account/wallet-balance", {"list": [{"coin": [{"coin": "BTC", "walletBalance": "x"}]}]}),
        ("account/wallet-balance", {"list": [{"coin": [{"coin": "BTC", "walletBalance": "NaN"}]}]}),
        ("account/wallet-balance", []),
    ],
)
async def test_what_makes_no_sense_is_no_answer(path: str, result: Any) -> None:
    world = await World().ready()
    world.link.answers[f"GET /v5/{path}"] = ok(result)
    ask = {
        "order/realtime": world.client.open_orders,
        "execution/list": lambda: world.client.executions(LINEAR, START_NS - 1),
        "position/list": world.client.positions,
        "account/wallet-balance": world.client.balances,
    }[path]
    with pytest.raises(TransportError):
        await ask()
    assert len(world.link.faults) == 1
