"""Trading, against a network that the test plays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import attrs
import pytest

from hft import (
    ApprovedOrder,
    Fill,
    Funding,
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
    Price,
    Priority,
    ReportKind,
    RestAnswer,
    RestCall,
    Secret,
    Side,
    Size,
    TimeInForce,
    TransportError,
    UsageError,
)
from hft.testing.link import FakeLink, NotedEvents, rest_answer
from hft_hyperliquid import Config, HyperliquidExecution, limits
from hft_hyperliquid.cloid import cloid_of
from hft_hyperliquid.signing import (
    Signature,
    Signer,
    agent_digest,
    connection_id,
    encode_action,
    keccak,
    recover_address,
)

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


def signer_of(payload: Mapping[str, Any], source: str = "a") -> str:
    """Return who signed what was sent, as the exchange finds it out."""
    vault = payload["vaultAddress"]
    connection = connection_id(
        encode_action(payload["action"]),
        payload["nonce"],
        None if vault is None else bytes.fromhex(vault[2:]),
        payload["expiresAfter"],
    )
    told = payload["signature"]
    signature = Signature(int(told["r"], 16), int(told["s"], 16), told["v"])
    return recover_address(agent_digest(keccak(source.encode()), connection), signature)


# -- beginning -----------------------------------------------------------------------------------------


async def test_it_is_ready_when_every_feed_is_subscribed_to() -> None:
    world = await World().start()
    assert [asked["type"] for asked in world.link.asked] == [
        "meta",
        "spotMeta",
        "userRole",
        "clearinghouseState",
        "extraAgents",
    ]
    world.link.open(CONN)
    wanted = [send.json["subscription"] for send in world.link.sends]
    assert wanted[:3] == [
        {"type": feed, "user": ACCOUNT} for feed in ("orderUpdates", "userFills", "userFundings")
    ]
    assert wanted[3:] == [{"type": "bbo", "coin": "ETH"}, {"type": "bbo", "coin": "@107"}]
    with pytest.raises(OrderError, match="down"):
        world.client.place(order())
    for subscription in wanted[:3]:
        assert world.events.take() == []
        echoed = {**subscription, "user": subscription["user"].upper().replace("X", "x")}
        data = {"method": "subscribe", "subscription": echoed}
        world.link.receive(CONN, {"channel": "subscriptionResponse", "data": data})
    assert world.events.take() == ["ready"]
    world.link.close(CONN)
    assert world.events.take() == ["lost: the account's connection broke"]


async def test_subscriptions_that_are_not_acknowledged_are_made_anew() -> None:
    world = await World().start()
    world.link.open(CONN)
    world.link.clock.advance(20 * S)
    assert len(world.link.connects) > 1
    assert "orderUpdates" in world.link.warnings[0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"secret": Secret("0x" + "11" * 32)}, "no API wallet"),
        ({"key": "0x" + "ef" * 20}, "no API wallet"),
        ({"vault": "0x" + "12" * 20}, "neither a vault nor a sub-account"),
        ({"max_leverage": 10}, "leverage 20"),
    ],
)
async def test_a_start_refuses_what_cannot_work(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        await World(**changes).start()


@pytest.mark.parametrize(
    ("role", "words"),
    [({"role": "missing"}, "deposit"), ({"role": "agent", "data": {"user": "0x1"}}, "is an API wallet")],
)
async def test_a_start_refuses_an_address_that_is_no_account(role: Any, words: str) -> None:
    own = Signer(Secret(SECRET), "a").address
    world = World(key=own)
    world.link.infos["userRole"] = role
    with pytest.raises(UsageError, match=words):
        await world.start()


async def test_an_api_wallet_that_expires_soon_is_told_of() -> None:
    world = World()
    days = 86_400_000
    world.link.infos["extraAgents"] = [
        {"name": "bot", "address": AGENT, "validUntil": START_MS + 2 * days},
        {"name": "other", "address": VAULT, "validUntil": START_MS},
    ]
    await world.start()
    assert len(world.link.warnings) == 1
    assert "expires in 2.0 days" in world.link.warnings[0]


def test_what_is_no_address_or_no_key_is_refused_at_once() -> None:
    with pytest.raises(UsageError, match="needs 'key' and 'secret'"):
        World(secret=None)
    with pytest.raises(ValueError, match="no address"):
        World(key="hello")
    with pytest.raises(UsageError, match="private key"):
        World(secret=Secret("hello"))


async def test_an_outage_ends_no_start() -> None:
    world = World()
    answers = iter([TransportError("no route"), rest_answer("<html>", 502), infos()["meta"]])
    world.link.infos["meta"] = lambda _: next(answers)
    starting = world.start()
    for _ in range(3):
        try:
            starting.send(None)
        except StopIteration:
            break
        world.link.clock.advance(60 * S)
    assert CONN in world.link.specs
    assert "no route" in world.link.warnings[0]
    assert "status 502" in world.link.warnings[1]


# -- placing -------------------------------------------------------------------------------------------


async def test_an_order_is_signed_by_the_api_wallet_and_told_of() -> None:
    world = await World().ready()
    world.client.place(order(post_only=True))
    send, payload = world.link.sends[-1], world.payload
    assert payload["action"] == {
        "type": "order",
        "orders": [
            {
                "a": 1,
                "b": True,
                "p": "3012.5",
                "s": "0.05",
                "r": False,
                "t": {"limit": {"tif": "Alo"}},
                "c": cloid_of("a1"),
            }
        ],
        "grouping": "na",
    }
    assert (payload["nonce"], payload["expiresAfter"]) == (START_MS, START_MS + 5_000)
    assert signer_of(payload) == AGENT
    assert (send.priority, send.deadline_ns) == (Priority.NEW, START_NS + S)
    assert dict(send.costs) == {"weight": 1, "messages": 1, "actions": 1}
    world.answer({"resting": {"oid": 77, "cloid": cloid_of("a1")}})
    report = world.report()
    assert (report.kind, report.client_order_id, report.exchange_order_id, report.filled) == (
        ReportKind.ACCEPTED,
        "a1",
        "77",
        None,
    )


async def test_for_a_vault_it_stands_in_the_request_and_in_the_signature() -> None:
    world = await World(vault=VAULT.upper().replace("X", "x"), environment="testnet").start()
    conn = next(iter(world.link.specs))
    world.link.open(conn)
    for send in world.link.sends:
        subscription = send.json
        assert subscription["subscription"].get("user", VAULT) == VAULT
        world.link.receive(conn, {"channel": "subscriptionResponse", "data": subscription})
    world.client.place(order())
    assert world.payload["vaultAddress"] == VAULT
    assert signer_of(world.payload, "b") == AGENT
    assert signer_of(world.payload, "a") != AGENT


@pytest.mark.parametrize(
    ("changes", "kind", "price"),
    [
        ({}, {"limit": {"tif": "Gtc"}}, "3012.5"),
        ({"time_in_force": TimeInForce.IOC}, {"limit": {"tif": "Ioc"}}, "3012.5"),
        (
            {"type": OrderType.STOP_LIMIT, "trigger_price": Price(310_000), "side": Side.BUY},
            {"trigger": {"isMarket": False, "triggerPx": "3100", "tpsl": "sl"}},
            "3012.5",
        ),
        (
            {"type": OrderType.STOP_MARKET, "trigger_price": Price(310_000), "price": None},
            {"trigger": {"isMarket": True, "triggerPx": "3100", "tpsl": "sl"}},
            "3255",
        ),
    ],
)
async def test_kinds_of_orders(changes: dict[str, Any], kind: Any, price: str) -> None:
    world = await World().ready()
    world.client.place(order(**changes))
    (entry,) = world.action["orders"]
    assert (entry["t"], entry["p"]) == (kind, price)


async def test_a_market_order_takes_what_is_there_within_its_slippage() -> None:
    world = await World(market_slippage=Decimal("0.01")).ready()
    with pytest.raises(OrderError, match="nothing is offered"):
        world.client.place(order(price=None, type=OrderType.MARKET))
    bbo = [{"px": "3000.1", "sz": "1", "n": 1}, {"px": "3000.7", "sz": "1", "n": 1}]
    world.link.receive(CONN, {"channel": "bbo", "data": {"coin": "ETH", "time": 1, "bbo": bbo}})
    world.client.place(order(price=None, type=OrderType.MARKET))
    (entry,) = world.action["orders"]
    assert (entry["t"], entry["p"]) == ({"limit": {"tif": "Ioc"}}, "3030.7")
    world.client.place(order(price=None, type=OrderType.MARKET, side=Side.SELL, reduce_only=True))
    (entry,) = world.action["orders"]
    assert (entry["b"], entry["r"], entry["p"]) == (False, True, "2970.1")
    # What was there before the connection broke may be gone.
    world.link.close(CONN)
    world.link.open(CONN)
    assert world.client._quotes == {}


async def test_orders_of_one_message_are_told_of_one_by_one() -> None:
    world = await World().ready()
    world.client.place_batch([order(), order(client_order_id="a2"), order(client_order_id="a3")])
    assert [entry["c"] for entry in world.action["orders"]] == [cloid_of(f"a{n}") for n in (1, 2, 3)]
    assert dict(world.link.sends[-1].costs) == {"weight": 1, "messages": 1, "actions": 3}
    world.answer(
        {"resting": {"oid": 1}},
        {"filled": {"totalSz": "0.05", "avgPx": "3000.0", "oid": 2}},
        {"error": "Insufficient margin to place order. asset=1"},
    )
    told = world.events.take()
    assert [(each.client_order_id, each.kind, each.filled) for each in told] == [
        ("a1", ReportKind.ACCEPTED, None),
        ("a2", ReportKind.ACCEPTED, 500),
        ("a3", ReportKind.REJECTED, None),
    ]
    world.client.place_batch([order(), order(client_order_id="a2")])
    world.answer({"error": "Price must be divisible by tick size. asset=1"})
    assert {each.kind for each in world.events.take()} == {ReportKind.REJECTED}


async def test_an_immediate_order_may_end_filled_in_part_or_not_at_all() -> None:
    world = await World().ready()
    world.client.place(order(time_in_force=TimeInForce.IOC))
    world.answer({"filled": {"totalSz": "0.02", "avgPx": "3000.0", "oid": 2}})
    report = world.report()
    assert (report.kind, report.filled) == (ReportKind.CANCELED, 200)
    world.client.place(order(time_in_force=TimeInForce.IOC))
    world.answer({"error": "Order could not immediately match against any resting orders. asset=1"})
    report = world.report()
    assert (report.kind, report.filled) == (ReportKind.EXPIRED, 0)


async def test_an_order_that_may_rest_does_not_end_because_it_was_filled_in_part() -> None:
    world = await World().ready()
    world.client.place(order())
    world.answer({"filled": {"totalSz": "0.02", "avgPx": "3000.0", "oid": 2}})
    report = world.report()
    assert (report.kind, report.filled) == (ReportKind.UNKNOWN, 200)
    assert report.reason.startswith("it was filled in part")


@pytest.mark.parametrize(
    ("text", "kind", "reason"),
    [
        ("User or API Wallet 0xabc does not exist.", ReportKind.REJECTED, "User or API"),
        ("Invalid nonce: duplicate nonce 5", ReportKind.UNKNOWN, "Invalid nonce"),
        ("Invalid nonce: nonce too low 5 < 6", ReportKind.REJECTED, "not sent: Invalid nonce"),
        ("Action already expired", ReportKind.REJECTED, "not sent: Action"),
        ("Too many cumulative requests sent (3 > 2)", ReportKind.REJECTED, "not sent: Too many"),
    ],
)
async def test_an_action_that_is_refused_as_a_whole(text: str, kind: ReportKind, reason: str) -> None:
    world = await World().ready()
    world.client.place(order())
    world.refuse(text)
    report = world.report()
    assert (report.kind, report.reason.startswith(reason)) == (kind, True)
    assert world.link.limits == ({limits.ACTIONS: 1} if "cumulative" in text else {})


@pytest.mark.parametrize(
    ("text", "kind", "limited"),
    [
        ("429 Too Many Requests: wait", ReportKind.REJECTED, True),
        ("422 Failed to deserialize", ReportKind.REJECTED, False),
        ("504 Gateway Timeout", ReportKind.UNKNOWN, False),
    ],
)
async def test_an_error_of_the_transport(text: str, kind: ReportKind, limited: bool) -> None:
    world = await World().ready()
    world.client.place(order())
    world.post({"type": "error", "payload": text})
    assert world.report().kind is kind
    assert world.link.refusals == ([(limits.ADDRESS, 0)] if limited else [])


async def test_without_an_answer_nothing_is_concluded() -> None:
    world = await World().ready()
    world.client.place(order())
    world.link.clock.advance(3 * S)
    assert world.report().kind is ReportKind.UNKNOWN
    # What comes late is evidence all the same.
    world.answer({"resting": {"oid": 77}})
    assert world.report().kind is ReportKind.ACCEPTED
    world.client.place(order())
    world.link.close(CONN)
    assert [each if isinstance(each, str) else each.kind for each in world.events.take()] == [
        "lost: the account's connection broke",
        ReportKind.UNKNOWN,
    ]


@pytest.mark.parametrize(
    "response",
    [
        {"type": "action", "payload": {"status": "ok", "response": {"type": "order", "data": {}}}},
        {"type": "action", "payload": {"status": "ok"}},
        {"type": "action", "payload": []},
        {"type": "action", "payload": {"status": "err", "response": {}}},
        {"type": "action", "payload": {"status": "ok", "response": {"data": {"statuses": [3]}}}},
        {
            "type": "action",
            "payload": {
                "status": "ok",
                "response": {"type": "order", "data": {"statuses": [{"filled": {"oid": 77}}]}},
            },
        },
        {"type": "of the future", "payload": "400: Bad Request"},
    ],
)
async def test_an_answer_that_makes_no_sense_proves_nothing(response: Any) -> None:
    world = await World().ready()
    world.client.place(order())
    world.post(response)
    assert world.report().kind is ReportKind.UNKNOWN
    assert len(world.link.faults) == 1


async def test_what_waited_and_is_not_wanted_any_more_is_not_sent() -> None:
    world = await World().ready()
    world.link.holding = True
    world.client.place(order())
    world.events.unwanted = "the book is STALE"
    world.link.release()
    report = world.report()
    assert (report.kind, report.reason) == (ReportKind.REJECTED, "not sent: the book is STALE")


async def test_there_are_at_most_a_hundred_requests_without_an_answer() -> None:
    world = await World().ready()
    for number in range(limits.MAX_POSTS):
        world.client.place(order(client_order_id=f"b{number}"))
    with pytest.raises(OrderError, match="without an answer"):
        world.client.place(order())
    # A cancel must get out: it takes the other way.
    world.client.cancel(order())
    assert len(world.link.calls) == 1


async def test_orders_travel_by_rest_where_that_is_wanted() -> None:
    world = await World(order_entry=OrderEntry.REST).ready()
    world.client.place(order())
    (call,) = world.link.calls
    payload = json.loads(call.request.body)
    assert call.request.url == "https://api.hyperliquid.xyz/exchange"
    assert signer_of(payload) == AGENT
    assert dict(call.call.costs) == {"weight": 1, "actions": 1}
    response = {"type": "order", "data": {"statuses": [{"resting": {"oid": 77}}]}}
    call.answer({"status": "ok", "response": response})
    assert world.report().kind is ReportKind.ACCEPTED
    for status, sent, kind in ((422, None, ReportKind.REJECTED), (502, None, ReportKind.UNKNOWN)):
        world.client.place(order())
        world.link.calls[-1].answer("<html>", status)
        assert world.report().kind is kind, sent
    for was_sent, kind in ((False, ReportKind.REJECTED), (None, ReportKind.UNKNOWN)):
        world.client.place(order())
        world.link.calls[-1].fail(sent=was_sent)
        assert world.report().kind is kind


# -- cancelling ----------------------------------------------------------------------------------------


async def test_a_cancel_is_told_by_the_feed_which_knows_how_much_had_traded() -> None:
    world = await World().ready()
    world.client.cancel(order(exchange_order_id="77"))
    assert world.action == {"type": "cancelByCloid", "cancels": [{"asset": 1, "cloid": cloid_of("a1")}]}
    assert dict(world.link.sends[-1].costs) == {"weight": 1, "messages": 1}
    world.answer("success", kind="cancel")
    assert world.events.take() == []
    world.update("canceled", sz="0.03")
    report = world.report()
    assert (report.kind, report.filled, report.reason) == (ReportKind.CANCELED, 200, "")


async def test_a_cancel_that_the_feed_does_not_tell_of_is_asked_about() -> None:
    world = await World().ready()
    world.client.cancel(order())
    world.answer("success", kind="cancel")
    world.link.clock.advance(3 * S)
    assert world.report().kind is ReportKind.UNKNOWN


async def test_a_cancel_that_is_refused_or_finds_no_way() -> None:
    world = await World().ready()
    world.client.cancel_batch([order(), order(client_order_id="a2")])
    text = "Order was never placed, already canceled, or filled. asset=1"
    world.answer("success", {"error": text}, kind="cancel")
    report = world.report()
    assert (report.client_order_id, report.kind, report.reason) == ("a2", ReportKind.CANCEL_REJECTED, text)
    world.link.close(CONN)
    world.events.take()
    world.client.cancel(order())
    (call,) = world.link.calls
    assert json.loads(call.request.body)["action"]["type"] == "cancelByCloid"
    call.fail(sent=False)
    assert world.report().kind is ReportKind.CANCEL_REJECTED


# -- modifying -----------------------------------------------------------------------------------------


async def modifying(**changes: Any) -> World:
    world = await World(modify=True).ready()
    assert world.client.capabilities_of(PERP).amend
    world.client.amend(order(exchange_order_id="77", **changes), Price(301_300), Size(600))
    return world


async def test_a_modification_leaves_out_what_has_traded() -> None:
    world = await modifying(filled=Size(200))
    (modify,) = world.action["modifies"]
    assert world.action["type"] == "batchModify"
    assert modify["oid"] == modify["order"]["c"] == cloid_of("a1")
    assert (modify["order"]["p"], modify["order"]["s"]) == ("3013", "0.04")


@pytest.mark.parametrize("end_first", [True, False])
async def test_what_traded_before_the_change_adds_up(end_first: bool) -> None:
    world = await modifying(filled=Size(100))
    steps = [
        lambda: world.update("canceled", sz="0.03"),  # one lot more had traded meanwhile
        lambda: world.answer({"resting": {"oid": 78}}, kind="order"),
    ]
    for step in steps if end_first else reversed(steps):
        assert world.events.take() == []
        step()
    report = world.report()
    assert (report.kind, report.exchange_order_id, report.price) == (ReportKind.REPLACED, "78", 301_300)
    assert (report.size, report.filled) == (200 + 500, 200)
    world.update("open", oid=78, origSz="0.05", sz="0.04")
    assert world.report().filled == 200 + 100
    world.update("canceled", oid=78, origSz="0.05", sz="0.01")
    report = world.report()
    assert (report.kind, report.filled) == (ReportKind.CANCELED, 200 + 400)


async def test_a_change_of_which_too_little_is_told_is_asked_about() -> None:
    world = await modifying()
    world.answer({"resting": {"oid": 78}})
    world.link.clock.advance(3 * S)
    assert world.report().kind is ReportKind.UNKNOWN


async def test_a_modification_that_lost_the_race() -> None:
    world = await modifying()
    world.update("filled", sz="0.0")
    report = world.report()
    assert (report.kind, report.filled) == (ReportKind.ACCEPTED, 500)
    world.answer({"error": "Cannot modify canceled or filled order"})
    assert world.report().kind is ReportKind.REPLACE_REJECTED
    world = await modifying()
    world.update("canceled", sz="0.04")
    world.answer({"error": "Cannot modify canceled or filled order"})
    told = world.events.take()
    assert [(each.kind, each.filled) for each in told] == [
        (ReportKind.REPLACE_REJECTED, None),
        (ReportKind.CANCELED, 100),
    ]


async def test_without_it_the_kernel_cancels_and_places() -> None:
    world = await World().ready()
    assert not world.client.capabilities_of(PERP).amend


# -- what the feeds tell -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        ("open", ReportKind.ACCEPTED, ""),
        ("triggered", ReportKind.ACCEPTED, ""),
        ("canceled", ReportKind.CANCELED, ""),
        ("marginCanceled", ReportKind.CANCELED, "marginCanceled"),
        ("scheduledCancel", ReportKind.CANCELED, "scheduledCancel"),
        ("newWordCanceled", ReportKind.CANCELED, "newWordCanceled"),
        ("badAloPxRejected", ReportKind.REJECTED, "badAloPxRejected"),
        ("iocCancelRejected", ReportKind.EXPIRED, "iocCancelRejected"),
        ("rejected", ReportKind.REJECTED, "rejected"),
    ],
)
async def test_statuses(status: str, kind: ReportKind, reason: str) -> None:
    world = await World().ready()
    world.update(status, sz="0.04")
    report = world.report()
    assert (report.kind, report.reason, report.filled) == (kind, reason, 100)
    assert report.exchange_ns == (START_MS + 5) * MS


async def test_a_status_without_a_meaning_is_not_understood() -> None:
    world = await World().ready()
    world.update("teleported")
    world.update("open", coin="BTC")  # not of this run
    assert world.events.take() == []
    assert len(world.link.faults) == 1


async def test_fills_are_told_as_they_happen_and_not_again() -> None:
    world = await World().ready()
    for frame in (
        {"isSnapshot": True, "user": ACCOUNT, "fills": [fill(tid=1)]},
        {"user": ACCOUNT, "fills": [fill(), fill(coin="BTC")]},
    ):
        world.link.receive(CONN, {"channel": "userFills", "data": frame})
    (told,) = world.events.take()
    assert isinstance(told, Fill)
    assert (told.client_order_id, told.trade_id, told.exchange_order_id) == ("a1", f"{START_MS}-745-77", "77")
    assert (told.side, told.price, told.size, told.liquidity) == (Side.BUY, 301_250, 200, Liquidity.MAKER)
    assert (told.fee, told.fee_asset, told.exchange_made) == (Decimal("0.009"), "USDC", False)


async def test_fills_without_a_client_id_are_found_by_the_exchanges() -> None:
    world = await World().ready()
    world.client.place(order())
    world.answer({"resting": {"oid": 77}})
    frame = {"user": ACCOUNT, "fills": [fill(cloid=None), fill(cloid=None, oid=5, fee="-0.001")]}
    world.link.receive(CONN, {"channel": "userFills", "data": frame})
    assert [each.client_order_id for each in world.events.take() if isinstance(each, Fill)] == ["a1", ""]


@pytest.mark.parametrize(
    ("changes", "exchange_made"),
    [
        ({"liquidation": {"liquidatedUser": ACCOUNT.upper().replace("X", "x"), "method": "market"}}, True),
        ({"liquidation": {"liquidatedUser": VAULT, "method": "market"}}, False),
        ({"dir": "Auto-Deleveraging", "px": "3012.567"}, True),
    ],
)
async def test_what_the_exchange_trades_by_itself(changes: dict[str, Any], exchange_made: bool) -> None:
    world = await World().ready()
    frame = {"user": ACCOUNT, "fills": [fill(**changes)]}
    world.link.receive(CONN, {"channel": "userFills", "data": frame})
    (told,) = world.events.take()
    assert isinstance(told, Fill)
    assert told.exchange_made is exchange_made


async def test_funding_is_told() -> None:
    world = await World().ready()
    entry = {"time": START_MS, "coin": "ETH", "usdc": "-0.25", "szi": "1.0", "fundingRate": "0.0000125"}
    world.link.receive(
        CONN, {"channel": "userFundings", "data": {"user": ACCOUNT, "isSnapshot": True, "fundings": [entry]}}
    )
    world.link.receive(CONN, {"channel": "userFundings", "data": {"user": ACCOUNT, "fundings": [entry]}})
    (told,) = world.events.take()
    assert told == Funding(
        instrument=PERP,
        payment_id=str(START_MS),
        amount=Decimal("-0.25"),
        asset="USDC",
        exchange_ns=START_NS,
    )


@pytest.mark.parametrize(
    "frame", [b"hello", b'{"channel":"x"}', b'{"channel":"userFills","data":{"fills":[1]}}']
)
async def test_frames_that_are_not_understood_are_counted(frame: bytes) -> None:
    world = await World().ready()
    world.link.receive(CONN, frame)
    assert len(world.link.faults) == 1


# -- questions -----------------------------------------------------------------------------------------


def listed(**changes: Any) -> dict[str, Any]:
    return {
        "coin": "ETH", "side": "B", "limitPx": "3012.5", "sz": "0.03", "oid": 77, "timestamp": START_MS,
        "triggerCondition": "N/A", "isTrigger": False, "triggerPx": "0.0", "children": [],
        "isPositionTpsl": False, "reduceOnly": False, "orderType": "Limit", "origSz": "0.05", "tif": "Alo",
        "cloid": cloid_of("a1"),
    } | changes  # fmt: skip


async def test_open_orders() -> None:
    world = await World().ready()
    stop = {"isTrigger": True, "triggerPx": "2900.0", "orderType": "Stop Market", "tif": None, "oid": 78}
    world.link.infos["frontendOpenOrders"] = [
        listed(),
        listed(coin="BTC"),
        listed(**stop, side="A", reduceOnly=True, cloid=None),
        listed(oid=79, coin="@107", cloid="0x" + "0" * 31 + "1"),
    ]
    first, second, third = await world.client.open_orders()
    assert (first.client_order_id, first.post_only, first.type) == ("a1", True, OrderType.LIMIT)
    assert (first.price, first.size, first.report.filled) == (301_250, 500, 200)
    assert (second.client_order_id, second.side, second.reduce_only) == ("", Side.SELL, True)
    assert (second.type, second.price, second.trigger_price) == (OrderType.STOP_MARKET, None, 290_000)
    assert (third.instrument, third.client_order_id) == (SPOT, "0x" + "0" * 31 + "1")


async def test_what_became_of_an_order_is_counted_from_its_fills() -> None:
    world = await World().ready()
    asked = order(created_ns=START_NS)
    update = {"order": listed(sz="0.05"), "status": "open", "statusTimestamp": START_MS}
    world.link.infos["orderStatus"] = {"status": "order", "order": update}
    world.link.infos["userFillsByTime"] = [fill(), fill(tid=746, sz="0.01"), fill(cloid=None, oid=5)]
    world.client.query(asked)
    world.client.query(asked)  # is under way
    await world.link.work()
    *fills, report = world.events.take()
    assert [each.size for each in fills] == [200, 100]
    assert (report.kind, report.filled, report.price, report.size) == (
        ReportKind.ACCEPTED,
        300,
        301_250,
        500,
    )
    assert {asked["oid"] for asked in world.link.asked if asked["type"] == "orderStatus"} == {cloid_of("a1")}
    assert [asked["type"] for asked in world.link.asked].count("orderStatus") == 1


async def test_a_modified_order_is_the_sum_of_all_it_was() -> None:
    world = await World(modify=True).ready()
    update = {"order": listed(oid=78, sz="0.02", origSz="0.04"), "status": "canceled", "statusTimestamp": 1}
    world.link.infos["orderStatus"] = {"status": "order", "order": update}
    world.link.infos["userFillsByTime"] = [fill(), fill(oid=78, tid=2, sz="0.01")]
    world.client.query(order())
    await world.link.work()
    report = world.events.take()[-1]
    assert (report.kind, report.filled, report.size) == (ReportKind.CANCELED, 300, 600)


async def test_an_order_that_the_exchange_does_not_know() -> None:
    world = await World().ready()
    world.link.infos["orderStatus"] = {"status": "unknownOid"}
    world.link.clock.advance(S)
    world.client.query(order())
    await world.link.work()
    report = world.report()
    assert (report.kind, report.asked_ns) == (ReportKind.NOT_FOUND, START_NS + S)
    assert await world.client.order_status(PERP, "a1") is None


@pytest.mark.parametrize("answer", [rest_answer("", 500), {"status": "order"}, rest_answer("<html>", 200)])
async def test_a_question_without_an_answer_is_none(answer: Any) -> None:
    world = await World().ready()
    world.link.infos["orderStatus"] = answer
    world.client.query(order())
    await world.link.work()
    assert world.events.take() == []
    with pytest.raises(TransportError):
        await world.client.order_status(PERP, "a1")


async def test_executions_of_several_instruments_are_asked_for_once() -> None:
    world = await World().ready()
    world.link.infos["userFillsByTime"] = [fill(), fill(coin="@107", tid=2, feeToken="HYPE")]
    world.link.asked.clear()
    for _ in range(2):
        assert [each.fee_asset for each in await world.client.executions(PERP, START_NS)] == ["USDC"]
        assert [each.fee_asset for each in await world.client.executions(SPOT, START_NS)] == ["HYPE"]
    # Whoever asks again wants to know what is new.
    assert len(world.link.asked) == 2


async def test_long_answers_come_in_pages() -> None:
    world = await World().ready()
    rows = [fill(time=START_MS + number // 3, tid=number + 1) for number in range(4_500)]

    def answer(asked: Mapping[str, Any]) -> Any:
        return [row for row in rows if row["time"] >= asked["startTime"]][:2000]

    world.link.infos["userFillsByTime"] = answer
    found = await world.client.executions(PERP, START_NS)
    assert [each.trade_id for each in found] == [f"{row['time']}-{row['tid']}-77" for row in rows]


async def test_fundings_have_the_ids_of_the_feed() -> None:
    world = await World().ready()
    delta = {"type": "funding", "coin": "ETH", "usdc": "-0.25", "szi": "1.0", "fundingRate": "0.0"}
    world.link.infos["userFunding"] = [{"time": START_MS, "hash": "0x0", "delta": delta}]
    (found,) = await world.client.fundings(PERP, START_NS)
    assert (found.payment_id, found.amount) == (str(START_MS), Decimal("-0.25"))


async def test_positions_and_balances() -> None:
    world = await World().ready()
    (position,) = await world.client.positions()
    assert position == PositionReport(
        instrument=PERP, size=Size(-335), entry_price=Decimal("2986.3"), exchange_ns=START_NS
    )
    world.link.infos["clearinghouseState"] = infos()["clearinghouseState"] | {"assetPositions": []}
    (position,) = await world.client.positions()
    assert (position.size, position.entry_price) == (0, None)
    world.link.infos["clearinghouseState"] = infos()["clearinghouseState"]
    balances = await world.client.balances()
    # 1000.5 counts half a dollar that the positions would bring.
    assert [(each.wallet, each.asset, each.total, each.locked) for each in balances] == [
        ("perps", "USDC", Decimal("1000.0"), 0),
        ("spot", "USDC", Decimal("14.62"), 4),
        ("spot", "HYPE", 3, Decimal("1.5")),
        ("spot", "PURR", 0, 0),
    ]
    assert {world.client.wallet_of(each) for each in (PERP, SPOT)} == {"perps", "spot"}


async def test_listed_orders_are_cancelled_by_their_ids() -> None:
    world = await World().ready()
    world.link.infos["frontendOpenOrders"] = [listed(), listed(oid=79, coin="@107", cloid=None)]
    gone = {"error": "Order was never placed, already canceled, or filled. asset=1"}
    response = {"type": "cancel", "data": {"statuses": ["success", gone]}}
    world.link.infos["cancel"] = {"status": "ok", "response": response}
    orders = await world.client.open_orders()
    assert await world.client.cancel_orders(orders) == ["a1", ""]
    assert world.link.asked[-1]["action"]["cancels"] == [{"a": 1, "o": 77}, {"a": 10_107, "o": 79}]
    world.link.infos["cancel"] = {"status": "err", "response": "Vault not registered: 0x1"}
    with pytest.raises(TransportError, match="Vault not registered"):
        await world.client.cancel_orders(orders)


# -- the switch, the budget, the clock -----------------------------------------------------------------


async def test_the_dead_mans_switch() -> None:
    world = await World().ready()
    world.client.arm_dead_man(60 * S)
    world.client.arm_dead_man(S)
    world.client.arm_dead_man(0)
    actions = [json.loads(call.request.body)["action"] for call in world.link.calls]
    assert actions == [
        {"type": "scheduleCancel", "time": START_MS + 60_000},
        {"type": "scheduleCancel", "time": START_MS + 6_000},
        {"type": "scheduleCancel"},
    ]
    world.link.calls[0].answer({"status": "ok", "response": {"type": "default"}})
    assert not world.link.warnings
    text = "Cannot set scheduled cancel time until enough volume traded. Required: $1000000. Traded: $3."
    world.link.calls[1].answer({"status": "err", "response": text})
    assert "enough volume" in world.link.warnings[0]


async def test_the_budget_of_actions_is_followed() -> None:
    world = await World().start()
    (call,) = world.link.calls
    assert json.loads(call.request.body) == {"type": "userRateLimit", "user": ACCOUNT}
    call.answer({"cumVlm": "1", "nRequestsUsed": 10_000, "nRequestsCap": 10_000, "nRequestsSurplus": 0})
    assert world.link.limits == {limits.ACTIONS: 1}
    assert "0 of 10000 actions are left" in world.link.warnings[0]
    world.link.clock.advance(60 * S)
    (call,) = [each for each in world.link.calls[1:] if b"userRateLimit" in each.request.body]
    call.answer({"cumVlm": "1", "nRequestsUsed": 10_000, "nRequestsCap": 19_000})
    assert world.link.limits == {limits.ACTIONS: limits.ACTIONS_PER_WINDOW}
    await world.client.stop()
    asked = len(world.link.calls)
    world.link.clock.advance(600 * S)
    assert len(world.link.calls) == asked


async def test_requests_carry_the_exchanges_time() -> None:
    world = World()
    world.link.infos["clearinghouseState"] = infos()["clearinghouseState"] | {"time": START_MS - 90_000}
    await world.ready()
    assert "90.000 s ahead of the exchange's" in world.link.warnings[0]
    world.client.place(order())
    assert world.payload["nonce"] == START_MS - 90_000
    assert world.payload["expiresAfter"] == START_MS - 85_000


async def test_a_clock_that_was_set_is_measured_anew() -> None:
    world = await World().ready()
    world.client.place(order())
    world.refuse("Action already expired")
    (call,) = world.link.calls
    hour = 3_600_000
    call.answer(infos()["clearinghouseState"] | {"time": START_MS + hour})
    world.client.place(order())
    assert world.payload["nonce"] == START_MS + hour


@pytest.mark.parametrize("time", [10**30, 250_000_000_000_000, -1])
async def test_a_time_that_nothing_can_be_signed_with_is_not_taken(time: int) -> None:
    world = await World().ready()
    world.link.clock.advance(60 * S)
    world.link.calls[-1].answer(infos()["clearinghouseState"] | {"time": time})
    assert [conn for conn, _, _ in world.link.faults] == ["time of the exchange"]
    world.client.place(order())
    assert world.payload["nonce"] == START_MS + 60_000


def test_every_cost_is_a_published_limit() -> None:
    published = {limit.name for limit in (*limits.RATE_LIMITS, *limits.ORDER_LIMITS)}
    for over_socket in (True, False):
        for cancels in (True, False):
            costs = limits.action_costs(41, over_socket=over_socket, cancels=cancels)
            assert {name for name, _ in costs} <= published
            assert dict(costs)["weight"] == 2


async def test_a_modification_that_is_carried_out_after_all_is_found_out() -> None:
    world = await modifying()
    world.link.clock.advance(3 * S)
    assert world.report().kind is ReportKind.UNKNOWN
    # It is asked about too early: the exchange has not got to it.
    status = {"order": listed(sz="0.05"), "status": "open", "statusTimestamp": START_MS}
    world.link.infos["orderStatus"] = {"status": "order", "order": status}
    asked = order(exchange_order_id="77")
    world.client.query(asked)
    await world.link.work()
    assert world.report().kind is ReportKind.ACCEPTED
    # Now it does: that the earlier one is cancelled ends nothing.
    status["order"] = listed(oid=78, sz="0.06", origSz="0.06", limitPx="3013.0")
    world.update("canceled")
    await world.link.work()
    report = world.report()
    assert (report.kind, report.exchange_order_id) == (ReportKind.REPLACED, "78")
    assert (report.price, report.size) == (301_300, 600)
