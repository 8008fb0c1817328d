"""New orders, one by one and in batches, and what their answers prove."""

from __future__ import annotations

from typing import Any

import pytest

from hft import (
    Instrument,
    OrderEntry,
    OrderError,
    OrderType,
    PositionMode,
    PositionSide,
    Price,
    Priority,
    ReportKind,
    Secret,
    Side,
    TimeInForce,
)
from hft_okx.config import MarginMode, SelfTradePrevention, SpotMode
from hft_okx.signing import Signer

from .trading import (
    KEY,
    PASSPHRASE,
    PRIVATE,
    SECOND_NS,
    SECRET,
    SPOT,
    START_NS,
    SWAP,
    World,
    account,
    item,
    ok,
    order,
)


async def test_placing_over_the_websocket_and_what_the_answer_tells() -> None:
    world = await World(SWAP).ready()
    world.client.place(order(SWAP))
    assert world.frame == {
        "id": "1",
        "op": "order",
        "args": [
            {"instIdCode": 10459, "tdMode": "cross", "side": "buy", "ordType": "limit", "sz": "1.00",
             "px": "60000.0", "clOrdId": "a1"}
        ],
        "expTime": str(START_NS // 1_000_000 + 5_000),
    }  # fmt: skip
    send = world.link.sends[-1]
    assert send.priority is Priority.NEW
    assert send.costs == (("place BTC-USDT-SWAP", 1), ("sub-account orders", 1))
    world.answer(item())
    report = world.report()
    assert (report.kind, report.exchange_order_id) == (ReportKind.ACCEPTED, "77")


@pytest.mark.parametrize(
    ("traded", "changes", "expected"),
    [
        (SWAP, {"side": Side.SELL}, {"side": "sell", "ordType": "limit"}),
        (SWAP, {"post_only": True}, {"ordType": "post_only"}),
        (SWAP, {"time_in_force": TimeInForce.IOC}, {"ordType": "ioc"}),
        (SWAP, {"time_in_force": TimeInForce.FOK}, {"ordType": "fok"}),
        (SWAP, {"reduce_only": True}, {"reduceOnly": True}),
        (SWAP, {"type": OrderType.MARKET, "price": None}, {"ordType": "market", "px": None, "tgtCcy": None}),
        (SPOT, {}, {"tdMode": "cash", "sz": "0.00000100", "instIdCode": 1}),
        (SPOT, {"type": OrderType.MARKET, "price": None}, {"ordType": "market", "tgtCcy": "base_ccy"}),
    ],
)
async def test_kinds_of_orders(traded: Instrument, changes: dict[str, Any], expected: dict[str, Any]) -> None:
    world = await World(traded).ready()
    world.client.place(order(traded, **changes))
    (arg,) = world.frame["args"]
    assert {name: arg.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("traded", "changes"),
    [
        (SPOT, {"reduce_only": True}),
        (SPOT, {"position_side": PositionSide.LONG}),
        (SWAP, {"position_side": PositionSide.LONG}),
        (SWAP, {"price": None}),
        (SWAP, {"type": OrderType.MARKET}),
        (SWAP, {"type": OrderType.MARKET, "price": None, "post_only": True}),
        (SWAP, {"type": OrderType.STOP_LIMIT, "trigger_price": Price(1)}),
        (SWAP, {"post_only": True, "time_in_force": TimeInForce.IOC}),
        (SWAP, {"time_in_force": TimeInForce.GTD, "expire_ns": START_NS}),
        (SWAP, {"client_order_id": "with-dash"}),
        (SWAP, {"client_order_id": "a" * 33}),
        (SWAP, {"client_order_id": ""}),
    ],
)
async def test_orders_that_the_exchange_does_not_have(traded: Instrument, changes: dict[str, Any]) -> None:
    world = await World(traded).ready()
    with pytest.raises(OrderError):
        world.client.place(order(traded, **changes))
    assert not world.link.sends


@pytest.mark.parametrize(
    ("changes", "position_side"),
    [
        ({"position_side": PositionSide.LONG}, "long"),
        ({"position_side": PositionSide.SHORT}, "short"),
        ({"position_side": PositionSide.LONG, "side": Side.SELL, "reduce_only": True}, "long"),
    ],
)
async def test_positions_of_two_sides(changes: dict[str, Any], position_side: str) -> None:
    world = World(SWAP, position_mode=PositionMode.HEDGE, config=account(posMode="long_short_mode"))
    await world.ready()
    assert world.client.capabilities_of(SWAP).hedge
    world.client.place(order(SWAP, **changes))
    (arg,) = world.frame["args"]
    assert (arg["posSide"], arg.get("reduceOnly")) == (position_side, None)


@pytest.mark.parametrize(
    "changes", [{}, {"position_side": PositionSide.LONG, "reduce_only": True}], ids=["no side", "opens"]
)
async def test_two_sides_and_an_order_that_fits_none(changes: dict[str, Any]) -> None:
    world = World(SWAP, position_mode=PositionMode.HEDGE, config=account(posMode="long_short_mode"))
    await world.ready()
    with pytest.raises(OrderError):
        world.client.place(order(SWAP, **changes))


@pytest.mark.parametrize(
    ("level", "margin", "spot", "swap"),
    [
        ("2", MarginMode.CROSS, "cash", "cross"),
        ("2", MarginMode.ISOLATED, "cash", "isolated"),
        ("3", MarginMode.CROSS, "cross", "cross"),
        ("4", MarginMode.CROSS, "cross", "cross"),
    ],
)
async def test_the_trade_mode_follows_the_accounts_mode(
    level: str, margin: MarginMode, spot: str, swap: str
) -> None:
    world = await World(SPOT, SWAP, margin_mode=margin, config=account(acctLv=level)).ready()
    for traded, mode in ((SPOT, spot), (SWAP, swap)):
        world.client.place(order(traded))
        assert world.frame["args"][0]["tdMode"] == mode


async def test_the_trade_mode_of_spot_can_be_said() -> None:
    world = await World(SPOT, spot_mode=SpotMode.CASH, config=account(acctLv="3")).ready()
    world.client.place(order(SPOT))
    assert world.frame["args"][0]["tdMode"] == "cash"


async def test_self_trade_prevention_and_tag() -> None:
    world = await World(SWAP, self_trade_prevention=SelfTradePrevention.EXPIRE_BOTH, tag="maker1").ready()
    world.client.place(order(SWAP))
    (arg,) = world.frame["args"]
    assert (arg["stpMode"], arg["tag"]) == ("cancel_both", "maker1")
    with pytest.raises(OrderError):  # the exchange's own rule
        world.client.place(order(SWAP, time_in_force=TimeInForce.FOK))


async def test_an_exchange_that_lists_no_codes_is_told_names() -> None:
    world = World(SWAP)
    world.link.answers["GET /api/v5/public/instruments"] = ok()
    await world.ready()
    assert any("no code" in line for line in world.link.warnings)
    world.client.place(order(SWAP))
    assert world.frame["args"][0]["instId"] == "BTC-USDT-SWAP"


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        ("51008", ReportKind.REJECTED, "Order failed."),
        ("51020", ReportKind.REJECTED, "Order failed."),
        ("50061", ReportKind.REJECTED, "not sent: Order failed."),
        ("51016", ReportKind.UNKNOWN, "Order failed."),
        ("50004", ReportKind.UNKNOWN, "Order failed."),
    ],
)
async def test_a_refusal_of_one_order(code: str, kind: ReportKind, reason: str) -> None:
    world = await World(SWAP).ready()
    world.client.place(order(SWAP))
    world.answer(item(code=code, msg="Order failed.", order_id=""), code="1", msg="All operations failed")
    report = world.report()
    assert (report.kind, report.code, report.reason) == (kind, code, reason)
    assert world.link.refusals == ([("sub-account orders", 0)] if code == "50061" else [])


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("60013", ReportKind.REJECTED),
        ("50011", ReportKind.REJECTED),
        ("60014", ReportKind.REJECTED),
        ("50036", ReportKind.REJECTED),
        ("50026", ReportKind.UNKNOWN),
    ],
)
async def test_a_refusal_of_the_whole_request(code: str, kind: ReportKind) -> None:
    world = await World(SWAP).ready()
    world.client.place(order(SWAP))
    world.answer(code=code, msg="")
    assert world.report().kind is kind
    if code in ("50011", "60014"):
        assert world.link.refusals == [("place BTC-USDT-SWAP", 0), ("sub-account orders", 0)]


async def test_no_answer_is_unknown_and_a_late_one_counts() -> None:
    world = await World(SWAP).ready()
    world.client.place(order(SWAP))
    world.link.clock.advance(2 * SECOND_NS)
    assert world.report().kind is ReportKind.UNKNOWN
    world.answer(item())
    assert world.report().kind is ReportKind.ACCEPTED


@pytest.mark.parametrize(
    "data",
    [
        [],
        [item(), item("b1")],
        [item("somebody")],
    ],
)
async def test_an_answer_that_fits_not_is_no_evidence(data: list[dict[str, Any]]) -> None:
    world = await World(SWAP).ready()
    world.client.place(order(SWAP))
    world.answer(*data)
    assert world.report().kind is ReportKind.UNKNOWN


async def test_an_answer_that_cannot_be_read_is_no_evidence() -> None:
    world = await World(SWAP).ready()
    world.client.place(order(SWAP))
    world.link.receive(PRIVATE, {"id": "1", "op": "order", "code": "0", "data": [{"sCode": 5}]})
    assert world.report().kind is ReportKind.UNKNOWN
    assert len(world.link.faults) == 1


async def test_what_waits_and_is_not_wanted_any_more_is_not_sent() -> None:
    world = await World(SWAP).ready()
    world.link.holding = True
    world.client.place(order(SWAP))
    world.events.unwanted = "its book is not LIVE"
    world.link.release()
    report = world.report()
    assert (report.kind, report.reason) == (ReportKind.REJECTED, "not sent: its book is not LIVE")


async def test_a_batch_and_its_parts() -> None:
    world = await World(SWAP).ready()
    world.client.place_batch(
        [order(SWAP), order(SWAP, client_order_id="b1"), order(SWAP, client_order_id="c1")]
    )
    assert world.frame["op"] == "batch-orders"
    assert [arg["clOrdId"] for arg in world.frame["args"]] == ["a1", "b1", "c1"]
    assert world.link.sends[-1].costs == (("place batch BTC-USDT-SWAP", 3), ("sub-account orders", 3))
    world.answer(
        item("a1"),
        item("b1", "51020", "too small", ""),
        item("c1", "50026", "", ""),
        code="2",
        msg="Bulk operation partially succeeded.",
    )
    assert [(report.client_order_id, report.kind) for report in world.events.take()] == [
        ("a1", ReportKind.ACCEPTED),
        ("b1", ReportKind.REJECTED),
        ("c1", ReportKind.UNKNOWN),
    ]


# -- over REST -------------------------------------------------------------------------------------


async def test_orders_over_rest_are_signed_as_they_are_sent() -> None:
    world = await World(SWAP, order_entry=OrderEntry.REST, environment="demo").start()
    world.client.place(order(SWAP))
    (call,) = world.link.calls
    body = (
        '{"instId":"BTC-USDT-SWAP","tdMode":"cross","side":"buy","ordType":"limit","sz":"1.00",'
        '"px":"60000.0","clOrdId":"a1"}'
    )
    request = call.request
    assert request.body.decode() == body
    assert request.url == "https://openapi.okx.com/api/v5/trade/order"
    signer = Signer(Secret(KEY), Secret(SECRET), Secret(PASSPHRASE))
    assert request.headers == {
        **signer.headers("2026-09-21T14:13:20.000Z", "POST", "/api/v5/trade/order", body),
        "x-simulated-trading": "1",
        "expTime": str(START_NS // 1_000_000 + 5_000),
    }
    call.answer({"code": "0", "msg": "", "data": [item()]})
    assert world.report().kind is ReportKind.ACCEPTED
    assert not world.link.sends


async def test_a_batch_over_rest() -> None:
    world = await World(SPOT, order_entry=OrderEntry.REST).start()
    world.client.place_batch([order(SPOT), order(SPOT, client_order_id="b1")])
    (call,) = world.link.calls
    assert call.call.shown.endswith("/trade/batch-orders")
    assert call.request.body.startswith(b'[{"instId":"BTC-USDT",')
    assert call.call.costs == (("place batch BTC-USDT", 2),)
    call.answer({"code": "1", "msg": "", "data": [item("a1", "51008"), item("b1", "51008")]})
    assert [report.kind for report in world.events.take()] == [ReportKind.REJECTED] * 2


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ("<html>", 502, ReportKind.UNKNOWN),
        ("<html>", 200, ReportKind.UNKNOWN),
        ('{"code":"50011","msg":"Too Many Requests","data":[]}', 429, ReportKind.REJECTED),
        ('{"code":"50001","msg":"","data":[]}', 503, ReportKind.UNKNOWN),
        ('{"code":"50113","msg":"Invalid Sign","data":[]}', 401, ReportKind.REJECTED),
        ('{"code":"50102","msg":"Timestamp request expired","data":[]}', 401, ReportKind.REJECTED),
    ],
)
async def test_refusals_over_rest(body: str, status: int, kind: ReportKind) -> None:
    world = await World(SWAP, order_entry=OrderEntry.REST).start()
    world.client.place(order(SWAP))
    world.link.calls.pop().answer(body, status)
    assert world.report().kind is kind


@pytest.mark.parametrize(
    ("sent", "kind"),
    [(None, ReportKind.UNKNOWN), (True, ReportKind.UNKNOWN), (False, ReportKind.REJECTED)],
)
async def test_no_answer_over_rest(sent: bool | None, kind: ReportKind) -> None:
    world = await World(SWAP, order_entry=OrderEntry.REST).start()
    world.client.place(order(SWAP))
    world.link.calls.pop().fail(sent=sent)
    assert world.report().kind is kind
