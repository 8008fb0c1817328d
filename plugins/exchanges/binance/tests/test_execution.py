"""Trading by both products' rules, against a network that the test plays."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from hft import (
    ApprovedOrder,
    BalanceReport,
    Fill,
    Instrument,
    InstrumentId,
    InstrumentKind,
    Liquidity,
    Order,
    OrderEntry,
    OrderError,
    OrderReport,
    OrderType,
    PositionReport,
    PositionSide,
    Price,
    Priority,
    ReportKind,
    Secret,
    Side,
    Size,
    TimeInForce,
    TransportError,
)
from hft.testing.link import FakeLink, NotedEvents
from hft_binance import BinanceExecution, Config
from hft_binance.config import SelfTradePrevention, UserStream

START_NS = 1_790_000_000_000_000_000
SECOND_NS = 1_000_000_000
KEY, SECRET = "vectorApiKey0123456789ABCDEFabcdef", "vectorSecret0123456789abcdef"
PEM = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f
-----END PRIVATE KEY-----"""

SPOT_ORDERS = "wss://ws-api.binance.com:443/ws-api/v3#orders"
SPOT_USER = "wss://ws-api.binance.com:443/ws-api/v3#user"
USDM_ORDERS = "wss://ws-fapi.binance.com/ws-fapi/v1#orders"
USDM_USER = "wss://fstream.binance.com/private/ws#usdm-user"


def instrument(kind: InstrumentKind) -> Instrument:
    spot = kind is InstrumentKind.SPOT
    return Instrument(
        id=InstrumentId("BTC/USDT" if spot else "BTC/USDT:USDT", "binance"),
        native_symbol="BTCUSDT",
        kind=kind,
        base="BTC",
        quote="USDT",
        settle="USDT",
        tick_size=Decimal("0.1"),
        lot_size=Decimal("0.001"),
    )


SPOT, USDM = instrument(InstrumentKind.SPOT), instrument(InstrumentKind.PERPETUAL)


def order(traded: Instrument, **changes: Any) -> ApprovedOrder:
    values: dict[str, Any] = {
        "client_order_id": "a1",
        "strategy": "s",
        "side": Side.BUY,
        "size": Size(10),
        "price": Price(600_000),
    }
    return ApprovedOrder(Order(instrument=traded, **(values | changes)))


def answers(link: FakeLink) -> dict[str, Any]:
    now_ms = link.clock.now_ns() // 1_000_000
    return {
        "GET /api/v3/time": {"serverTime": now_ms},
        "GET /fapi/v1/time": {"serverTime": now_ms},
        "GET /api/v3/exchangeInfo": {
            "rateLimits": [
                {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
                {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 61000},
            ]
        },
        "GET /fapi/v1/exchangeInfo": {"rateLimits": []},
        "GET /sapi/v1/account/apiRestrictions": {
            "enableWithdrawals": False,
            "enableSpotAndMarginTrading": True,
            "enableFutures": True,
        },
        "GET /api/v3/account": {"canTrade": True, "balances": [], "updateTime": 0},
        "GET /fapi/v1/accountConfig": {
            "canTrade": True,
            "dualSidePosition": False,
            "multiAssetsMargin": False,
        },
    }


class World:
    """A client that was started, on a network of which everything is known."""

    def __init__(self, *instruments: Instrument, environment: str = "mainnet", **options: Any) -> None:
        self.link = FakeLink("binance", environment=environment, start_ns=START_NS)
        self.link.answers = answers(self.link)
        self.events = NotedEvents()
        self.instruments = instruments
        config = Config(**({"key": Secret(KEY), "secret": Secret(SECRET)} | options))
        self.client = BinanceExecution(config, self.events, self.link)
        self.link.client = self.client

    async def start(self) -> World:
        await self.client.start(self.instruments)
        return self

    async def ready(self) -> World:
        await self.start()
        for call in self.link.calls:
            if call.call.method == "POST":
                call.answer({"listenKey": "listenKeyOfTheTest"})
        for conn in list(self.link.specs):
            self.link.open(conn)
        for send in self.link.sends:
            self.link.receive(send.conn, {"id": send.json["id"], "status": 200, "result": {}})
        assert self.events.take() == ["ready"]
        self.link.sends.clear()
        self.link.calls.clear()
        return self

    @property
    def frame(self) -> Any:
        """The frame that was sent last."""
        return self.link.sends[-1].json

    def answer(self, result: Any, conn: str = "") -> None:
        """Answer the last frame."""
        send = self.link.sends[-1]
        self.link.receive(conn or send.conn, {"id": send.json["id"], "status": 200, "result": result})

    def refuse(self, code: int, msg: str, status: int = 400) -> None:
        """Refuse the last frame."""
        send = self.link.sends[-1]
        error = {"code": code, "msg": msg}
        self.link.receive(send.conn, {"id": send.json["id"], "status": status, "error": error})

    def report(self) -> OrderReport:
        """The only thing that was told."""
        (report,) = self.events.take()
        assert isinstance(report, OrderReport)
        return report


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


async def test_a_connection_that_brings_nothing_although_it_is_asked_is_replaced() -> None:
    world = await World(SPOT).ready()
    world.link.connects.clear()
    for number in range(4):
        world.client.place(order(SPOT, client_order_id=f"a{number}"))
        world.link.clock.advance(SECOND_NS)
    world.answer({"orderId": 28, "clientOrderId": "a3", "transactTime": 1790000000123})
    for number in range(4, 10):
        assert world.link.connects == [], "it is alive, or silent for not long enough"
        world.client.place(order(SPOT, client_order_id=f"a{number}"))
        world.link.clock.advance(SECOND_NS)
    assert world.link.connects == [SPOT_ORDERS]
    world.link.open(SPOT_ORDERS)
    world.client.place(order(SPOT, client_order_id="b1"))
    world.link.clock.advance(2 * SECOND_NS)
    assert world.link.connects == [SPOT_ORDERS]


async def test_a_broken_connection_leaves_everything_on_it_unknown() -> None:
    world = await World(SPOT).ready()
    world.client.place(order(SPOT))
    world.client.cancel(order(SPOT, client_order_id="a2"))
    world.link.close(SPOT_ORDERS)
    lost, first, second = world.events.take()
    assert lost.startswith("lost: spot: the order connection broke")
    assert [(first.client_order_id, first.kind), (second.client_order_id, second.kind)] == [
        ("a1", ReportKind.UNKNOWN),
        ("a2", ReportKind.UNKNOWN),
    ]
    with pytest.raises(OrderError, match="down"):
        world.client.place(order(SPOT))
    world.client.cancel(order(SPOT))
    (call,) = world.link.calls
    assert call.call.method == "DELETE"
    assert call.call.priority is Priority.CANCEL
    world.link.open(SPOT_ORDERS)
    assert world.events.take() == ["ready"]


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


async def test_what_the_exchange_counts_is_passed_on() -> None:
    world = await World(SPOT, USDM).ready()
    assert world.link.limits == {"spot orders 10s": 100}
    world.client.place(order(SPOT))
    send = world.link.sends[-1]
    counts = [
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 50, "count": 3},
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 1, "count": 70},
        {"rateLimitType": "NEW_KIND", "interval": "HOUR", "intervalNum": 1, "limit": 1, "count": 1},
    ]
    answer = {"id": send.json["id"], "status": 200, "result": {"orderId": 1}, "rateLimits": counts}
    world.link.receive(send.conn, answer)
    assert world.link.used == {"spot orders 10s": 3, "spot": 70}
    world.link.close(USDM_ORDERS)
    world.client.cancel(order(USDM))
    headers = {"X-MBX-USED-WEIGHT-1M": "12", "X-MBX-ORDER-COUNT-10S": "4", "X-MBX-ORDER-COUNT-1M": "9"}
    world.link.calls[-1].answer({"orderId": 1, "status": "CANCELED"}, 200, headers)
    assert world.link.used["usdm"] == 12
    assert (world.link.used["usdm orders 10s"], world.link.used["usdm orders 1m"]) == (4, 9)


@pytest.mark.parametrize(
    ("status", "code", "limits"),
    [(429, -1003, ["spot"]), (429, -1015, ["spot orders 10s", "spot orders 1d"]), (418, -1003, [None])],
)
async def test_too_many_requests_hold_back_what_they_are_about(
    status: int, code: int, limits: list[str | None]
) -> None:
    world = await World(SPOT).ready()
    world.client.place(order(SPOT))
    send = world.link.sends[-1]
    error = {"code": code, "msg": "too many", "data": {"serverTime": 1000, "retryAfter": 4000}}
    world.link.receive(send.conn, {"id": send.json["id"], "status": status, "error": error})
    assert world.link.refusals == [(limit, 3 * SECOND_NS) for limit in limits]
    assert world.report().reason == "not sent: too many"


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


async def test_the_dead_man_s_switch_is_set_for_each_symbol() -> None:
    world = await World(SPOT, USDM).ready()
    world.client.arm_dead_man(30 * SECOND_NS)
    (call,) = world.link.calls
    query = dict(parse_qsl(urlsplit(call.request.url).query))
    assert (query["symbol"], query["countdownTime"]) == ("BTCUSDT", "30000")
    call.answer({}, 500)
    assert "dead man's switch of BTCUSDT was not set" in world.link.warnings[-1]


async def test_capabilities_differ_by_product() -> None:
    world = World(SPOT, USDM)
    spot, usdm = (world.client.capabilities_of(each) for each in (SPOT, USDM))
    assert (spot.amend, spot.amend_reduces, spot.batch, spot.dead_man) == (False, True, 1, False)
    assert (usdm.amend, usdm.batch, usdm.cancel_batch, usdm.dead_man) == (True, 5, 10, True)
    assert TimeInForce.GTD in usdm.times_in_force
    assert TimeInForce.GTD not in spot.times_in_force
    # 5 s until it is too old, 1 s of waiting before, 1 s that our clock may be off.
    assert spot.request_validity_ns == usdm.request_validity_ns == 7 * SECOND_NS


# -- logging in and hearing ------------------------------------------------------------------------------


async def test_an_ed25519_key_logs_in_and_signs_no_orders() -> None:
    pytest.importorskip("cryptography")
    world = await World(SPOT, secret=Secret(PEM)).start()
    world.link.open(SPOT_USER)
    world.link.open(SPOT_ORDERS)
    user, orders = world.link.sends
    assert user.json["method"] == "userDataStream.subscribe.signature"
    assert orders.json["method"] == "session.logon"
    with pytest.raises(OrderError, match="down"):
        world.client.place(order(SPOT))
    world.link.receive(SPOT_USER, {"id": "login", "status": 200, "result": {}})
    assert world.events.take() == []
    world.link.receive(SPOT_ORDERS, {"id": "login", "status": 200, "result": {}})
    assert world.events.take() == ["ready"]
    world.client.place(order(SPOT))
    assert not {"apiKey", "signature"} & world.frame["params"].keys()
    revoked = {"id": None, "status": 401, "error": {"code": -2015, "msg": "Invalid API-key"}}
    world.link.receive(SPOT_ORDERS, revoked)
    (lost,) = world.events.take()
    assert lost.startswith("lost: spot: logged out: -2015")
    assert world.frame["method"] == "session.logon"


async def test_a_refused_login_is_tried_again_for_ever_and_silence_replaces_the_connection() -> None:
    world = await World(SPOT).start()
    world.link.open(SPOT_USER)
    for _ in range(30):
        frames = len(world.link.sends)
        error = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
        world.link.receive(SPOT_USER, {"id": "login", "status": 401, "error": error})
        assert len(world.link.sends) == frames
        world.link.clock.advance(30 * SECOND_NS)
    assert world.link.connects.count(SPOT_USER) > 1, "the last question found no answer"
    assert "login refused: status 401, -2015" in world.link.warnings[0]
    world.link.opened.discard(SPOT_USER)
    world.link.open(SPOT_USER)
    world.link.open(SPOT_ORDERS)
    world.link.receive(SPOT_USER, {"id": "login", "status": 200, "result": {}})
    assert world.events.take() == ["ready"]


async def test_a_subscription_that_ends_is_lost_and_made_again() -> None:
    world = await World(SPOT).ready()
    world.link.receive(SPOT_USER, {"subscriptionId": 0, "event": {"e": "eventStreamTerminated", "E": 1}})
    assert world.events.take() == ["lost: spot: the exchange ended the subscription to user data"]
    world.link.receive(SPOT_USER, {"id": "login", "status": 200, "result": {}})
    assert world.events.take() == ["ready"]
    world.link.receive(SPOT_USER, {"event": {"e": "serverShutdown", "E": 1}})
    assert world.link.connects[-1] == SPOT_USER
    world.link.receive(SPOT_ORDERS, {"event": {"e": "serverShutdown", "E": 1}})
    assert world.link.connects[-1] == SPOT_ORDERS


def listen_key_calls(world: World) -> list[str]:
    return [each.call.method for each in world.link.calls if each.call.shown.endswith("/listenKey")]


async def test_a_listen_key_is_kept_alive_for_ever_and_renewed_when_it_is_gone() -> None:
    world = await World(USDM).ready()
    assert "listenKey=listenKeyOfTheTest&events=" in world.link.specs[USDM_USER].url
    assert "TRADE_LITE" not in world.link.specs[USDM_USER].url
    for failure in (None, TransportError("cut"), 503):
        world.link.clock.advance(1800 * SECOND_NS)
        calls = [each for each in world.link.calls if each.call.method == "PUT"]
        if failure is None:
            calls[-1].answer({})
        elif isinstance(failure, int):
            calls[-1].answer("", failure)
        else:
            calls[-1].fail("cut")
        world.link.clock.advance(60 * SECOND_NS)
        world.link.calls[-1].answer({})
        world.link.calls.clear()
    assert world.events.take() == []
    world.link.clock.advance(1800 * SECOND_NS)
    world.link.calls = [each for each in world.link.calls if each.call.method == "PUT"]
    world.link.calls[-1].answer({"code": -1125, "msg": "This listenKey does not exist."}, 400)
    assert world.events.take() == ["lost: usdm: the listen key is gone"]
    world.link.calls[-1].answer({"listenKey": "another"})
    assert "listenKey=another&" in world.link.specs[USDM_USER].url
    world.link.open(USDM_USER)
    assert world.events.take() == ["ready"]


async def test_an_expired_listen_key_and_one_that_died_unheard() -> None:
    world = await World(USDM).ready()
    world.link.receive(USDM_USER, {"e": "listenKeyExpired", "E": 1, "listenKey": "listenKeyOfTheTest"})
    assert world.events.take() == ["lost: usdm: the listen key expired"]
    world.link.calls[-1].answer({"listenKey": "second"})
    world.link.open(USDM_USER)
    assert world.events.take() == ["ready"]
    world.link.close(USDM_USER)
    assert world.events.take() == ["lost: usdm: the user data connection broke"]
    world.link.open(USDM_USER)
    assert world.events.take() == [], "whether the key lives is not known"
    world.link.calls[-1].answer("", 502)
    world.link.clock.advance(SECOND_NS)
    world.link.calls[-1].answer({"listenKey": "second"})
    assert world.events.take() == ["ready"]
    world.link.calls.clear()
    await world.client.stop()
    assert listen_key_calls(world) == ["DELETE"]
    world.link.close(USDM_USER)
    assert listen_key_calls(world) == ["DELETE"]


async def test_the_older_form_of_the_private_streams() -> None:
    world = await World(SPOT, USDM, user_stream=UserStream.LISTEN_KEY).start()
    for call in world.link.calls:
        call.answer({"listenKey": f"key{call.call.shown.count('fapi')}"})
    urls = {spec.url for spec in world.link.specs.values()}
    assert "wss://stream.binance.com:9443/ws/key0" in urls
    assert "wss://fstream.binance.com/ws/key2" in urls
    for conn in list(world.link.specs):
        world.link.open(conn)
    assert world.events.take() == ["ready"]
    (spot_user,) = (each for each in world.link.specs if each.startswith("wss://stream."))
    world.link.receive(spot_user, execution(x="NEW", X="NEW"))
    assert world.report().kind is ReportKind.ACCEPTED


# -- private events --------------------------------------------------------------------------------------


def execution(**changes: Any) -> dict[str, Any]:
    event: dict[str, Any] = {
        "e": "executionReport",
        "E": 1499405658658,
        "s": "BTCUSDT",
        "c": "a1",
        "S": "BUY",
        "o": "LIMIT",
        "f": "GTC",
        "q": "0.01000000",
        "p": "60000.00000000",
        "P": "0",
        "g": -1,
        "C": "",
        "x": "TRADE",
        "X": "PARTIALLY_FILLED",
        "r": "NONE",
        "i": 4293153,
        "l": "0.00400000",
        "z": "0.00400000",
        "L": "60000.00000000",
        "n": "0.00000400",
        "N": "BTC",
        "T": 1499405658657,
        "t": 77,
        "w": True,
        "m": True,
    }
    return event | changes


async def told(world: World, conn: str, event: dict[str, Any]) -> list[Any]:
    world.link.receive(conn, {"subscriptionId": 0, "event": event} if conn == SPOT_USER else event)
    return world.events.take()


async def test_a_fill_is_told_and_the_last_one_with_what_is_filled_in_all() -> None:
    world = await World(SPOT).ready()
    (fill,) = await told(world, SPOT_USER, execution())
    assert fill == Fill(
        client_order_id="a1",
        instrument=SPOT,
        trade_id="77",
        side=Side.BUY,
        price=Price(600_000),
        size=Size(4),
        liquidity=Liquidity.MAKER,
        fee=Decimal("0.00000400"),
        fee_asset="BTC",
        exchange_order_id="4293153",
        exchange_ns=1499405658657000000,
        recv_ns=world.link.clock.now_ns(),
    )
    last = execution(t=78, l="0.006", z="0.010", X="FILLED", m=False)
    fill, report = await told(world, SPOT_USER, last)
    assert (fill.trade_id, fill.size, fill.liquidity) == ("78", 6, Liquidity.TAKER)
    assert (report.kind, report.filled) == (ReportKind.ACCEPTED, 10)


@pytest.mark.parametrize(
    ("changes", "kind", "filled", "reason"),
    [
        ({"x": "NEW", "X": "NEW", "z": "0"}, ReportKind.ACCEPTED, 0, ""),
        ({"x": "CANCELED", "X": "CANCELED", "c": "cancel1", "C": "a1"}, ReportKind.CANCELED, 4, ""),
        (
            {"x": "EXPIRED", "X": "EXPIRED", "eR": "UNFILLED_IOC_QUANTITY_EXPIRED"},
            ReportKind.EXPIRED,
            4,
            "UNFILLED_IOC_QUANTITY_EXPIRED",
        ),
        ({"x": "TRADE_PREVENTION", "X": "EXPIRED_IN_MATCH"}, ReportKind.EXPIRED, 4, "self-trade prevention"),
        (
            {"x": "REJECTED", "X": "REJECTED", "r": "INSUFFICIENT_BALANCE", "z": "0"},
            ReportKind.REJECTED,
            0,
            "INSUFFICIENT_BALANCE",
        ),
        ({"x": "TRADE", "X": "CANCELED", "l": "0"}, ReportKind.CANCELED, 4, ""),
    ],
)
async def test_what_ends_or_opens_an_order(
    changes: dict[str, Any], kind: ReportKind, filled: int, reason: str
) -> None:
    world = await World(SPOT).ready()
    (report,) = await told(world, SPOT_USER, execution(**changes))
    assert (report.client_order_id, report.kind, report.filled, report.reason) == ("a1", kind, filled, reason)


async def test_an_amendment_is_told_with_what_is_in_force() -> None:
    world = await World(SPOT, USDM).ready()
    (report,) = await told(world, SPOT_USER, execution(x="REPLACED", X="NEW", q="0.005", z="0"))
    assert (report.kind, report.price, report.size) == (ReportKind.REPLACED, 600_000, 5)
    update = futures_order(x="AMENDMENT", X="PARTIALLY_FILLED", q="0.007", p="60000.1")
    (report,) = await told(world, USDM_USER, update)
    assert (report.kind, report.price, report.size) == (ReportKind.REPLACED, 600_001, 7)


async def test_a_fill_without_its_price_is_asked_for() -> None:
    world = await World(SPOT).ready()
    world.link.answers["GET /api/v3/myTrades"] = [
        {
            "id": 77,
            "orderId": 4293153,
            "price": "59999.9",
            "qty": "0.004",
            "commission": "0.1",
            "commissionAsset": "BNB",
            "time": 5,
            "isBuyer": True,
            "isMaker": True,
        }
    ]
    assert await told(world, SPOT_USER, execution(L="0.00")) == []
    await world.link.work()
    (fill,) = world.events.take()
    assert (fill.trade_id, fill.price, fill.fee_asset, fill.client_order_id) == ("77", 599_999, "BNB", "a1")


async def test_others_symbols_unknown_events_and_malformed_ones() -> None:
    world = await World(SPOT, USDM).ready()
    assert await told(world, SPOT_USER, execution(s="ETHUSDT")) == []
    assert world.link.faults == []
    assert await told(world, SPOT_USER, {"e": "somethingNew", "E": 1}) == []
    assert await told(world, USDM_USER, {"e": "SOMETHING_NEW", "E": 1}) == []
    assert await told(world, USDM_USER, {"e": "SOMETHING_NEW", "E": 1}) == []
    assert world.link.faults == []
    assert len(world.link.warnings) == 2
    world.link.receive(USDM_USER, {"result": True, "id": 0})
    world.link.receive(SPOT_USER, {"id": "ping", "status": 200, "result": {}})
    assert world.link.faults == []
    for changes in ({"l": "x"}, {"S": "HOLD"}, {"n": "much"}, {"z": 4}, {"L": "60000.01"}):
        faults = len(world.link.faults)
        assert await told(world, SPOT_USER, execution(**changes)) == [], changes
        assert len(world.link.faults) == faults + 1, changes
    ends_oddly = execution(X="DREAMING")
    assert [type(each) for each in await told(world, SPOT_USER, ends_oddly)] == [Fill]
    assert "DREAMING" in world.link.faults[-1][2]
    for frame in ("", "{", "[]", "7", '{"e":"ORDER_TRADE_UPDATE"}', b"\xff"):
        for conn in (SPOT_USER, USDM_USER, SPOT_ORDERS, USDM_ORDERS):
            world.link.receive(conn, frame)
    assert world.events.take() == []


def futures_order(**changes: Any) -> dict[str, Any]:
    order: dict[str, Any] = {
        "s": "BTCUSDT",
        "c": "a1",
        "S": "SELL",
        "o": "LIMIT",
        "f": "GTC",
        "q": "0.010",
        "p": "60000",
        "ap": "60000",
        "sp": "0",
        "x": "TRADE",
        "X": "PARTIALLY_FILLED",
        "i": 8886774,
        "l": "0.002",
        "z": "0.002",
        "L": "60000",
        "N": "USDT",
        "n": "0.0236",
        "T": 1,
        "t": 1234,
        "m": True,
        "R": False,
        "ps": "BOTH",
        "er": "0",
    }
    return {"e": "ORDER_TRADE_UPDATE", "E": 6, "T": 5, "o": order | changes}


async def test_a_futures_fill_is_booked_once_and_with_its_fee() -> None:
    world = await World(USDM).ready()
    lite = {
        "e": "TRADE_LITE",
        "E": 5,
        "T": 5,
        "s": "BTCUSDT",
        "q": "0.01",
        "p": "60000",
        "m": True,
        "c": "a1",
    }
    assert (
        await told(world, USDM_USER, lite | {"S": "SELL", "L": "60000", "l": "0.002", "t": 1234, "i": 8})
        == []
    )
    (fill,) = await told(world, USDM_USER, futures_order(ps="SHORT"))
    assert (fill.trade_id, fill.side, fill.size, fill.fee, fill.fee_asset) == (
        "1234",
        Side.SELL,
        2,
        Decimal("0.0236"),
        "USDT",
    )
    assert (fill.position_side, fill.exchange_made, fill.exchange_ns) == (
        PositionSide.SHORT,
        False,
        5_000_000,
    )
    assert world.link.faults == []


@pytest.mark.parametrize(
    "name", ["autoclose-1", "adl_autoclose", "adl_autoclose-7", "settlement_autoclose-1"]
)
async def test_what_the_exchange_trades_by_itself(name: str) -> None:
    world = await World(USDM).ready()
    update = futures_order(c=name, x="CALCULATED", X="FILLED", L="59999.97", N=None, n=None)
    (fill,) = await told(world, USDM_USER, update)
    assert fill.exchange_made
    assert (fill.client_order_id, fill.price, fill.fee, fill.fee_asset) == (name, 600_000, 0, "USDT")
    assert "settled at 59999.97" in world.link.warnings[-1]
    assert not [
        each
        for each in await told(world, USDM_USER, futures_order(c=name, x="CALCULATED", l="0", X="FILLED"))
        if isinstance(each, Fill)
    ]


async def test_a_stop_keeps_its_id_when_it_becomes_an_order() -> None:
    world = await World(USDM).ready()
    stop = order(
        USDM, client_order_id="s1", type=OrderType.STOP_MARKET, price=None, trigger_price=Price(610_000)
    )
    world.client.place(stop)
    assert world.frame["method"] == "algoOrder.place"
    world.answer({"algoId": 5, "clientAlgoId": "s1", "algoStatus": "NEW", "updateTime": 1})
    assert world.report().kind is ReportKind.ACCEPTED
    algo = {
        "caid": "s1",
        "aid": 5,
        "at": "CONDITIONAL",
        "o": "STOP_MARKET",
        "s": "BTCUSDT",
        "S": "BUY",
        "q": "0.010",
    }
    update = {"e": "ALGO_UPDATE", "T": 2, "E": 2, "o": {**algo, "X": "TRIGGERED", "ai": "99", "aq": "0"}}
    (report,) = await told(world, USDM_USER, update)
    assert (report.client_order_id, report.kind, report.exchange_order_id) == (
        "s1",
        ReportKind.ACCEPTED,
        "99",
    )
    (fill,) = await told(world, USDM_USER, futures_order(c="made-up", i=99, S="BUY"))
    assert fill.client_order_id == "s1"
    world.client.cancel(stop)
    query = dict(parse_qsl(urlsplit(world.link.calls[-1].request.url).query))
    assert (world.link.calls[-1].call.method, query["orderId"]) == ("DELETE", "99")
    world.link.calls[-1].answer({"orderId": 99, "status": "CANCELED", "executedQty": "0.002"})
    report = world.report()
    assert (report.client_order_id, report.kind, report.filled) == ("s1", ReportKind.CANCELED, 2)
    for status, kind in (
        ("CANCELED", ReportKind.CANCELED),
        ("EXPIRED", ReportKind.EXPIRED),
        ("REJECTED", ReportKind.EXPIRED),
    ):
        update = {"e": "ALGO_UPDATE", "T": 2, "E": 2, "o": {**algo, "caid": status, "X": status, "ai": ""}}
        (report,) = await told(world, USDM_USER, update)
        assert (report.client_order_id, report.kind) == (status, kind)


async def test_balances_positions_and_funding() -> None:
    world = await World(USDM).ready()
    world.link.answers["GET /fapi/v1/income"] = deque(
        [
            [],
            [
                {
                    "tranId": 9,
                    "income": "-0.37",
                    "asset": "USDT",
                    "time": START_NS // 1_000_000,
                    "symbol": "BTCUSDT",
                }
            ],
        ]
    )
    change = {
        "m": "FUNDING_FEE",
        "B": [{"a": "USDT", "wb": "1000.1", "cw": "1000.1", "bc": "-0.37"}],
        "P": [
            {"s": "BTCUSDT", "pa": "-0.002", "ep": "59000.5", "ps": "BOTH"},
            {"s": "ETHUSDT", "pa": "1", "ep": "1", "ps": "BOTH"},
        ],
    }
    now_ms = START_NS // 1_000_000
    balance, position = await told(
        world, USDM_USER, {"e": "ACCOUNT_UPDATE", "E": 1, "T": now_ms, "a": change}
    )
    assert balance == BalanceReport(
        exchange="binance", wallet="usdm", asset="USDT", total=Decimal("1000.1"), exchange_ns=START_NS
    )
    assert isinstance(position, PositionReport)
    assert (position.instrument, position.size, position.entry_price) == (USDM, -2, Decimal("59000.5"))
    world.link.clock.advance(0)
    await world.link.work()
    assert world.events.take() == [], "the list of bookings lags behind"
    world.link.clock.advance(2 * SECOND_NS)
    await world.link.work()
    (funding,) = world.events.take()
    assert (funding.payment_id, funding.amount, funding.asset, funding.exchange_ns) == (
        "9",
        Decimal("-0.37"),
        "USDT",
        START_NS,
    )
    listed = await world.client.fundings(USDM, START_NS)
    assert [each.payment_id for each in listed] == ["9"]


async def test_each_product_is_paid_from_a_wallet_of_its_own() -> None:
    world = await World(SPOT, USDM).ready()
    world.link.answers["GET /fapi/v3/balance"] = [{"asset": "USDT", "balance": "10", "updateTime": 2}]
    world.link.answers["GET /api/v3/account"] = {
        "balances": [{"asset": "USDT", "free": "1", "locked": "0"}],
        "updateTime": 1,
    }
    listed = {each.wallet: each.total for each in await world.client.balances()}
    assert listed == {world.client.wallet_of(SPOT): 1, world.client.wallet_of(USDM): 10}
    spot = {"e": "outboundAccountPosition", "E": 1, "u": 3, "B": [{"a": "USDT", "f": "1.5", "l": "0.5"}]}
    (balance,) = await told(world, SPOT_USER, spot)
    assert balance.wallet == world.client.wallet_of(SPOT)
    assert (balance.total, balance.locked, balance.exchange_ns) == (2, Decimal("0.5"), 3_000_000)
