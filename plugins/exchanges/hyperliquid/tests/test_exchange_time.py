"""The exchange's time: measured, used, and measured anew where it was refused."""

from __future__ import annotations

import pytest

from .trading import START_MS, S, World, infos, order


async def test_requests_carry_the_exchanges_time() -> None:
    world = World()
    world.link.infos["clearinghouseState"] = infos()["clearinghouseState"] | {"time": START_MS - 90_000}
    await world.ready()
    assert "90.000 s ahead of the exchange's" in world.link.warnings[0]
    world.client.place(order())
    assert world.payload["nonce"] == START_MS - 90_000
    assert world.payload["expiresAfter"] == START_MS - 85_000


async def test_a_clock_that_was_set_is_measured_anew() -> None:
    world = await World().ready()
    world.client.place(order())
    world.refuse("Action already expired")
    (call,) = world.link.calls
    hour = 3_600_000
    call.answer(infos()["clearinghouseState"] | {"time": START_MS + hour})
    world.client.place(order())
    assert world.payload["nonce"] == START_MS + hour


@pytest.mark.parametrize("time", [10**30, 250_000_000_000_000, -1])
async def test_a_time_that_nothing_can_be_signed_with_is_not_taken(time: int) -> None:
    world = await World().ready()
    world.link.clock.advance(60 * S)
    world.link.calls[-1].answer(infos()["clearinghouseState"] | {"time": time})
    assert [conn for conn, _, _ in world.link.faults] == ["time of the exchange"]
    world.client.place(order())
    assert world.payload["nonce"] == START_MS + 60_000
