"""Trading by both ways, against a network that the test plays."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections import deque
from decimal import Decimal
from typing import Any

import pytest

from hft import (
    BalanceReport,
    Fill,
    Funding,
    Liquidity,
    OrderEntry,
    OrderError,
    OrderType,
    PositionMode,
    PositionReport,
    PositionSide,
    Price,
    Priority,
    ReportKind,
    Secret,
    Side,
    Size,
    TransportError,
    UsageError,
)
from hft_bybit.config import MarginMode, SelfTradePrevention

from .trading import (
    KEY,
    LINEAR,
    PRIVATE,
    RIGHTS,
    SECOND_NS,
    SECRET,
    SPOT,
    START_MS,
    START_NS,
    TRADE,
    World,
    executed,
    ok,
    order,
    position,
    refused,
    told,
)

# -- beginning ------------------------------------------------------------------------------------


async def test_both_connections_log_in_and_the_private_one_subscribes() -> None:
    world = await World(LINEAR, SPOT).start()
    assert world.link.connects == [PRIVATE, TRADE]
    world.link.open(PRIVATE)
    expires = START_MS + 10_000
    signature = hmac.new(SECRET.encode(), f"GET/realtime{expires}".encode(), hashlib.sha256).hexdigest()
    assert world.frame == {"req_id": "login", "op": "auth", "args": [KEY, expires, signature]}
    world.link.receive(PRIVATE, {"success": True, "ret_msg": "", "op": "auth", "conn_id": "c"})
    assert (world.frame["op"], world.frame["args"]) == (
        "subscribe",
        ["order", "execution", "position", "wallet"],
    )
    world.link.receive(PRIVATE, {"success": True, "ret_msg": "", "op": "subscribe", "conn_id": "c"})
    assert world.events.take() == []
    world.link.open(TRADE)
    assert world.frame == {"reqId": "login", "op": "auth", "args": [KEY, expires, signature]}
    world.log_in(TRADE)
    assert world.events.take() == ["ready"]


async def test_a_refused_login_is_tried_again_with_the_time_measured_anew() -> None:
    world = await World().start()
    world.link.open(TRADE)
    world.link.receive(TRADE, {"retCode": 10004, "retMsg": "Invalid sign", "op": "auth"})
    assert "10004 'Invalid sign'" in world.link.warnings[-1]
    assert world.call.request.url == "https://api.bybit.com/v5/market/time"
    assert world.call.request.headers == {}
    sent = len(world.link.sends)
    world.link.clock.advance(2 * SECOND_NS)
    assert len(world.link.sends) == sent + 1
    world.link.receive(TRADE, {"retCode": 20001, "retMsg": "Repeat auth", "op": "auth"})
    world.link.open(PRIVATE)
    world.link.receive(PRIVATE, {"success": False, "ret_msg": "Params Error", "op": "auth"})
    world.link.clock.advance(2 * SECOND_NS)
    world.link.receive(PRIVATE, {"success": True, "ret_msg": "", "op": "auth"})
    world.link.receive(PRIVATE, {"success": False, "ret_msg": "no such topic", "op": "subscribe"})
    world.link.clock.advance(2 * SECOND_NS)
    world.link.receive(PRIVATE, {"success": True, "ret_msg": "", "op": "subscribe"})
    assert world.events.take() == ["ready"]


async def test_a_login_without_an_answer_connects_again() -> None:
    world = await World().start()
    world.link.open(TRADE)
    world.link.connects.clear()
    world.link.clock.advance(6 * SECOND_NS)
    assert world.link.connects == [TRADE]


async def test_the_exchange_s_time_goes_into_every_request() -> None:
    world = World()
    world.link.answers["GET /v5/market/time"] = ok({"timeNano": str(START_NS + 7 * SECOND_NS)})
    await world.ready()
    assert any("7.000 s behind" in warning for warning in world.link.warnings)
    world.client.place(order())
    assert world.frame["header"]["X-BAPI-TIMESTAMP"] == str(START_MS + 7_000)
    world.link.clock.advance(60 * SECOND_NS)
    time = next(call for call in world.link.calls if call.request.url.endswith("/time"))
    time.answer(ok({"timeNano": str(world.link.clock.now_ns())}))
    world.client.cancel(order())
    assert world.frame["header"]["X-BAPI-TIMESTAMP"] == str(START_MS + 60_000), "the newest of equals counts"


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


async def test_a_time_that_is_refused_is_measured_and_the_question_put_again() -> None:
    world = World()
    world.link.answers["GET /v5/user/query-api"] = deque(
        [refused(10002, "invalid request, please check your server timestamp"), ok({"permissions": RIGHTS})]
    )
    await world.start()
    paths = [url.partition("/v5")[2] for _, url in world.link.fetched]
    assert paths[:4] == ["/market/time", "/user/query-api", "/market/time", "/user/query-api"]


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


async def test_demo_takes_orders_by_rest_only() -> None:
    world = await World(environment="demo").start()
    assert world.link.connects == ["wss://stream-demo.bybit.com/v5/private?max_active_time=1m"]
    assert any("by REST only" in warning for warning in world.link.warnings)


# -- placing --------------------------------------------------------------------------------------


async def test_placing_over_the_websocket_and_what_follows() -> None:
    world = await World().ready()
    world.client.place(order())
    assert world.frame["op"] == "order.create"
    assert world.frame["header"] == {"X-BAPI-TIMESTAMP": str(START_MS), "X-BAPI-RECV-WINDOW": "5000"}
    assert world.asked["orderLinkId"] == "a1"
    assert world.link.sends[-1].priority is Priority.NEW
    assert dict(world.link.sends[-1].costs) == {"linear create": 1, "websocket orders": 1}
    world.answer()
    report = world.report()
    assert (report.kind, report.exchange_order_id) == (ReportKind.ACCEPTED, "x1")
    world.tell("order", told())
    report = world.report()
    assert (report.kind, report.filled, report.exchange_ns) == (ReportKind.ACCEPTED, 0, START_NS)
    world.link.clock.advance(60 * SECOND_NS)
    assert world.events.take() == []


async def test_placing_by_rest() -> None:
    world = await World(SPOT, order_entry=OrderEntry.REST).ready()
    world.client.place(order(SPOT))
    request = world.call.request
    assert (world.call.call.method, request.url) == ("POST", "https://api.bybit.com/v5/order/create")
    payload = f"{START_MS}{KEY}5000{request.body.decode()}"
    signature = hmac.new(SECRET.encode(), payload.encode(), hashlib.sha256).hexdigest()
    assert request.headers["X-BAPI-SIGN"] == signature
    assert dict(world.call.call.costs) == {"spot create": 1, "rest": 1}
    assert world.call.call.deadline_ns == START_NS + SECOND_NS
    headers = {
        "X-Bapi-Limit": "30",
        "X-Bapi-Limit-Status": "29",
        "X-Bapi-Limit-Reset-Timestamp": str(START_MS),
    }
    world.call.answer(ok({"orderId": "x1", "orderLinkId": "a1"}), headers=headers)
    assert world.report().kind is ReportKind.ACCEPTED
    assert (world.link.limits, world.link.used) == ({"spot create": 30}, {"spot create": 1})


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        *((code, ReportKind.REJECTED) for code in (10001, 10003, 10004, 10005, 10010)),
        *((code, ReportKind.REJECTED) for code in (10002, 10006, 10018, 10403, 10404, 10429)),
        *((code, ReportKind.REJECTED) for code in (20003, 20006, 170005, 170222)),
        *((code, ReportKind.REJECTED) for code in (110003, 110004, 110006, 110007, 110009, 110011)),
        *((code, ReportKind.REJECTED) for code in (110012, 110017, 110020, 110044, 110045, 110052)),
        *((code, ReportKind.REJECTED) for code in (110074, 110094, 110103)),
        *((code, ReportKind.REJECTED) for code in (170124, 170131, 170132, 170133, 170134, 170136)),
        *((code, ReportKind.REJECTED) for code in (170137, 170140, 170210, 170217, 170218)),
        *((code, ReportKind.UNKNOWN) for code in (10000, 10014, 10016, 10019, 170007, 170146, 170147)),
        *((code, ReportKind.UNKNOWN) for code in (110072, 170141, 3400045, 7)),
    ],
)
async def test_what_a_refused_order_proves(code: int, kind: ReportKind) -> None:
    for options in ({}, {"order_entry": OrderEntry.REST}):
        world = await World(**options).ready()
        world.client.place(order())
        if options:
            world.call.answer(refused(code))
        else:
            world.answer({}, code=code, message="why")
        report = world.events.take()[0]
        assert (report.kind, report.code) == (kind, str(code))
        assert report.reason.endswith("why")
        world.link.clock.advance(60 * SECOND_NS)
        assert world.events.take() == [], "a refusal is followed by nothing"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (403, ReportKind.REJECTED),
        (404, ReportKind.REJECTED),
        (429, ReportKind.REJECTED),
        (500, ReportKind.UNKNOWN),
        (502, ReportKind.UNKNOWN),
        (504, ReportKind.UNKNOWN),
    ],
)
async def test_what_a_status_proves(status: int, kind: ReportKind) -> None:
    world = await World(order_entry=OrderEntry.REST).ready()
    world.client.place(order())
    world.call.answer("<html>", status)
    assert world.report().kind is kind


async def test_an_address_that_asks_too_often_asks_nothing_for_ten_minutes() -> None:
    world = await World(order_entry=OrderEntry.REST).ready()
    world.client.place(order())
    world.call.answer("access too frequent", 403)
    assert world.link.refusals == [(None, 600 * SECOND_NS)]


@pytest.mark.parametrize("rest", [False, True])
async def test_a_limit_that_is_used_up_is_left_alone_until_the_exchange_says(rest: bool) -> None:
    world = await World(**({"order_entry": OrderEntry.REST} if rest else {})).ready()
    world.client.place(order())
    header = {
        "X-Bapi-Limit": "10",
        "X-Bapi-Limit-Status": "0",
        "X-Bapi-Limit-Reset-Timestamp": str(START_MS + 400),
    }
    if rest:
        world.call.answer(refused(10006, "Too many visits!"), headers=header)
    else:
        world.answer({}, code=10006, message="Too many visits!", header=header)
    assert world.link.refusals == [("linear create", 400_000_000)]
    assert world.link.used == {"linear create": 10}
    assert world.report().reason == "not sent: Too many visits!"


async def test_an_order_without_an_answer_is_unknown_and_a_late_answer_still_counts() -> None:
    world = await World().ready()
    world.client.place(order())
    world.link.clock.advance(2 * SECOND_NS)
    assert world.report().kind is ReportKind.UNKNOWN
    world.answer()
    assert world.report().kind is ReportKind.ACCEPTED


async def test_an_order_that_is_taken_and_not_heard_of_is_asked_about() -> None:
    world = await World().ready()
    world.client.place(order())
    world.answer()
    world.events.take()
    world.link.answers["GET /v5/order/realtime"] = ok({"list": [told(orderStatus="Rejected")]})
    world.link.clock.advance(2 * SECOND_NS)
    await world.link.work()
    assert world.report().kind is ReportKind.EXPIRED


async def test_a_broken_connection_leaves_everything_on_it_unknown() -> None:
    world = await World().ready()
    world.client.place(order())
    world.client.cancel(order(client_order_id="a2"))
    world.link.close(TRADE)
    lost, first, second = world.events.take()
    assert lost == "lost: the order connection broke"
    assert [(first.client_order_id, first.kind), (second.client_order_id, second.kind)] == [
        ("a1", ReportKind.UNKNOWN),
        ("a2", ReportKind.UNKNOWN),
    ]
    with pytest.raises(OrderError, match="down"):
        world.client.place(order())
    world.client.cancel(order())
    assert world.call.request.url.endswith("/v5/order/cancel")
    assert world.call.call.priority is Priority.CANCEL
    world.link.open(TRADE)
    world.log_in(TRADE)
    assert world.events.take() == ["ready"]


async def test_a_restarting_service_is_connected_to_anew() -> None:
    world = await World().ready()
    world.link.connects.clear()
    world.client.place(order())
    world.answer({}, code=10019, message="ws trade service is restarting")
    assert world.link.connects == [TRADE]
    assert [each if isinstance(each, str) else each.kind for each in world.events.take()] == [
        ReportKind.UNKNOWN,
        "lost: the order connection broke",
    ]


async def test_a_connection_that_brings_nothing_although_it_is_asked_is_replaced() -> None:
    world = await World().ready()
    world.link.connects.clear()
    for number in range(8):
        assert world.link.connects == []
        world.client.place(order(client_order_id=f"a{number}"))
        world.link.clock.advance(SECOND_NS)
        if world.link.connects:
            break
    assert world.link.connects == [TRADE]


async def test_what_had_to_wait_is_not_sent_when_nobody_wants_it_any_more() -> None:
    world = await World().ready()
    world.link.holding = True
    world.client.place(order())
    world.client.amend(order(), Price(600_001), Size(10))
    world.client.place_batch([order(), order(client_order_id="a2")])
    world.client.cancel(order(client_order_id="a2"))
    world.events.unwanted = "book: it is STALE"
    world.link.release()
    assert [send.json["op"] for send in world.link.sends] == ["order.cancel"]
    kinds = [each.kind for each in world.events.take()]
    assert kinds == [
        ReportKind.REJECTED,
        ReportKind.REPLACE_REJECTED,
        ReportKind.REJECTED,
        ReportKind.REJECTED,
    ]


async def test_a_cancel_that_waited_for_a_broken_connection_goes_the_other_way() -> None:
    world = await World().ready()
    world.link.holding = True
    world.client.cancel(order())
    world.link.drop("the connection broke")
    assert world.call.request.url.endswith("/v5/order/cancel")
    assert json.loads(world.call.request.body) == {
        "category": "linear",
        "symbol": "BTCUSDT",
        "orderLinkId": "a1",
    }


@pytest.mark.parametrize(
    ("sent", "kind"), [(False, ReportKind.REJECTED), (None, ReportKind.UNKNOWN), (True, ReportKind.UNKNOWN)]
)
async def test_by_rest_only_what_was_certainly_not_sent_is_refused(
    sent: bool | None, kind: ReportKind
) -> None:
    world = await World(order_entry=OrderEntry.REST).ready()
    world.client.place(order())
    world.call.fail(sent=sent)
    assert world.report().kind is kind


async def test_an_answer_that_makes_no_sense_proves_nothing() -> None:
    world = await World(order_entry=OrderEntry.REST).ready()
    world.client.place(order())
    world.call.answer("<html>")
    assert world.report().kind is ReportKind.UNKNOWN
    assert len(world.link.faults) == 1
    world = await World().ready()
    world.client.place(order())
    world.answer([])
    assert world.report().kind is ReportKind.UNKNOWN


async def test_self_trade_prevention_is_the_exchange_s_word() -> None:
    for prevention, word in (
        (SelfTradePrevention.NONE, "None"),
        (SelfTradePrevention.CANCEL_MAKER, "CancelMaker"),
        (SelfTradePrevention.CANCEL_TAKER, "CancelTaker"),
        (SelfTradePrevention.CANCEL_BOTH, "CancelBoth"),
    ):
        world = await World(self_trade_prevention=prevention).ready()
        world.client.place(order())
        assert world.asked["smpType"] == word


# -- amending and cancelling ----------------------------------------------------------------------


@pytest.mark.parametrize("stream_first", [False, True])
async def test_an_amendment_is_done_when_the_stream_says_so(stream_first: bool) -> None:
    world = await World().ready()
    world.client.place(order())
    world.answer()
    world.tell("order", told())
    world.events.take()
    world.client.amend(order(), Price(600_001), Size(12))
    assert (world.frame["op"], world.asked["price"], world.asked["qty"]) == (
        "order.amend",
        "60000.1",
        "0.012",
    )
    changed = told(price="60000.1", qty="0.012")
    if not stream_first:
        world.answer()
        assert world.events.take() == []
    world.tell("order", told(cumExecQty="0.001", orderStatus="PartiallyFilled"))
    assert world.report().kind is ReportKind.ACCEPTED, "of before"
    world.tell("order", changed)
    report = world.report()
    assert (report.kind, report.price, report.size) == (ReportKind.REPLACED, 600_001, 12)
    if stream_first:
        world.answer()
    world.link.clock.advance(60 * SECOND_NS)
    assert world.events.take() == []


async def test_an_amendment_or_cancel_that_is_taken_and_not_heard_of_is_unknown() -> None:
    world = await World().ready()
    world.client.amend(order(), Price(600_001), Size(12))
    world.answer()
    world.link.clock.advance(2 * SECOND_NS)
    assert world.report().kind is ReportKind.UNKNOWN
    world.client.cancel(order())
    world.answer()
    world.link.clock.advance(2 * SECOND_NS)
    assert world.report().kind is ReportKind.UNKNOWN


async def test_somebody_else_s_amendment_is_told_as_well() -> None:
    world = await World().ready()
    world.tell("order", told())
    world.tell("order", told(qty="0.005"))
    first, second = world.events.take()
    assert (first.kind, second.kind, second.size) == (ReportKind.ACCEPTED, ReportKind.REPLACED, 5)


@pytest.mark.parametrize("code", [110001, 110008, 110010, 170139, 170142, 170191, 170213, 110079])
async def test_refused_cancels_and_amendments(code: int) -> None:
    world = await World().ready()
    world.client.cancel(order())
    world.answer({}, code=code, message="order not exists or too late to cancel")
    assert world.report().kind is ReportKind.CANCEL_REJECTED
    world.client.amend(order(), Price(600_001), Size(12))
    world.answer({}, code=code, message="order not exists or too late to cancel")
    assert world.report().kind is ReportKind.REPLACE_REJECTED


async def test_a_cancel_is_done_when_the_stream_says_so() -> None:
    world = await World().ready()
    world.client.cancel(order())
    assert (world.frame["op"], world.link.sends[-1].deadline_ns) == ("order.cancel", 0)
    world.answer()
    assert world.events.take() == []
    world.tell("order", told(orderStatus="Cancelled", cancelType="CancelByUser", cumExecQty="0.003"))
    report = world.report()
    assert (report.kind, report.filled, report.reason) == (ReportKind.CANCELED, 3, "")
    world.link.clock.advance(60 * SECOND_NS)
    assert world.events.take() == []


async def test_batches() -> None:
    world = await World().ready()
    world.client.place_batch([order(client_order_id=f"a{number}") for number in range(3)])
    assert world.frame["op"] == "order.create-batch"
    assert world.asked["category"] == "linear"
    assert [each["orderLinkId"] for each in world.asked["request"]] == ["a0", "a1", "a2"]
    assert dict(world.link.sends[-1].costs)["linear create-batch"] == 3
    listed = [{"orderId": f"x{number}", "orderLinkId": f"a{number}"} for number in range(3)]
    verdicts = [
        {"code": 0, "msg": "OK"},
        {"code": 110007, "msg": "ab not enough"},
        {"code": 10016, "msg": "?"},
    ]
    world.answer({"list": listed}, retExtInfo={"list": verdicts})
    reports = world.events.take()
    assert [(each.client_order_id, each.kind) for each in reports] == [
        ("a0", ReportKind.ACCEPTED),
        ("a1", ReportKind.REJECTED),
        ("a2", ReportKind.UNKNOWN),
    ]
    world.client.cancel_batch([order(client_order_id=f"a{number}") for number in range(2)])
    assert world.frame["op"] == "order.cancel-batch"
    assert world.asked["request"][1] == {"symbol": "BTCUSDT", "orderLinkId": "a1"}
    verdicts = [{"code": 0, "msg": "OK"}, {"code": 110001, "msg": "order not exists"}]
    world.answer({"list": listed[:2]}, retExtInfo={"list": verdicts})
    (report,) = world.events.take()
    assert (report.client_order_id, report.kind) == ("a1", ReportKind.CANCEL_REJECTED)


@pytest.mark.parametrize(
    ("listed", "verdicts"), [([{"orderId": "x"}], []), ([], []), ([{"orderId": "x"}] * 3, [{"code": 0}] * 3)]
)
async def test_an_answer_to_another_batch_proves_nothing(listed: Any, verdicts: Any) -> None:
    world = await World().ready()
    world.client.place_batch([order(), order(client_order_id="a2")])
    world.answer({"list": listed}, retExtInfo={"list": verdicts})
    assert [each.kind for each in world.events.take()] == [ReportKind.UNKNOWN] * 2


# -- what the private stream says -----------------------------------------------------------------


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


async def test_pongs_are_nothing() -> None:
    world = await World().ready()
    world.link.receive(PRIVATE, {"req_id": "ping", "op": "pong", "args": ["1675418560633"], "conn_id": "c"})
    world.link.receive(TRADE, {"retCode": 0, "retMsg": "OK", "op": "pong", "data": ["1"], "connId": "c"})
    assert (world.link.faults, world.link.warnings) == ([], [])
    for conn in (PRIVATE, TRADE):
        spec = world.link.specs[conn]
        assert json.loads(spec.ping)["op"] == "ping"
        assert 0 < spec.ping_ns < spec.silence_ns


async def test_a_lost_private_stream_is_told() -> None:
    world = await World().ready()
    world.link.close(PRIVATE)
    assert world.events.take() == ["lost: the private connection broke"]
    world.link.open(PRIVATE)
    world.log_in(PRIVATE)
    assert world.events.take() == ["ready"]


# -- the dead man's switch ------------------------------------------------------------------------


async def test_the_dead_man_s_switch_watches_the_private_connection() -> None:
    world = await World(LINEAR, SPOT).ready()
    world.client.arm_dead_man(40 * SECOND_NS)
    assert (world.frame["op"], world.frame["args"]) == ("subscribe", ["dcp.future", "dcp.spot"])
    bodies = [json.loads(call.request.body) for call in world.link.calls]
    assert bodies == [
        {"product": "DERIVATIVES", "timeWindow": 40},
        {"product": "SPOT", "timeWindow": 40},
    ]
    first, second = world.link.calls
    first.answer(ok())
    second.answer(refused(10005, "Permission denied"))
    assert "spot was not set: 10005 'Permission denied'" in world.link.warnings[-1]
    world.client.arm_dead_man(40 * SECOND_NS)
    assert [json.loads(call.request.body)["product"] for call in world.link.calls[2:]] == ["SPOT"]
    world.link.close(PRIVATE)
    world.link.open(PRIVATE)
    world.log_in(PRIVATE)
    assert world.frame["args"] == ["dcp.future", "dcp.spot"]
    world.client.arm_dead_man(0)
    assert (world.frame["op"], world.frame["args"]) == ("unsubscribe", ["dcp.future", "dcp.spot"])


@pytest.mark.parametrize(("seconds", "window"), [(1, 3), (40, 40), (3600, 300)])
async def test_the_switch_s_time_is_what_the_exchange_has(seconds: int, window: int) -> None:
    world = await World().ready()
    world.client.arm_dead_man(seconds * SECOND_NS)
    assert json.loads(world.call.request.body)["timeWindow"] == window


# -- questions ------------------------------------------------------------------------------------


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


async def test_capabilities() -> None:
    world = await World(LINEAR, SPOT).ready()
    linear, spot = world.client.capabilities_of(LINEAR), world.client.capabilities_of(SPOT)
    assert (linear.batch, linear.reduce_only, linear.hedge, linear.amend) == (10, True, False, True)
    assert (spot.batch, spot.reduce_only, spot.hedge, spot.amend) == (10, False, False, True)
    assert OrderType.STOP_LIMIT in linear.order_types
    assert OrderType.STOP_LIMIT not in spot.order_types
    assert linear.request_validity_ns == 7 * SECOND_NS


async def test_stopping_leaves_nothing_on_the_clock() -> None:
    world = await World().start()
    world.link.open(TRADE)
    await world.client.stop()
    world.link.connects.clear()
    world.link.clock.advance(600 * SECOND_NS)
    assert (world.link.connects, world.link.calls) == ([], [])


async def test_no_secret_is_shown() -> None:
    world = await World(key=Secret("hush-key"), secret=Secret("hush-secret")).ready()
    world.client.place(order())
    shown = f"{world.client!r}{world.client.config!r}{world.link.sends!r}{world.link.warnings}"
    assert "hush" not in shown
