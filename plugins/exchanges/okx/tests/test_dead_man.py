"""The dead man's switch."""

from __future__ import annotations

import pytest

from .trading import SECOND_NS, SWAP, World, ok


@pytest.mark.parametrize(
    ("timeout_ns", "tag", "body"),
    [
        (60 * SECOND_NS, "", b'{"timeOut":"60"}'),
        (1_500_000_000, "", b'{"timeOut":"10"}'),
        (500 * SECOND_NS, "maker1", b'{"timeOut":"120","tag":"maker1"}'),
        (0, "", b'{"timeOut":"0"}'),
    ],
)
async def test_the_dead_mans_switch(timeout_ns: int, tag: str, body: bytes) -> None:
    world = await World(SWAP, tag=tag).start()
    world.client.arm_dead_man(timeout_ns)
    call = world.link.calls.pop()
    assert (call.call.shown, call.request.body) == ("openapi.okx.com/api/v5/trade/cancel-all-after", body)
    call.answer(ok({"triggerTime": "1", "ts": "1"}))
    assert not world.link.warnings
    world.client.arm_dead_man(timeout_ns)
    world.link.calls.pop().answer({"code": "51071", "msg": "", "data": []})
    assert "51071" in world.link.warnings[-1]
