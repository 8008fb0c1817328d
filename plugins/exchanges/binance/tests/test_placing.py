"""New orders, one by one and in batches, and what their answers prove."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from hft import (
    Fill,
    Liquidity,
    OrderEntry,
    OrderError,
    OrderReport,
    OrderType,
    Price,
    Priority,
    ReportKind,
    Size,
    TimeInForce,
)
from hft_binance.config import SelfTradePrevention

from .trading import SECOND_NS, SPOT, USDM, World, order


async def test_placing_over_the_websocket_and_what_the_answer_tells() -> None:
    world = await World(SPOT).ready()
    world.client.place(order(SPOT))
    assert world.frame["method"] == "order.place"
    assert world.link.sends[-1].priority is Priority.NEW
    world.answer(
        {
            "symbol": "BTCUSDT",
            "orderId": 28,
            "clientOrderId": "a1",
            "transactTime": 1790000000123,
            "price": "60000.00",
            "origQty": "0.010",
            "executedQty": "0.004",
            "status": "PARTIALLY_FILLED",
            "side": "BUY",
            "type": "LIMIT",
            "fills": [
                {
                    "price": "60000.00",
                    "qty": "0.004",
                    "commission": "0.000004",
                    "commissionAsset": "BTC",
                    "tradeId": 56,
                }
            ],
        }
    )
    fill, report = world.events.take()
    assert isinstance(fill, Fill)
    assert (fill.trade_id, fill.size, fill.price, fill.fee, fill.fee_asset) == (
        "56",
        4,
        600_000,
        Decimal("0.000004"),
        "BTC",
    )
    assert fill.liquidity is Liquidity.TAKER
    assert report.kind is ReportKind.ACCEPTED
    assert (report.exchange_order_id, report.filled, report.exchange_ns) == ("28", 4, 1790000000123000000)


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        (-2010, 400, ReportKind.REJECTED),
        (-1013, 400, ReportKind.REJECTED),
        (-1003, 429, ReportKind.REJECTED),
        (-1021, 400, ReportKind.REJECTED),
        (-1000, 400, ReportKind.UNKNOWN),
        (-1001, 500, ReportKind.UNKNOWN),
        (-1006, 500, ReportKind.UNKNOWN),
        (-1007, 408, ReportKind.UNKNOWN),
        (-1008, 503, ReportKind.UNKNOWN),
        (0, 502, ReportKind.UNKNOWN),
    ],
)
async def test_what_a_refused_order_proves(code: int, status: int, kind: ReportKind) -> None:
    world = await World(SPOT).ready()
    world.client.place(order(SPOT))
    world.refuse(code, "why", status)
    report = world.report()
    assert report.kind is kind
    assert report.code == (str(code) if code else "")


async def test_an_order_without_an_answer_is_unknown_and_a_late_answer_still_counts() -> None:
    world = await World(SPOT).ready()
    world.client.place(order(SPOT))
    world.link.clock.advance(2 * SECOND_NS)
    assert world.report().kind is ReportKind.UNKNOWN
    world.answer({"orderId": 28, "clientOrderId": "a1", "transactTime": 1790000000123})
    assert world.report().kind is ReportKind.ACCEPTED


async def test_what_the_limits_or_the_link_keep_back_is_not_sent() -> None:
    world = await World(SPOT).ready()
    world.link.refusal = "too much waits"
    with pytest.raises(OrderError, match="too much waits"):
        world.client.place(order(SPOT))
    world.link.refusal = ""
    world.link.holding = True
    world.client.place(order(SPOT))
    assert world.link.sends[-1].deadline_ns == world.link.clock.now_ns() + SECOND_NS
    world.link.drop("its turn did not come")
    report = world.report()
    assert report.kind is ReportKind.REJECTED
    assert report.reason == "not sent: its turn did not come"
    world.client.cancel(order(SPOT))
    world.link.drop("the connection broke")
    assert [call.call.method for call in world.link.calls] == ["DELETE"]
    world.link.clock.advance(60 * SECOND_NS)
    assert [each for each in world.events.take() if not isinstance(each, str)] == []


async def test_what_had_to_wait_is_not_sent_when_nobody_wants_it_any_more() -> None:
    world = await World(SPOT, USDM).ready()
    world.link.holding = True
    world.client.place(order(SPOT))
    world.client.amend(order(USDM), Price(600_001), Size(10))
    world.client.cancel(order(SPOT, client_order_id="a2"))
    world.events.unwanted = "book: it is STALE"
    world.link.release()
    assert [send.json["method"] for send in world.link.sends] == ["order.cancel"]
    placed, amended = world.events.take()
    assert (placed.kind, placed.reason) == (ReportKind.REJECTED, "not sent: book: it is STALE")
    assert (amended.kind, amended.reason) == (ReportKind.REPLACE_REJECTED, "not sent: book: it is STALE")
    world.link.clock.advance(60 * SECOND_NS)
    assert [type(each) for each in world.events.take()] == [OrderReport]  # of the cancel without answer


async def test_by_rest_what_nobody_wants_any_more_is_not_sent_either() -> None:
    world = await World(SPOT, USDM, order_entry=OrderEntry.REST).ready()
    world.events.unwanted = "halted"
    world.client.place(order(SPOT))
    assert (world.report().kind, world.link.calls) == (ReportKind.REJECTED, [])
    world.client.place_batch([order(USDM), order(USDM, client_order_id="a2")])
    assert [each.reason for each in world.events.take()] == ["not sent: halted"] * 2
    assert world.link.calls == []
    world.client.cancel(order(SPOT))
    assert [call.call.method for call in world.link.calls] == ["DELETE"]


@pytest.mark.parametrize(
    ("code", "msg", "kind", "reason"),
    [
        (-1008, "Request throttled.", ReportKind.REJECTED, "not sent: Request throttled."),
        (-4116, "ClientOrderId is duplicated.", ReportKind.UNKNOWN, "ClientOrderId is duplicated."),
        (-5022, "Post Only", ReportKind.REJECTED, "Post Only"),
        (-5028, "Timestamp", ReportKind.REJECTED, "not sent: Timestamp"),
    ],
)
async def test_what_futures_refuse(code: int, msg: str, kind: ReportKind, reason: str) -> None:
    world = await World(USDM).ready()
    world.client.place(order(USDM))
    world.refuse(code, msg, 503 if code == -1008 else 400)
    report = world.report()
    assert (report.kind, report.reason) == (kind, reason)


async def test_a_duplicate_id_on_spot_proves_nothing() -> None:
    world = await World(SPOT).ready()
    world.client.place(order(SPOT))
    world.refuse(-2010, "Duplicate order sent.")
    assert world.report().kind is ReportKind.UNKNOWN


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (503, "<html>", ReportKind.UNKNOWN),
        (400, "<html>", ReportKind.UNKNOWN),
        (403, "<html>", ReportKind.REJECTED),
        (404, "", ReportKind.REJECTED),
        (400, {"code": -1013, "msg": "Filter failure: NOTIONAL"}, ReportKind.REJECTED),
        (200, "{", ReportKind.UNKNOWN),
        (200, {"orderId": 1, "status": "NEVER_HEARD_OF"}, ReportKind.UNKNOWN),
        (200, {"orderId": 1, "status": "NEW", "executedQty": "0.0001"}, ReportKind.UNKNOWN),
    ],
)
async def test_answers_to_an_order_by_rest(status: int, body: Any, kind: ReportKind) -> None:
    world = await World(SPOT, order_entry=OrderEntry.REST).ready()
    world.client.place(order(SPOT))
    (call,) = world.link.calls
    call.answer(body, status)
    assert world.report().kind is kind
    assert len(world.link.faults) == (status == 200)


async def test_an_order_by_rest_without_an_answer() -> None:
    world = await World(SPOT, order_entry=OrderEntry.REST).ready()
    for sent, kind in ((None, ReportKind.UNKNOWN), (True, ReportKind.UNKNOWN), (False, ReportKind.REJECTED)):
        world.client.place(order(SPOT))
        world.link.calls[-1].fail("cut", sent=sent)
        report = world.report()
        assert report.kind is kind
        assert report.reason == ("not sent: cut" if sent is False else "cut")
    world.client.cancel(order(SPOT))
    world.link.calls[-1].fail("cut")
    assert world.report().kind is ReportKind.UNKNOWN
    world.client.cancel(order(SPOT))
    world.link.calls[-1].fail("cut", sent=False)
    assert world.report().kind is ReportKind.CANCEL_REJECTED


async def test_a_batch_tells_of_each_of_its_orders() -> None:
    world = await World(USDM, self_trade_prevention=SelfTradePrevention.EXPIRE_TAKER).ready()
    orders = [order(USDM, client_order_id=name) for name in ("a1", "a2")]
    world.client.place_batch(orders)
    (call,) = world.link.calls
    query = dict(parse_qsl(urlsplit(call.request.url).query))
    assert '"selfTradePreventionMode":"EXPIRE_TAKER"' in query["batchOrders"]
    call.answer([{"orderId": 1, "status": "NEW"}, {"code": -4164, "msg": "notional"}])
    first, second = world.events.take()
    assert (first.client_order_id, first.kind) == ("a1", ReportKind.ACCEPTED)
    assert (second.client_order_id, second.kind, second.code) == ("a2", ReportKind.REJECTED, "-4164")
    world.client.cancel_batch(orders)
    world.link.calls[-1].answer([{"orderId": 1, "status": "CANCELED"}])
    assert [each.kind for each in world.events.take()] == [ReportKind.UNKNOWN] * 2
    stop = order(USDM, type=OrderType.STOP_MARKET, price=None, trigger_price=Price(1))
    with pytest.raises(OrderError, match="stops cannot be placed in batches"):
        world.client.place_batch([orders[0], stop])


async def test_capabilities_differ_by_product() -> None:
    world = World(SPOT, USDM)
    spot, usdm = (world.client.capabilities_of(each) for each in (SPOT, USDM))
    assert (spot.amend, spot.amend_reduces, spot.batch, spot.dead_man) == (False, True, 1, False)
    assert (usdm.amend, usdm.batch, usdm.cancel_batch, usdm.dead_man) == (True, 5, 10, True)
    assert TimeInForce.GTD in usdm.times_in_force
    assert TimeInForce.GTD not in spot.times_in_force
    # 5 s until it is too old, 1 s of waiting before, 1 s that our clock may be off.
    assert spot.request_validity_ns == usdm.request_validity_ns == 7 * SECOND_NS
