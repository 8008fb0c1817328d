"""Connecting, logging in and subscribing, and what is lost with a connection."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from hft import OrderError, Priority, ReportKind

from .trading import KEY, LINEAR, PRIVATE, SECOND_NS, SECRET, SPOT, START_MS, TRADE, World, order


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


async def test_demo_takes_orders_by_rest_only() -> None:
    world = await World(environment="demo").start()
    assert world.link.connects == ["wss://stream-demo.bybit.com/v5/private?max_active_time=1m"]
    assert any("by REST only" in warning for warning in world.link.warnings)


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


async def test_stopping_leaves_nothing_on_the_clock() -> None:
    world = await World().start()
    world.link.open(TRADE)
    await world.client.stop()
    world.link.connects.clear()
    world.link.clock.advance(600 * SECOND_NS)
    assert (world.link.connects, world.link.calls) == ([], [])
