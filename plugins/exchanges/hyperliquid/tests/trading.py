"""A client on a network that the test plays, and orders for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import attrs

from hft import (
    ApprovedOrder,
    Instrument,
    InstrumentId,
    InstrumentKind,
    Order,
    OrderReport,
    Price,
    RestAnswer,
    RestCall,
    Secret,
    Side,
    Size,
    TransportError,
)
from hft.testing.link import FakeLink, NotedEvents, rest_answer
from hft_hyperliquid import Config, HyperliquidExecution
from hft_hyperliquid.cloid import cloid_of
from hft_hyperliquid.signing import Signer

START_NS = 1_790_000_000_000_000_000
START_MS = START_NS // 1_000_000
MS, S = 1_000_000, 1_000_000_000
SECRET = "0xa1b2c3d4e5f60718a1b2c3d4e5f60718a1b2c3d4e5f60718a1b2c3d4e5f60718"
AGENT = Signer(Secret(SECRET), "a").address
ACCOUNT = "0x" + "ab" * 20
VAULT = "0x" + "cd" * 20
CONN = "wss://api.hyperliquid.xyz/ws#account"


def instrument(kind: InstrumentKind) -> Instrument:
    spot = kind is InstrumentKind.SPOT
    return Instrument(
        id=InstrumentId("HYPE/USDC" if spot else "ETH/USDC:USDC", "hyperliquid"),
        native_symbol="@107" if spot else "ETH",
        kind=kind,
        base="HYPE" if spot else "ETH",
        quote="USDC",
        settle="USDC",
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.0001"),
        price_figures=5,
    )


SPOT, PERP = instrument(InstrumentKind.SPOT), instrument(InstrumentKind.PERPETUAL)


def order(traded: Instrument = PERP, **changes: Any) -> ApprovedOrder:
    values: dict[str, Any] = {
        "client_order_id": "a1",
        "strategy": "s",
        "side": Side.BUY,
        "size": Size(500),
        "price": Price(301_250),
        "created_ns": START_NS,
    }
    return ApprovedOrder(Order(instrument=traded, **(values | changes)))


class InfoLink(FakeLink):
    """Answers questions by their type; ``asked`` are all bodies."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.infos: dict[str, Any] = {}
        self.asked: list[dict[str, Any]] = []

    async def fetch(self, call: RestCall) -> RestAnswer:
        now_ns = self.clock.now_ns()
        asked = json.loads(call.write(now_ns).body)
        self.asked.append(asked)
        answer = self.infos.get(asked["type"] if "type" in asked else asked["action"]["type"])
        if callable(answer):
            answer = answer(asked)
        if answer is None or isinstance(answer, TransportError):
            raise answer or TransportError(f"{asked}: no answer")
        if isinstance(answer, RestAnswer):
            return attrs.evolve(answer, sent_ns=now_ns, recv_ns=now_ns)
        return rest_answer(answer, sent_ns=now_ns, recv_ns=now_ns)


def roles(asked: Mapping[str, Any]) -> Any:
    known = {
        AGENT: {"role": "agent", "data": {"user": ACCOUNT}},
        ACCOUNT: {"role": "user"},
        VAULT: {"role": "subAccount", "data": {"master": ACCOUNT}},
    }
    return known.get(asked["user"], {"role": "missing"})


def infos() -> dict[str, Any]:
    return {
        "meta": {"universe": [{"name": "BTC", "szDecimals": 5}, {"name": "ETH", "szDecimals": 4}]},
        "spotMeta": {
            "tokens": [{"name": "USDC", "index": 0, "szDecimals": 8}],
            "universe": [{"name": "@107", "tokens": [150, 0], "index": 107}],
        },
        "userRole": roles,
        "clearinghouseState": {
            "marginSummary": {"accountValue": "1000.5"},
            "assetPositions": [
                {"position": {"coin": "ETH", "szi": "-0.0335", "entryPx": "2986.3", "unrealizedPnl": "-0.5"}},
                {"position": {"coin": "BTC", "szi": "1.0", "entryPx": None, "unrealizedPnl": "1.0"}},
            ],
            "time": START_MS,
        },
        "spotClearinghouseState": {
            "balances": [
                {"coin": "USDC", "total": "14.62", "hold": "4.0"},
                {"coin": "HYPE", "total": "3.0", "hold": "1.5"},
                {"coin": "PURR", "total": "0.0", "hold": "0.0"},
            ]
        },
        "activeAssetData": {"leverage": {"type": "cross", "value": 20}},
        "userFillsByTime": [],
        "userFunding": [],
        "extraAgents": [],
    }


class World:
    """A client that was started, on a network of which everything is known."""

    def __init__(self, *instruments: Instrument, environment: str = "mainnet", **options: Any) -> None:
        self.link = InfoLink("hyperliquid", environment=environment, start_ns=START_NS)
        self.link.infos = infos()
        self.events = NotedEvents()
        self.instruments = instruments or (PERP, SPOT)
        config = Config(**({"key": ACCOUNT, "secret": Secret(SECRET)} | options))
        self.client = HyperliquidExecution(config, self.events, self.link)
        self.link.client = self.client

    async def start(self) -> World:
        await self.client.start(self.instruments)
        return self

    async def ready(self) -> World:
        await self.start()
        self.link.open(CONN)
        for send in self.link.sends:
            self.link.receive(CONN, {"channel": "subscriptionResponse", "data": send.json})
        assert self.events.take() == ["ready"]
        self.link.calls.clear()
        self.link.sends.clear()
        return self

    @property
    def payload(self) -> Any:
        """What was sent last over the websocket."""
        frame = self.link.sends[-1].json
        assert (frame["method"], frame["request"]["type"]) == ("post", "action")
        return frame["request"]["payload"]

    @property
    def action(self) -> Any:
        return self.payload["action"]

    def answer(self, *statuses: Any, kind: str = "order", request_id: int | None = None) -> None:
        """Answer the request that was sent last."""
        response = {"type": kind, "data": {"statuses": list(statuses)}}
        self.post({"type": "action", "payload": {"status": "ok", "response": response}}, request_id)

    def refuse(self, text: str) -> None:
        self.post({"type": "action", "payload": {"status": "err", "response": text}})

    def post(self, response: Any, request_id: int | None = None) -> None:
        number = self.link.sends[-1].json["id"] if request_id is None else request_id
        self.link.receive(CONN, {"channel": "post", "data": {"id": number, "response": response}})

    def update(self, status: str, **changes: Any) -> None:
        listed = {
            "coin": "ETH", "side": "B", "limitPx": "3012.5", "sz": "0.05", "oid": 77, "timestamp": START_MS,
            "origSz": "0.05", "cloid": cloid_of("a1"),
        } | changes  # fmt: skip
        told = {"order": listed, "status": status, "statusTimestamp": START_MS + 5}
        self.link.receive(CONN, {"channel": "orderUpdates", "data": [told]})

    def report(self) -> OrderReport:
        (told,) = self.events.take()
        assert isinstance(told, OrderReport)
        return told


def fill(**changes: Any) -> dict[str, Any]:
    return {
        "coin": "ETH", "px": "3012.5", "sz": "0.02", "side": "B", "time": START_MS, "startPosition": "0.0",
        "dir": "Open Long", "closedPnl": "0.0", "hash": "0x0", "oid": 77, "crossed": False, "fee": "0.009",
        "tid": 745, "cloid": cloid_of("a1"), "feeToken": "USDC", "twapId": None,
    } | changes  # fmt: skip


def listed(**changes: Any) -> dict[str, Any]:
    return {
        "coin": "ETH", "side": "B", "limitPx": "3012.5", "sz": "0.03", "oid": 77, "timestamp": START_MS,
        "triggerCondition": "N/A", "isTrigger": False, "triggerPx": "0.0", "children": [],
        "isPositionTpsl": False, "reduceOnly": False, "orderType": "Limit", "origSz": "0.05", "tif": "Alo",
        "cloid": cloid_of("a1"),
    } | changes  # fmt: skip
