"""The limits of addresses, accounts and connections."""

from __future__ import annotations

import json

import pytest

from hft import OrderError
from hft_hyperliquid import limits

from .trading import ACCOUNT, S, World, order


async def test_there_are_at_most_a_hundred_requests_without_an_answer() -> None:
    world = await World().ready()
    for number in range(limits.MAX_POSTS):
        world.client.place(order(client_order_id=f"b{number}"))
    with pytest.raises(OrderError, match="without an answer"):
        world.client.place(order())
    # A cancel must get out: it takes the other way.
    world.client.cancel(order())
    assert len(world.link.calls) == 1


async def test_the_budget_of_actions_is_followed() -> None:
    world = await World().start()
    (call,) = world.link.calls
    assert json.loads(call.request.body) == {"type": "userRateLimit", "user": ACCOUNT}
    call.answer({"cumVlm": "1", "nRequestsUsed": 10_000, "nRequestsCap": 10_000, "nRequestsSurplus": 0})
    assert world.link.limits == {limits.ACTIONS: 1}
    assert "0 of 10000 actions are left" in world.link.warnings[0]
    world.link.clock.advance(60 * S)
    (call,) = [each for each in world.link.calls[1:] if b"userRateLimit" in each.request.body]
    call.answer({"cumVlm": "1", "nRequestsUsed": 10_000, "nRequestsCap": 19_000})
    assert world.link.limits == {limits.ACTIONS: limits.ACTIONS_PER_WINDOW}
    await world.client.stop()
    asked = len(world.link.calls)
    world.link.clock.advance(600 * S)
    assert len(world.link.calls) == asked


def test_every_cost_is_a_published_limit() -> None:
    published = {limit.name for limit in (*limits.RATE_LIMITS, *limits.ORDER_LIMITS)}
    for over_socket in (True, False):
        for cancels in (True, False):
            costs = limits.action_costs(41, over_socket=over_socket, cancels=cancels)
            assert {name for name, _ in costs} <= published
            assert dict(costs)["weight"] == 2
