"""Trading by both products' rules, against a network that the test plays."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from hft import (
    ApprovedOrder,
    Fill,
    Instrument,
    InstrumentId,
    InstrumentKind,
    Liquidity,
    Order,
    OrderError,
    OrderReport,
    Price,
    Priority,
    ReportKind,
    Secret,
    Side,
    Size,
)
from hft.testing.link import FakeLink, NotedEvents
from hft_binance import BinanceExecution, Config

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
