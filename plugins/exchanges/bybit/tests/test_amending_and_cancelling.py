"""Changes and cancels of orders, and when they count as done."""

from __future__ import annotations

import json

import pytest

from hft import Price, ReportKind, Size

from .trading import SECOND_NS, World, order, told


async def test_a_cancel_that_waited_for_a_broken_connection_goes_the_other_way() -> None:
    world = await World().ready()
    world.link.holding = True
    world.client.cancel(order())
    world.link.drop("the connection broke")
    assert world.call.request.url.endswith("/v5/order/cancel")
    assert json.loads(world.call.request.body) == {
        "category": "linear",
        "symbol": "BTCUSDT",
        "orderLinkId": "a1",
    }


@pytest.mark.parametrize("stream_first", [False, True])
async def test_an_amendment_is_done_when_the_stream_says_so(stream_first: bool) -> None:
    world = await World().ready()
    world.client.place(order())
    world.answer()
    world.tell("order", told())
    world.events.take()
    world.client.amend(order(), Price(600_001), Size(12))
    assert (world.frame["op"], world.asked["price"], world.asked["qty"]) == (
        "order.amend",
        "60000.1",
        "0.012",
    )
    changed = told(price="60000.1", qty="0.012")
    if not stream_first:
        world.answer()
        assert world.events.take() == []
    world.tell("order", told(cumExecQty="0.001", orderStatus="PartiallyFilled"))
    assert world.report().kind is ReportKind.ACCEPTED, "of before"
    world.tell("order", changed)
    report = world.report()
    assert (report.kind, report.price, report.size) == (ReportKind.REPLACED, 600_001, 12)
    if stream_first:
        world.answer()
    world.link.clock.advance(60 * SECOND_NS)
    assert world.events.take() == []


async def test_an_amendment_or_cancel_that_is_taken_and_not_heard_of_is_unknown() -> None:
    world = await World().ready()
    world.client.amend(order(), Price(600_001), Size(12))
    world.answer()
    world.link.clock.advance(2 * SECOND_NS)
    assert world.report().kind is ReportKind.UNKNOWN
    world.client.cancel(order())
    world.answer()
    world.link.clock.advance(2 * SECOND_NS)
    assert world.report().kind is ReportKind.UNKNOWN


async def test_what_is_refused_is_not_waited_for() -> None:
    world = await World().ready()
    world.client.cancel(order())
    world.answer()
    world.client.cancel(order())
    world.answer({}, code=110001, message="order not exists or too late to cancel")
    assert world.report().kind is ReportKind.CANCEL_REJECTED
    world.link.clock.advance(2 * SECOND_NS)
    assert world.events.take() == []


async def test_somebody_else_s_amendment_is_told_as_well() -> None:
    world = await World().ready()
    world.tell("order", told())
    world.tell("order", told(qty="0.005"))
    first, second = world.events.take()
    assert (first.kind, second.kind, second.size) == (ReportKind.ACCEPTED, ReportKind.REPLACED, 5)


@pytest.mark.parametrize("code", [110001, 110008, 110010, 170139, 170142, 170191, 170213, 110079])
async def test_refused_cancels_and_amendments(code: int) -> None:
    world = await World().ready()
    world.client.cancel(order())
    world.answer({}, code=code, message="order not exists or too late to cancel")
    assert world.report().kind is ReportKind.CANCEL_REJECTED
    world.client.amend(order(), Price(600_001), Size(12))
    world.answer({}, code=code, message="order not exists or too late to cancel")
    assert world.report().kind is ReportKind.REPLACE_REJECTED


async def test_a_cancel_is_done_when_the_stream_says_so() -> None:
    world = await World().ready()
    world.client.cancel(order())
    assert (world.frame["op"], world.link.sends[-1].deadline_ns) == ("order.cancel", 0)
    world.answer()
    assert world.events.take() == []
    world.tell("order", told(orderStatus="Cancelled", cancelType="CancelByUser", cumExecQty="0.003"))
    report = world.report()
    assert (report.kind, report.filled, report.reason) == (ReportKind.CANCELED, 3, "")
    world.link.clock.advance(60 * SECOND_NS)
    assert world.events.take() == []
