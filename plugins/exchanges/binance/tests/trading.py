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
from hft.testing.link import FakeLink, NotedEvents
from hft_binance import BinanceExecution, Config

START_NS = 1_790_000_000_000_000_000
SECOND_NS = 1_000_000_000
KEY, SECRET = "vectorApiKey0123456789ABCDEFabcdef", "vectorSecret0123456789abcdef"
SPOT_ORDERS = "wss://ws-api.binance.com:443/ws-api/v3#orders"
SPOT_USER = "wss://ws-api.binance.com:443/ws-api/v3#user"
USDM_ORDERS = "wss://ws-fapi.binance.com/ws-fapi/v1#orders"
USDM_USER = "wss://fstream.binance.com/private/ws#usdm-user"


def instrument(kind: InstrumentKind, base: str = "BTC") -> Instrument:
    spot = kind is InstrumentKind.SPOT
    return Instrument(
        id=InstrumentId(f"{base}/USDT" if spot else f"{base}/USDT:USDT", "binance"),
        native_symbol=f"{base}USDT",
        kind=kind,
        base=base,
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
