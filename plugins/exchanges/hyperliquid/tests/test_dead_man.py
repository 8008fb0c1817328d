"""The dead man's switch."""

from __future__ import annotations

import json

from .trading import START_MS, S, World


async def test_the_dead_mans_switch() -> None:
    world = await World().ready()
    world.client.arm_dead_man(60 * S)
    world.client.arm_dead_man(S)
    world.client.arm_dead_man(0)
    actions = [json.loads(call.request.body)["action"] for call in world.link.calls]
    assert actions == [
        {"type": "scheduleCancel", "time": START_MS + 60_000},
        {"type": "scheduleCancel", "time": START_MS + 6_000},
        {"type": "scheduleCancel"},
    ]
    world.link.calls[0].answer({"status": "ok", "response": {"type": "default"}})
    assert not world.link.warnings
    text = "Cannot set scheduled cancel time until enough volume traded. Required: $1000000. Traded: $3."
    world.link.calls[1].answer({"status": "err", "response": text})
    assert "enough volume" in world.link.warnings[0]
