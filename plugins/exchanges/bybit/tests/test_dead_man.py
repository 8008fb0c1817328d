"""The dead man's switch."""

from __future__ import annotations

import json

import pytest

from .trading import LINEAR, PRIVATE, SECOND_NS, SPOT, World, ok, refused


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
