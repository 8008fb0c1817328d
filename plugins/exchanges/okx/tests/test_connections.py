"""Connecting, logging in and subscribing, and what is lost with a connection."""

from __future__ import annotations

import pytest

from hft import OrderError, ReportKind, Secret
from hft_okx.signing import Signer

from .trading import KEY, PASSPHRASE, PRIVATE, SECOND_NS, SECRET, START_NS, SWAP, World, order


async def test_it_logs_in_subscribes_and_is_ready_when_all_is_acknowledged() -> None:
    world = await World(SWAP).start()
    world.link.open(PRIVATE)
    assert world.frame == {
        "op": "login",
        "args": [Signer(Secret(KEY), Secret(SECRET), Secret(PASSPHRASE)).login(START_NS)],
    }
    world.link.receive(PRIVATE, {"event": "login", "code": "0", "msg": "", "connId": "a"})
    channels = [arg["channel"] for arg in world.frame["args"]]
    assert channels == ["orders", "account", "positions", "balance_and_position"]
    for arg in world.frame["args"]:
        assert world.events.take() == []
        world.link.receive(PRIVATE, {"event": "subscribe", "arg": arg, "connId": "a"})
    assert world.events.take() == ["ready"]


@pytest.mark.parametrize("code", ["60004", "60005", "60006", "60007", "60009", "60024", "60032"])
async def test_a_login_that_is_refused_is_tried_again(code: str) -> None:
    world = await World(SWAP).start()
    world.link.open(PRIVATE)
    world.link.receive(PRIVATE, {"event": "error", "code": code, "msg": "Login failed.", "connId": "a"})
    assert code in world.link.warnings[-1]
    world.link.sends.clear()
    world.link.clock.advance(2 * SECOND_NS)
    assert world.frame["op"] == "login"
    measured = any(call.call.shown.endswith("/public/time") for call in world.link.calls)
    assert measured is (code in ("60004", "60006"))
    world.log_in()
    assert world.events.take() == ["ready"]


async def test_no_answer_to_the_login_means_to_connect_again() -> None:
    world = await World(SWAP).start()
    world.link.open(PRIVATE)
    world.link.clock.advance(6 * SECOND_NS)
    assert world.link.connects == [PRIVATE, PRIVATE]


async def test_a_subscription_that_is_refused_is_tried_again() -> None:
    world = await World(SWAP).start()
    world.link.open(PRIVATE)
    world.link.receive(PRIVATE, {"event": "login", "code": "0"})
    first, *_ = world.frame["args"]
    world.link.receive(PRIVATE, {"event": "subscribe", "arg": first})
    refusal = {"event": "channel-conn-count-error", "channel": "account", "connCount": "20", "connId": "a"}
    world.link.receive(PRIVATE, refusal)
    world.link.clock.advance(2 * SECOND_NS)
    assert [arg["channel"] for arg in world.frame["args"]] == ["account", "positions", "balance_and_position"]
    for arg in world.frame["args"]:
        world.link.receive(PRIVATE, {"event": "subscribe", "arg": arg})
    assert world.events.take() == ["ready"]


async def test_a_session_that_was_logged_out_is_lost_and_logs_in_again() -> None:
    world = await World(SWAP).ready()
    world.link.receive(PRIVATE, {"event": "error", "code": "60011", "msg": "Please log in"})
    (lost,) = world.events.take()
    assert lost.startswith("lost: logged out")
    assert world.frame["op"] == "login"
    with pytest.raises(OrderError):
        world.client.place(order(SWAP))


async def test_an_answer_that_says_so_logs_in_again_as_well() -> None:
    world = await World(SWAP).ready()
    world.client.place(order(SWAP))
    world.answer(code="60011", msg="Please log in")
    report, lost = world.events.take()
    assert (report.kind, report.reason) == (ReportKind.REJECTED, "not sent: Please log in")
    assert lost.startswith("lost: logged out")
    assert world.frame["op"] == "login"
    world.log_in()
    assert world.events.take() == ["ready"]


async def test_the_exchange_announces_that_it_closes_the_connection() -> None:
    world = await World(SWAP).ready()
    world.link.receive(PRIVATE, {"event": "notice", "code": "64008", "msg": "upgrade", "connId": "a"})
    assert world.link.connects == [PRIVATE, PRIVATE]
    assert world.events.take() == ["lost: the private connection broke"]


async def test_pongs_are_understood_and_nonsense_is_not() -> None:
    world = await World(SWAP).ready()
    world.link.receive(PRIVATE, b"pong")
    world.link.receive(PRIVATE, {"event": "channel-conn-count", "channel": "orders", "connCount": "2"})
    assert not world.link.faults
    for frame in (b"", b"{}", b"[]", b"\xff", {"event": "unheard"}, {"arg": {"channel": "x"}, "data": []}):
        world.link.receive(PRIVATE, frame)
    assert len(world.link.faults) == 6
    assert world.link.specs[PRIVATE].ping == b"ping"


async def test_a_connection_that_breaks_leaves_requests_unknown() -> None:
    world = await World(SWAP).ready()
    world.client.place(order(SWAP))
    world.link.close(PRIVATE)
    lost, report = world.events.take()
    assert lost.startswith("lost")
    assert report.kind is ReportKind.UNKNOWN


async def test_a_connection_on_which_nothing_comes_is_replaced() -> None:
    world = await World(SWAP).ready()
    for _ in range(3):
        world.client.place(order(SWAP))
        world.link.clock.advance(2 * SECOND_NS)
    assert world.link.connects == [PRIVATE, PRIVATE]


async def test_nothing_stays_on_the_clock() -> None:
    world = await World(SWAP).ready()
    await world.client.stop()
    world.link.calls.clear()
    world.link.clock.advance(600 * SECOND_NS)
    assert not world.link.calls
