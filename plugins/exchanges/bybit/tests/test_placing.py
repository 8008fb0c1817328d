"""New orders, one by one and in batches, and what their answers prove."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest

from hft import OrderEntry, OrderType, Price, Priority, ReportKind, Size
from hft_bybit.config import SelfTradePrevention

from .trading import KEY, LINEAR, SECOND_NS, SECRET, SPOT, START_MS, START_NS, World, ok, order, refused, told


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


async def test_capabilities() -> None:
    world = await World(LINEAR, SPOT).ready()
    linear, spot = world.client.capabilities_of(LINEAR), world.client.capabilities_of(SPOT)
    assert (linear.batch, linear.reduce_only, linear.hedge, linear.amend) == (10, True, False, True)
    assert (spot.batch, spot.reduce_only, spot.hedge, spot.amend) == (10, False, False, True)
    assert OrderType.STOP_LIMIT in linear.order_types
    assert OrderType.STOP_LIMIT not in spot.order_types
    assert linear.request_validity_ns == 7 * SECOND_NS
