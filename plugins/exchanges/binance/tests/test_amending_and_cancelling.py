"""Changes and cancels of orders, and when they count as done."""

from __future__ import annotations

import pytest

from hft import OrderError, Price, Priority, ReportKind, Size

from .trading import SPOT, USDM, World, order


async def test_cancels_and_amendments_that_are_refused() -> None:
    world = await World(SPOT, USDM).ready()
    world.client.cancel(order(SPOT))
    assert world.link.sends[-1].priority is Priority.CANCEL
    world.refuse(-2011, "Unknown order sent.")
    report = world.report()
    assert (report.kind, report.code) == (ReportKind.CANCEL_REJECTED, "-2011")
    world.client.amend(order(USDM), Price(1), Size(1))
    assert world.link.sends[-1].priority is Priority.AMEND
    world.refuse(-5027, "No need to modify the order.")
    assert world.report().kind is ReportKind.REPLACE_REJECTED
    with pytest.raises(OrderError, match="smaller size"):
        world.client.amend(order(SPOT), Price(1), Size(1))


async def test_a_futures_amendment_that_ends_the_order() -> None:
    world = await World(USDM).ready()
    world.client.amend(order(USDM), Price(600_001), Size(3))
    answer = {
        "orderId": 8,
        "status": "CANCELED",
        "price": "60000.0",
        "origQty": "0.010",
        "executedQty": "0.004",
    }
    world.answer(answer)
    report = world.report()
    assert (report.kind, report.filled) == (ReportKind.CANCELED, 4)
