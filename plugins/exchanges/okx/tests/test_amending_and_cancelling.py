"""Changes and cancels of orders, and when they count as done."""

from __future__ import annotations

import pytest

from hft import OrderError, OrderState, Price, Priority, ReportKind, Size

from .trading import PRIVATE, SECOND_NS, SWAP, World, item, order, row


async def test_an_amendment_is_told_by_the_private_channel() -> None:
    world = await World(SWAP).ready()
    changed = order(SWAP, state=OrderState.PENDING_REPLACE)
    world.client.amend(changed, Price(599_990), Size(200))
    assert world.frame["op"] == "amend-order"
    assert world.frame["args"] == [
        {"instIdCode": 10459, "clOrdId": "a1", "newSz": "2.00", "newPx": "59999.0", "cxlOnFail": False}
    ]
    world.answer(item())
    assert world.events.take() == []
    world.push("orders", row(px="59999", sz="2", amendResult="0"))
    report = world.report()
    assert (report.kind, report.price, report.size) == (ReportKind.REPLACED, 599_990, 200)
    changed.state = OrderState.NEW
    world.link.clock.advance(5 * SECOND_NS)
    assert world.events.take() == []


@pytest.mark.parametrize("state", [OrderState.PENDING_REPLACE, OrderState.PENDING_CANCEL])
async def test_a_request_that_was_taken_and_has_no_effect_is_unknown(state: OrderState) -> None:
    world = await World(SWAP).ready()
    changed = order(SWAP, state=state)
    if state is OrderState.PENDING_REPLACE:
        world.client.amend(changed, Price(599_990), Size(200))
    else:
        world.client.cancel(changed)
    world.answer(item())
    world.link.clock.advance(2 * SECOND_NS)
    assert world.report().kind is ReportKind.UNKNOWN


async def test_an_amendment_that_failed() -> None:
    world = await World(SWAP).ready()
    world.push("orders", row(amendResult="-1", code="51511", msg="would take"))
    report = world.report()
    assert (report.kind, report.code, report.reason) == (ReportKind.REPLACE_REJECTED, "51511", "would take")
    world.client.amend(order(SWAP), Price(1), Size(1))
    world.answer(item(code="51509", msg="gone"), code="1")
    assert world.report().kind is ReportKind.REPLACE_REJECTED


async def test_cancelling() -> None:
    world = await World(SWAP).ready()
    world.client.cancel(order(SWAP))
    assert world.frame == {
        "id": "1", "op": "cancel-order", "args": [{"instIdCode": 10459, "clOrdId": "a1"}],
    }  # fmt: skip
    assert (world.link.sends[-1].priority, world.link.sends[-1].costs) == (
        Priority.CANCEL,
        (("cancel BTC-USDT-SWAP", 1),),
    )
    world.answer(item(code="51400", msg="filled, canceled or does not exist"), code="1")
    assert (report := world.report()).kind is ReportKind.CANCEL_REJECTED
    assert report.code == "51400"
    world.client.cancel_batch([order(SWAP), order(SWAP, client_order_id="b1")])
    assert (world.frame["op"], len(world.frame["args"])) == ("batch-cancel-orders", 2)


async def test_cancels_go_by_rest_where_the_connection_is_down() -> None:
    world = await World(SWAP).ready()
    world.link.close(PRIVATE)
    world.events.take()
    world.client.cancel(order(SWAP))
    (call,) = world.link.calls
    assert call.call.shown.endswith("/api/v5/trade/cancel-order")
    assert call.request.body == b'{"instId":"BTC-USDT-SWAP","clOrdId":"a1"}'
    call.answer({"code": "0", "msg": "", "data": [item()]})
    assert world.events.take() == []
    with pytest.raises(OrderError):
        world.client.place(order(SWAP))


async def test_a_cancel_that_waits_for_a_connection_that_breaks_goes_by_rest() -> None:
    world = await World(SWAP).ready()
    world.link.holding = True
    world.client.cancel(order(SWAP))
    world.link.drop("the connection broke")
    assert len(world.link.calls) == 1
