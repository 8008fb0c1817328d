"""The exchange's time: measured, used, and measured anew where it was refused."""

from __future__ import annotations

from collections import deque

from .trading import START_NS, SWAP, World, account, ok, order


async def test_the_exchanges_time_is_used() -> None:
    world = World(SWAP)
    world.link.answers["GET /api/v5/public/time"] = ok({"ts": str(START_NS // 1_000_000 + 7_000)})
    await world.ready()
    world.client.place(order(SWAP))
    assert world.frame["expTime"] == str(START_NS // 1_000_000 + 12_000)
    assert any("behind" in line for line in world.link.warnings)


async def test_a_wrong_time_is_measured_again_and_the_question_repeated() -> None:
    refused = {"code": "50102", "msg": "Timestamp request expired", "data": []}
    world = World(SWAP, config=deque([refused, account()]))
    await world.start()
    assert [url.rpartition("/")[2] for _, url in world.link.fetched][:4] == [
        "time",
        "config",
        "time",
        "config",
    ]
