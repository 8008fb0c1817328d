"""The dead man's switch."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from .trading import SECOND_NS, SPOT, USDM, World


async def test_the_dead_man_s_switch_is_set_for_each_symbol() -> None:
    world = await World(SPOT, USDM).ready()
    world.client.arm_dead_man(30 * SECOND_NS)
    (call,) = world.link.calls
    query = dict(parse_qsl(urlsplit(call.request.url).query))
    assert (query["symbol"], query["countdownTime"]) == ("BTCUSDT", "30000")
    call.answer({}, 500)
    assert "dead man's switch of BTCUSDT was not set" in world.link.warnings[-1]
