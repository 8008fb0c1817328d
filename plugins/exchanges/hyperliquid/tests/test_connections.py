"""Connecting, logging in and subscribing, and what is lost with a connection."""

from __future__ import annotations

import pytest

from hft import OrderError

from .trading import ACCOUNT, CONN, S, World, order


async def test_it_is_ready_when_every_feed_is_subscribed_to() -> None:
    world = await World().start()
    assert [asked["type"] for asked in world.link.asked] == [
        "meta",
        "spotMeta",
        "userRole",
        "clearinghouseState",
        "extraAgents",
    ]
    world.link.open(CONN)
    wanted = [send.json["subscription"] for send in world.link.sends]
    assert wanted[:3] == [
        {"type": feed, "user": ACCOUNT} for feed in ("orderUpdates", "userFills", "userFundings")
    ]
    assert wanted[3:] == [{"type": "bbo", "coin": "ETH"}, {"type": "bbo", "coin": "@107"}]
    with pytest.raises(OrderError, match="down"):
        world.client.place(order())
    for subscription in wanted[:3]:
        assert world.events.take() == []
        echoed = {**subscription, "user": subscription["user"].upper().replace("X", "x")}
        data = {"method": "subscribe", "subscription": echoed}
        world.link.receive(CONN, {"channel": "subscriptionResponse", "data": data})
    assert world.events.take() == ["ready"]
    world.link.close(CONN)
    assert world.events.take() == ["lost: the account's connection broke"]


async def test_subscriptions_that_are_not_acknowledged_are_made_anew() -> None:
    world = await World().start()
    world.link.open(CONN)
    world.link.clock.advance(20 * S)
    assert len(world.link.connects) > 1
    assert "orderUpdates" in world.link.warnings[0]
