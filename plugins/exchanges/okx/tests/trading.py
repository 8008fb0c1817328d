"""A client on a network that the test plays, and orders for it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

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
from hft_okx import Config, OkxExecution

START_NS = 1_790_000_000_000_000_000
SECOND_NS = 1_000_000_000
KEY, SECRET, PASSPHRASE = "vectorKey", "vectorSecret", "Vector-Pass_1"
PRIVATE = "wss://ws.okx.com:8443/ws/v5/private"


def instrument(kind: InstrumentKind) -> Instrument:
    spot = kind is InstrumentKind.SPOT
    return Instrument(
        id=InstrumentId("BTC/USDT" if spot else "BTC/USDT:USDT", "okx"),
        native_symbol="BTC-USDT" if spot else "BTC-USDT-SWAP",
        kind=kind,
        base="BTC",
        quote="USDT",
        settle="USDT",
        tick_size=Decimal("0.1"),
        lot_size=Decimal("0.00000001") if spot else Decimal("0.01"),
        contract_multiplier=Decimal(1) if spot else Decimal("0.01"),
    )


SPOT, SWAP = instrument(InstrumentKind.SPOT), instrument(InstrumentKind.PERPETUAL)


def order(traded: Instrument, **changes: Any) -> ApprovedOrder:
    values: dict[str, Any] = {
        "client_order_id": "a1",
        "strategy": "s",
        "side": Side.BUY,
        "size": Size(100),
        "price": Price(600_000),
    }
    return ApprovedOrder(Order(instrument=traded, **(values | changes)))


def ok(*rows: Any) -> dict[str, Any]:
    return {"code": "0", "msg": "", "data": list(rows)}


def account(**changes: Any) -> dict[str, Any]:
    return ok({"acctLv": "2", "posMode": "net_mode", "perm": "read_only,trade", "uid": "1"} | changes)


def listed(url: str) -> dict[str, Any]:
    kind = dict(parse_qsl(urlsplit(url).query))["instType"]
    name, code = ("BTC-USDT", 1) if kind == "SPOT" else ("BTC-USDT-SWAP", 10459)
    row = {"instId": name, "instType": kind, "tickSz": "0.1", "lotSz": "1", "minSz": "1", "state": "live"}
    return ok(row | {"instIdCode": code})


class World:
    """A client that was started, on a network of which everything is known."""

    def __init__(
        self, *instruments: Instrument, environment: str = "mainnet", config: Any = None, **options: Any
    ) -> None:
        self.link = FakeLink("okx", environment=environment, start_ns=START_NS)
        self.link.answers = {
            "GET /api/v5/public/time": lambda _: ok({"ts": str(self.link.clock.now_ns() // 1_000_000)}),
            "GET /api/v5/account/config": config or account(),
            "GET /api/v5/public/instruments": listed,
        }
        self.events = NotedEvents()
        self.instruments = instruments
        secrets = {"key": Secret(KEY), "secret": Secret(SECRET), "passphrase": Secret(PASSPHRASE)}
        self.client = OkxExecution(Config(**(secrets | options)), self.events, self.link)
        self.link.client = self.client

    async def start(self) -> World:
        await self.client.start(self.instruments)
        return self

    async def ready(self) -> World:
        await self.start()
        self.link.open(PRIVATE)
        self.log_in()
        assert self.events.take() == ["ready"]
        self.link.sends.clear()
        self.link.calls.clear()
        return self

    def log_in(self) -> None:
        self.link.receive(PRIVATE, {"event": "login", "code": "0", "msg": "", "connId": "a"})
        for arg in self.frame["args"]:
            self.link.receive(PRIVATE, {"event": "subscribe", "arg": arg, "connId": "a"})

    @property
    def frame(self) -> Any:
        """The frame that was sent last."""
        return self.link.sends[-1].json

    def answer(self, *items: dict[str, Any], code: str = "0", msg: str = "") -> None:
        """Answer the last frame."""
        sent = self.frame
        self.link.receive(
            PRIVATE,
            {
                "id": sent["id"],
                "op": sent["op"],
                "code": code,
                "msg": msg,
                "data": list(items),
                "inTime": "1",
            },
        )

    def push(self, channel: str, *rows: dict[str, Any]) -> None:
        self.link.receive(PRIVATE, {"arg": {"channel": channel, "instType": "ANY"}, "data": list(rows)})

    def report(self) -> OrderReport:
        """The only thing that was told."""
        (report,) = self.events.take()
        assert isinstance(report, OrderReport)
        return report


def item(client_id: str = "a1", code: str = "0", msg: str = "", order_id: str = "77") -> dict[str, Any]:
    return {"ordId": order_id, "clOrdId": client_id, "tag": "", "ts": "1", "sCode": code, "sMsg": msg}


def row(**changes: Any) -> dict[str, Any]:
    values = {
        "instType": "SWAP", "instId": "BTC-USDT-SWAP", "ordId": "77", "clOrdId": "a1",
        "px": "60000", "sz": "1",
        "ordType": "limit", "side": "buy", "posSide": "net", "tdMode": "cross", "state": "live",
        "accFillSz": "0", "avgPx": "", "fillPx": "", "fillSz": "0", "fillTime": "", "tradeId": "",
        "execType": "", "fillFee": "0", "fillFeeCcy": "", "fee": "0", "feeCcy": "USDT", "cancelSource": "",
        "category": "normal", "reduceOnly": "false", "amendResult": "", "reqId": "", "code": "0", "msg": "",
        "cTime": "1790000000000", "uTime": "1790000000100",
    }  # fmt: skip
    return values | changes


def filled(**changes: Any) -> dict[str, Any]:
    values = {
        "state": "partially_filled", "accFillSz": "0.4", "fillPx": "60000", "fillSz": "0.4", "tradeId": "130",
        "fillTime": "1790000000090", "execType": "M", "fillFee": "-0.12", "fillFeeCcy": "USDT",
    }  # fmt: skip
    return row(**(values | changes))
