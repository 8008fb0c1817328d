"""The exchange's time: measured, used, and measured anew where it was refused."""

from __future__ import annotations

from hft import ReportKind

from .trading import SECOND_NS, SPOT, START_NS, World, order


async def test_an_order_that_waited_bears_the_time_of_its_sending() -> None:
    world = await World(SPOT).ready()
    world.link.holding = True
    world.client.place(order(SPOT))
    world.link.clock.advance(SECOND_NS // 2)
    world.link.release()
    assert world.frame["params"]["timestamp"] == (START_NS + SECOND_NS // 2) // 1_000_000
    world.link.clock.advance(2 * SECOND_NS - 1)
    assert world.events.take() == [], "its answer is waited for from then on"
    world.link.clock.advance(1)
    assert world.report().kind is ReportKind.UNKNOWN


async def test_a_refused_time_is_measured_anew_and_used() -> None:
    world = await World(SPOT).ready()
    world.client.place(order(SPOT))
    before = world.frame["params"]["timestamp"]
    world.refuse(-1021, "Timestamp for this request is outside of the recvWindow.")
    report = world.report()
    assert report.kind is ReportKind.REJECTED
    assert report.reason.startswith("not sent: ")
    (call,) = world.link.calls
    assert call.call.shown == "api.binance.com/api/v3/time"
    call.answer({"serverTime": before + 7_000})
    world.client.place(order(SPOT, client_order_id="a2"))
    assert world.frame["params"]["timestamp"] == before + 7_000
