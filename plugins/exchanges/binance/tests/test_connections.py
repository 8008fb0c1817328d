"""Connecting, logging in and subscribing, and what is lost with a connection."""

from __future__ import annotations

import pytest

from hft import OrderError, Priority, ReportKind, Secret, TransportError
from hft_binance.config import UserStream

from .trading import SECOND_NS, SPOT, SPOT_ORDERS, SPOT_USER, USDM, USDM_USER, World, execution, order

PEM = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f
-----END PRIVATE KEY-----"""


async def test_a_connection_that_brings_nothing_although_it_is_asked_is_replaced() -> None:
    world = await World(SPOT).ready()
    world.link.connects.clear()
    for number in range(4):
        world.client.place(order(SPOT, client_order_id=f"a{number}"))
        world.link.clock.advance(SECOND_NS)
    world.answer({"orderId": 28, "clientOrderId": "a3", "transactTime": 1790000000123})
    for number in range(4, 10):
        assert world.link.connects == [], "it is alive, or silent for not long enough"
        world.client.place(order(SPOT, client_order_id=f"a{number}"))
        world.link.clock.advance(SECOND_NS)
    assert world.link.connects == [SPOT_ORDERS]
    world.link.open(SPOT_ORDERS)
    world.client.place(order(SPOT, client_order_id="b1"))
    world.link.clock.advance(2 * SECOND_NS)
    assert world.link.connects == [SPOT_ORDERS]


async def test_a_broken_connection_leaves_everything_on_it_unknown() -> None:
    world = await World(SPOT).ready()
    world.client.place(order(SPOT))
    world.client.cancel(order(SPOT, client_order_id="a2"))
    world.link.close(SPOT_ORDERS)
    lost, first, second = world.events.take()
    assert lost.startswith("lost: spot: the order connection broke")
    assert [(first.client_order_id, first.kind), (second.client_order_id, second.kind)] == [
        ("a1", ReportKind.UNKNOWN),
        ("a2", ReportKind.UNKNOWN),
    ]
    with pytest.raises(OrderError, match="down"):
        world.client.place(order(SPOT))
    world.client.cancel(order(SPOT))
    (call,) = world.link.calls
    assert call.call.method == "DELETE"
    assert call.call.priority is Priority.CANCEL
    world.link.open(SPOT_ORDERS)
    assert world.events.take() == ["ready"]


async def test_an_ed25519_key_logs_in_and_signs_no_orders() -> None:
    pytest.importorskip("cryptography")
    world = await World(SPOT, secret=Secret(PEM)).start()
    world.link.open(SPOT_USER)
    world.link.open(SPOT_ORDERS)
    user, orders = world.link.sends
    assert user.json["method"] == "userDataStream.subscribe.signature"
    assert orders.json["method"] == "session.logon"
    with pytest.raises(OrderError, match="down"):
        world.client.place(order(SPOT))
    world.link.receive(SPOT_USER, {"id": "login", "status": 200, "result": {}})
    assert world.events.take() == []
    world.link.receive(SPOT_ORDERS, {"id": "login", "status": 200, "result": {}})
    assert world.events.take() == ["ready"]
    world.client.place(order(SPOT))
    assert not {"apiKey", "signature"} & world.frame["params"].keys()
    revoked = {"id": None, "status": 401, "error": {"code": -2015, "msg": "Invalid API-key"}}
    world.link.receive(SPOT_ORDERS, revoked)
    (lost,) = world.events.take()
    assert lost.startswith("lost: spot: logged out: -2015")
    assert world.frame["method"] == "session.logon"


async def test_a_refused_login_is_tried_again_for_ever_and_silence_replaces_the_connection() -> None:
    world = await World(SPOT).start()
    world.link.open(SPOT_USER)
    for _ in range(30):
        frames = len(world.link.sends)
        error = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
        world.link.receive(SPOT_USER, {"id": "login", "status": 401, "error": error})
        assert len(world.link.sends) == frames
        world.link.clock.advance(30 * SECOND_NS)
    assert world.link.connects.count(SPOT_USER) > 1, "the last question found no answer"
    assert "login refused: status 401, -2015" in world.link.warnings[0]
    world.link.opened.discard(SPOT_USER)
    world.link.open(SPOT_USER)
    world.link.open(SPOT_ORDERS)
    world.link.receive(SPOT_USER, {"id": "login", "status": 200, "result": {}})
    assert world.events.take() == ["ready"]


async def test_a_subscription_that_ends_is_lost_and_made_again() -> None:
    world = await World(SPOT).ready()
    world.link.receive(SPOT_USER, {"subscriptionId": 0, "event": {"e": "eventStreamTerminated", "E": 1}})
    assert world.events.take() == ["lost: spot: the exchange ended the subscription to user data"]
    world.link.receive(SPOT_USER, {"id": "login", "status": 200, "result": {}})
    assert world.events.take() == ["ready"]
    world.link.receive(SPOT_USER, {"event": {"e": "serverShutdown", "E": 1}})
    assert world.link.connects[-1] == SPOT_USER
    world.link.receive(SPOT_ORDERS, {"event": {"e": "serverShutdown", "E": 1}})
    assert world.link.connects[-1] == SPOT_ORDERS


async def test_a_listen_key_is_kept_alive_for_ever_and_renewed_when_it_is_gone() -> None:
    world = await World(USDM).ready()
    assert "listenKey=listenKeyOfTheTest&events=" in world.link.specs[USDM_USER].url
    assert "TRADE_LITE" not in world.link.specs[USDM_USER].url
    for failure in (None, TransportError("cut"), 503):
        world.link.clock.advance(1800 * SECOND_NS)
        calls = [each for each in world.link.calls if each.call.method == "PUT"]
        if failure is None:
            calls[-1].answer({})
        elif isinstance(failure, int):
            calls[-1].answer("", failure)
        else:
            calls[-1].fail("cut")
        world.link.clock.advance(60 * SECOND_NS)
        world.link.calls[-1].answer({})
        world.link.calls.clear()
    assert world.events.take() == []
    world.link.clock.advance(1800 * SECOND_NS)
    world.link.calls = [each for each in world.link.calls if each.call.method == "PUT"]
    world.link.calls[-1].answer({"code": -1125, "msg": "This listenKey does not exist."}, 400)
    assert world.events.take() == ["lost: usdm: the listen key is gone"]
    world.link.calls[-1].answer({"listenKey": "another"})
    assert "listenKey=another&" in world.link.specs[USDM_USER].url
    world.link.open(USDM_USER)
    assert world.events.take() == ["ready"]


def listen_key_calls(world: World) -> list[str]:
    return [each.call.method for each in world.link.calls if each.call.shown.endswith("/listenKey")]


async def test_an_expired_listen_key_and_one_that_died_unheard() -> None:
    world = await World(USDM).ready()
    world.link.receive(USDM_USER, {"e": "listenKeyExpired", "E": 1, "listenKey": "listenKeyOfTheTest"})
    assert world.events.take() == ["lost: usdm: the listen key expired"]
    world.link.calls[-1].answer({"listenKey": "second"})
    world.link.open(USDM_USER)
    assert world.events.take() == ["ready"]
    world.link.close(USDM_USER)
    assert world.events.take() == ["lost: usdm: the user data connection broke"]
    world.link.open(USDM_USER)
    assert world.events.take() == [], "whether the key lives is not known"
    world.link.calls[-1].answer("", 502)
    world.link.clock.advance(SECOND_NS)
    world.link.calls[-1].answer({"listenKey": "second"})
    assert world.events.take() == ["ready"]
    world.link.calls.clear()
    await world.client.stop()
    assert listen_key_calls(world) == ["DELETE"]
    world.link.close(USDM_USER)
    assert listen_key_calls(world) == ["DELETE"]


async def test_the_older_form_of_the_private_streams() -> None:
    world = await World(SPOT, USDM, user_stream=UserStream.LISTEN_KEY).start()
    for call in world.link.calls:
        call.answer({"listenKey": f"key{call.call.shown.count('fapi')}"})
    urls = {spec.url for spec in world.link.specs.values()}
    assert "wss://stream.binance.com:9443/ws/key0" in urls
    assert "wss://fstream.binance.com/ws/key2" in urls
    for conn in list(world.link.specs):
        world.link.open(conn)
    assert world.events.take() == ["ready"]
    (spot_user,) = (each for each in world.link.specs if each.startswith("wss://stream."))
    world.link.receive(spot_user, execution(x="NEW", X="NEW"))
    assert world.report().kind is ReportKind.ACCEPTED
