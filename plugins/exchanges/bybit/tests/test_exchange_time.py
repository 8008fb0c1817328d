"""The exchange's time: measured, used, and measured anew where it was refused."""

from __future__ import annotations

from collections import deque

from .trading import RIGHTS, SECOND_NS, START_MS, START_NS, World, ok, order, refused


async def test_the_exchange_s_time_goes_into_every_request() -> None:
    world = World()
    world.link.answers["GET /v5/market/time"] = ok({"timeNano": str(START_NS + 7 * SECOND_NS)})
    await world.ready()
    assert any("7.000 s behind" in warning for warning in world.link.warnings)
    world.client.place(order())
    assert world.frame["header"]["X-BAPI-TIMESTAMP"] == str(START_MS + 7_000)
    world.link.clock.advance(60 * SECOND_NS)
    time = next(call for call in world.link.calls if call.request.url.endswith("/time"))
    time.answer(ok({"timeNano": str(world.link.clock.now_ns())}))
    world.client.cancel(order())
    assert world.frame["header"]["X-BAPI-TIMESTAMP"] == str(START_MS + 60_000), "the newest of equals counts"


async def test_a_time_that_is_refused_is_measured_and_the_question_put_again() -> None:
    world = World()
    world.link.answers["GET /v5/user/query-api"] = deque(
        [refused(10002, "invalid request, please check your server timestamp"), ok({"permissions": RIGHTS})]
    )
    await world.start()
    paths = [url.partition("/v5")[2] for _, url in world.link.fetched]
    assert paths[:4] == ["/market/time", "/user/query-api", "/market/time", "/user/query-api"]
