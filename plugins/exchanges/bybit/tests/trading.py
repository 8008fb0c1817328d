"""A client on a network that the test plays, and orders for it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hft import (
    ApprovedOrder,
    Instrument,
    InstrumentId,
    InstrumentKind,
    Order,
    OrderReport,
    Price,
    Secret,
    Side,
    Size,
)
from hft.testing.link import FakeCall, FakeLink, NotedEvents
from hft_bybit import BybitExecution, Config

START_NS = 1_790_000_000_000_000_000
START_MS = START_NS // 1_000_000
SECOND_NS = 1_000_000_000
KEY, SECRET = "vectorApiKey0123456789ABCDEFabcdef", "vectorSecret0123456789abcdef"

TRADE = "wss://stream.bybit.com/v5/trade"
PRIVATE = "wss://stream.bybit.com/v5/private?max_active_time=1m"


def instrument(kind: InstrumentKind) -> Instrument:
    spot = kind is InstrumentKind.SPOT
    return Instrument(
        id=InstrumentId("BTC/USDT" if spot else "BTC/USDT:USDT", "bybit"),
        native_symbol="BTCUSDT",
        kind=kind,
        base="BTC",
        quote="USDT",
        settle="USDT",
        tick_size=Decimal("0.1"),
        lot_size=Decimal("0.001"),
    )


SPOT, LINEAR = instrument(InstrumentKind.SPOT), instrument(InstrumentKind.PERPETUAL)


def order(traded: Instrument = LINEAR, **changes: Any) -> ApprovedOrder:
    values: dict[str, Any] = {
        "client_order_id": "a1",
        "strategy": "s",
        "side": Side.BUY,
        "size": Size(10),
        "price": Price(600_000),
    }
    return ApprovedOrder(Order(instrument=traded, **(values | changes)))


def ok(result: Any = None, **more: Any) -> dict[str, Any]:
    """Return the body of a success."""
    return {
        "retCode": 0,
        "retMsg": "OK",
        "result": {} if result is None else result,
        "retExtInfo": {},
        "time": START_MS,
        **more,
    }


def refused(code: int, message: str = "why") -> dict[str, Any]:
    """Return the body of a refusal."""
    return {"retCode": code, "retMsg": message, "result": {}, "retExtInfo": {}, "time": START_MS}


RIGHTS = {
    "ContractTrade": ["Order", "Position"],
    "Spot": ["SpotTrade"],
    "Wallet": ["AccountTransfer"],
    "Derivatives": ["DerivativesTrade"],
}


def answers() -> dict[str, Any]:
    return {
        "GET /v5/market/time": ok({"timeSecond": "1790000000", "timeNano": str(START_NS)}),
        "GET /v5/user/query-api": ok({"readOnly": 0, "permissions": RIGHTS, "uta": 1}),
        "GET /v5/account/info": ok({"unifiedMarginStatus": 5, "marginMode": "REGULAR_MARGIN"}),
        "GET /v5/position/list": ok({"list": [position()], "nextPageCursor": ""}),
    }


def position(**changes: Any) -> dict[str, Any]:
    values = {
        "symbol": "BTCUSDT",
        "side": "",
        "size": "0",
        "positionIdx": 0,
        "leverage": "10",
        "avgPrice": "0",
    }
    return values | changes


class World:
    """A client that was started, on a network of which everything is known."""

    def __init__(self, *instruments: Instrument, environment: str = "mainnet", **options: Any) -> None:
        self.link = FakeLink("bybit", environment=environment, start_ns=START_NS)
        self.link.answers = answers()
        self.events = NotedEvents()
        self.instruments = instruments or (LINEAR,)
        config = Config(**({"key": Secret(KEY), "secret": Secret(SECRET)} | options))
        self.client = BybitExecution(config, self.events, self.link)
        self.link.client = self.client

    async def start(self) -> World:
        await self.client.start(self.instruments)
        return self

    async def ready(self) -> World:
        await self.start()
        for conn in list(self.link.specs):
            self.link.open(conn)
            self.log_in(conn)
        assert self.events.take() == ["ready"]
        self.link.sends.clear()
        self.link.calls.clear()
        return self

    def log_in(self, conn: str) -> None:
        """Answer the login of a connection, and its subscription."""
        if conn.endswith("/trade"):
            self.link.receive(conn, {"retCode": 0, "retMsg": "OK", "op": "auth", "connId": "c"})
        else:
            self.link.receive(conn, {"success": True, "ret_msg": "", "op": "auth", "conn_id": "c"})
            self.link.receive(conn, {"success": True, "ret_msg": "", "op": "subscribe", "conn_id": "c"})

    @property
    def frame(self) -> Any:
        """The frame that was sent last."""
        return self.link.sends[-1].json

    @property
    def asked(self) -> Any:
        """What was asked by the frame that was sent last."""
        (asked,) = self.frame["args"]
        return asked

    @property
    def call(self) -> FakeCall:
        """The REST request that was made last."""
        return self.link.calls[-1]

    def answer(self, data: Any = None, code: int = 0, message: str = "OK", **more: Any) -> None:
        """Answer the last frame."""
        send = self.link.sends[-1]
        body = {
            "reqId": send.json["reqId"],
            "retCode": code,
            "retMsg": message,
            "op": send.json["op"],
            "data": {"orderId": "x1", "orderLinkId": "a1"} if data is None else data,
            "retExtInfo": {},
            "header": {},
            "connId": "c",
        }
        self.link.receive(send.conn, body | more)

    def tell(self, topic: str, *data: Any) -> None:
        """Let something be told on the private stream."""
        message = {"id": "m", "topic": topic, "creationTime": START_MS, "data": data}
        self.link.receive(PRIVATE, message)
        assert self.link.faults == []

    def report(self) -> OrderReport:
        """The only thing that was told."""
        (report,) = self.events.take()
        assert isinstance(report, OrderReport)
        return report


def told(**changes: Any) -> dict[str, Any]:
    """Return an order as the private stream tells of it, and lists as well."""
    values = {
        "category": "linear",
        "symbol": "BTCUSDT",
        "orderId": "x1",
        "orderLinkId": "a1",
        "side": "Buy",
        "orderType": "Limit",
        "price": "60000.0",
        "qty": "0.010",
        "timeInForce": "GTC",
        "orderStatus": "New",
        "cancelType": "UNKNOWN",
        "rejectReason": "EC_NoError",
        "leavesQty": "0.010",
        "cumExecQty": "0.000",
        "avgPrice": "",
        "reduceOnly": False,
        "positionIdx": 0,
        "createdTime": str(START_MS),
        "updatedTime": str(START_MS),
    }
    return values | changes


def executed(**changes: Any) -> dict[str, Any]:
    """Return an execution as the private stream tells of it, and lists as well."""
    values = {
        "category": "linear",
        "symbol": "BTCUSDT",
        "execId": "e1",
        "orderId": "x1",
        "orderLinkId": "a1",
        "side": "Buy",
        "execPrice": "60000.0",
        "execQty": "0.004",
        "execFee": "0.132",
        "feeCurrency": "USDT",
        "isMaker": False,
        "execType": "Trade",
        "execTime": str(START_MS),
        "closedSize": "0",
        "seq": 1,
    }
    return values | changes
