"""Changes and cancels of orders, and when they count as done."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hft import Price, ReportKind, Size
from hft_hyperliquid.cloid import cloid_of

from .trading import CONN, PERP, START_MS, S, World, listed, order


async def test_a_cancel_is_told_by_the_feed_which_knows_how_much_had_traded() -> None:
    world = await World().ready()
    world.client.cancel(order(exchange_order_id="77"))
    assert world.action == {"type": "cancelByCloid", "cancels": [{"asset": 1, "cloid": cloid_of("a1")}]}
    assert dict(world.link.sends[-1].costs) == {"weight": 1, "messages": 1}
    world.answer("success", kind="cancel")
    assert world.events.take() == []
    world.update("canceled", sz="0.03")
    report = world.report()
    assert (report.kind, report.filled, report.reason) == (ReportKind.CANCELED, 200, "")


async def test_a_cancel_that_the_feed_does_not_tell_of_is_asked_about() -> None:
    world = await World().ready()
    world.client.cancel(order())
    world.answer("success", kind="cancel")
    world.link.clock.advance(3 * S)
    assert world.report().kind is ReportKind.UNKNOWN


async def test_a_cancel_that_is_refused_or_finds_no_way() -> None:
    world = await World().ready()
    world.client.cancel_batch([order(), order(client_order_id="a2")])
    text = "Order was never placed, already canceled, or filled. asset=1"
    world.answer("success", {"error": text}, kind="cancel")
    report = world.report()
    assert (report.client_order_id, report.kind, report.reason) == ("a2", ReportKind.CANCEL_REJECTED, text)
    world.link.close(CONN)
    world.events.take()
    world.client.cancel(order())
    (call,) = world.link.calls
    assert json.loads(call.request.body)["action"]["type"] == "cancelByCloid"
    call.fail(sent=False)
    assert world.report().kind is ReportKind.CANCEL_REJECTED


async def modifying(**changes: Any) -> World:
    world = await World(modify=True).ready()
    assert world.client.capabilities_of(PERP).amend
    world.client.amend(order(exchange_order_id="77", **changes), Price(301_300), Size(600))
    return world


async def test_a_modification_leaves_out_what_has_traded() -> None:
    world = await modifying(filled=Size(200))
    (modify,) = world.action["modifies"]
    assert world.action["type"] == "batchModify"
    assert modify["oid"] == modify["order"]["c"] == cloid_of("a1")
    assert (modify["order"]["p"], modify["order"]["s"]) == ("3013", "0.04")


@pytest.mark.parametrize("end_first", [True, False])
async def test_what_traded_before_the_change_adds_up(end_first: bool) -> None:
    world = await modifying(filled=Size(100))
    steps = [
        lambda: world.update("canceled", sz="0.03"),  # one lot more had traded meanwhile
        lambda: world.answer({"resting": {"oid": 78}}, kind="order"),
    ]
    for step in steps if end_first else reversed(steps):
        assert world.events.take() == []
        step()
    report = world.report()
    assert (report.kind, report.exchange_order_id, report.price) == (ReportKind.REPLACED, "78", 301_300)
    assert (report.size, report.filled) == (200 + 500, 200)
    world.update("open", oid=78, origSz="0.05", sz="0.04")
    assert world.report().filled == 200 + 100
    world.update("canceled", oid=78, origSz="0.05", sz="0.01")
    report = world.report()
    assert (report.kind, report.filled) == (ReportKind.CANCELED, 200 + 400)


async def test_a_change_of_which_too_little_is_told_is_asked_about() -> None:
    world = await modifying()
    world.answer({"resting": {"oid": 78}})
    world.link.clock.advance(3 * S)
    assert world.report().kind is ReportKind.UNKNOWN


async def test_a_modification_that_lost_the_race() -> None:
    world = await modifying()
    world.update("filled", sz="0.0")
    report = world.report()
    assert (report.kind, report.filled) == (ReportKind.ACCEPTED, 500)
    world.answer({"error": "Cannot modify canceled or filled order"})
    assert world.report().kind is ReportKind.REPLACE_REJECTED
    world = await modifying()
    world.update("canceled", sz="0.04")
    world.answer({"error": "Cannot modify canceled or filled order"})
    told = world.events.take()
    assert [(each.kind, each.filled) for each in told] == [
        (ReportKind.REPLACE_REJECTED, None),
        (ReportKind.CANCELED, 100),
    ]


async def test_without_it_the_kernel_cancels_and_places() -> None:
    world = await World().ready()
    assert not world.client.capabilities_of(PERP).amend


async def test_a_modification_that_is_carried_out_after_all_is_found_out() -> None:
    world = await modifying()
    world.link.clock.advance(3 * S)
    assert world.report().kind is ReportKind.UNKNOWN
    # It is asked about too early: the exchange has not got to it.
    status = {"order": listed(sz="0.05"), "status": "open", "statusTimestamp": START_MS}
    world.link.infos["orderStatus"] = {"status": "order", "order": status}
    asked = order(exchange_order_id="77")
    world.client.query(asked)
    await world.link.work()
    assert world.report().kind is ReportKind.ACCEPTED
    # Now it does: that the earlier one is cancelled ends nothing.
    status["order"] = listed(oid=78, sz="0.06", origSz="0.06", limitPx="3013.0")
    world.update("canceled")
    await world.link.work()
    report = world.report()
    assert (report.kind, report.exchange_order_id) == (ReportKind.REPLACED, "78")
    assert (report.price, report.size) == (301_300, 600)
