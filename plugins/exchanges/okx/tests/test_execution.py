"""Trading by the exchange's rules, against a network that the test plays."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hft import (
    ApprovedOrder,
    BalanceReport,
    DecodeError,
    Fill,
    Instrument,
    InstrumentId,
    InstrumentKind,
    Liquidity,
    Order,
    OrderEntry,
    OrderError,
    OrderReport,
    OrderState,
    OrderType,
    PositionMode,
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
    UsageError,
)
from hft.testing.link import FakeLink, NotedEvents
from hft_okx import Config, OkxExecution
from hft_okx.config import AccountLevel, MarginMode, SelfTradePrevention, SpotMode
from hft_okx.signing import Signer

START_NS = 1_790_000_000_000_000_000
SECOND_NS = 1_000_000_000
KEY, SECRET, PASSPHRASE = "vectorKey", "vectorSecret", "Vector-Pass_1"
PRIVATE = "wss://ws.okx.com:8443/ws/v5/private"
MESSAGES = Path(__file__).resolve().parents[4].parent / "shared" / "messages" / "okx" / "account"


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


# -- logging in ------------------------------------------------------------------------------------


async def test_it_logs_in_subscribes_and_is_ready_when_all_is_acknowledged() -> None:
    world = await World(SWAP).start()
    world.link.open(PRIVATE)
    assert world.frame == {
        "op": "login",
        "args": [Signer(Secret(KEY), Secret(SECRET), Secret(PASSPHRASE)).login(START_NS)],
    }
    world.link.receive(PRIVATE, {"event": "login", "code": "0", "msg": "", "connId": "a"})
    channels = [arg["channel"] for arg in world.frame["args"]]
    assert channels == ["orders", "account", "positions", "balance_and_position"]
    for arg in world.frame["args"]:
        assert world.events.take() == []
        world.link.receive(PRIVATE, {"event": "subscribe", "arg": arg, "connId": "a"})
    assert world.events.take() == ["ready"]


@pytest.mark.parametrize("code", ["60004", "60005", "60006", "60007", "60009", "60024", "60032"])
async def test_a_login_that_is_refused_is_tried_again(code: str) -> None:
    world = await World(SWAP).start()
    world.link.open(PRIVATE)
    world.link.receive(PRIVATE, {"event": "error", "code": code, "msg": "Login failed.", "connId": "a"})
    assert code in world.link.warnings[-1]
    world.link.sends.clear()
    world.link.clock.advance(2 * SECOND_NS)
    assert world.frame["op"] == "login"
    measured = any(call.call.shown.endswith("/public/time") for call in world.link.calls)
    assert measured is (code in ("60004", "60006"))
    world.log_in()
    assert world.events.take() == ["ready"]


async def test_no_answer_to_the_login_means_to_connect_again() -> None:
    world = await World(SWAP).start()
    world.link.open(PRIVATE)
    world.link.clock.advance(6 * SECOND_NS)
    assert world.link.connects == [PRIVATE, PRIVATE]


async def test_a_subscription_that_is_refused_is_tried_again() -> None:
    world = await World(SWAP).start()
    world.link.open(PRIVATE)
    world.link.receive(PRIVATE, {"event": "login", "code": "0"})
    first, *_ = world.frame["args"]
    world.link.receive(PRIVATE, {"event": "subscribe", "arg": first})
    refusal = {"event": "channel-conn-count-error", "channel": "account", "connCount": "20", "connId": "a"}
    world.link.receive(PRIVATE, refusal)
    world.link.clock.advance(2 * SECOND_NS)
    assert [arg["channel"] for arg in world.frame["args"]] == ["account", "positions", "balance_and_position"]
    for arg in world.frame["args"]:
        world.link.receive(PRIVATE, {"event": "subscribe", "arg": arg})
    assert world.events.take() == ["ready"]


async def test_a_session_that_was_logged_out_is_lost_and_logs_in_again() -> None:
    world = await World(SWAP).ready()
    world.link.receive(PRIVATE, {"event": "error", "code": "60011", "msg": "Please log in"})
    (lost,) = world.events.take()
    assert lost.startswith("lost: logged out")
    assert world.frame["op"] == "login"
    with pytest.raises(OrderError):
        world.client.place(order(SWAP))


async def test_an_answer_that_says_so_logs_in_again_as_well() -> None:
    world = await World(SWAP).ready()
    world.client.place(order(SWAP))
    world.answer(code="60011", msg="Please log in")
    report, lost = world.events.take()
    assert (report.kind, report.reason) == (ReportKind.REJECTED, "not sent: Please log in")
    assert lost.startswith("lost: logged out")
    assert world.frame["op"] == "login"
    world.log_in()
    assert world.events.take() == ["ready"]


async def test_the_exchange_announces_that_it_closes_the_connection() -> None:
    world = await World(SWAP).ready()
    world.link.receive(PRIVATE, {"event": "notice", "code": "64008", "msg": "upgrade", "connId": "a"})
    assert world.link.connects == [PRIVATE, PRIVATE]
    assert world.events.take() == ["lost: the private connection broke"]


async def test_pongs_are_understood_and_nonsense_is_not() -> None:
    world = await World(SWAP).ready()
    world.link.receive(PRIVATE, b"pong")
    world.link.receive(PRIVATE, {"event": "channel-conn-count", "channel": "orders", "connCount": "2"})
    assert not world.link.faults
    for frame in (b"", b"{}", b"[]", b"\xff", {"event": "unheard"}, {"arg": {"channel": "x"}, "data": []}):
        world.link.receive(PRIVATE, frame)
    assert len(world.link.faults) == 6
    assert world.link.specs[PRIVATE].ping == b"ping"


# -- placing ---------------------------------------------------------------------------------------


async def test_placing_over_the_websocket_and_what_the_answer_tells() -> None:
    world = await World(SWAP).ready()
    world.client.place(order(SWAP))
    assert world.frame == {
        "id": "1",
        "op": "order",
        "args": [
            {"instIdCode": 10459, "tdMode": "cross", "side": "buy", "ordType": "limit", "sz": "1.00",
             "px": "60000.0", "clOrdId": "a1"}
        ],
        "expTime": str(START_NS // 1_000_000 + 5_000),
    }  # fmt: skip
    send = world.link.sends[-1]
    assert send.priority is Priority.NEW
    assert send.costs == (("place BTC-USDT-SWAP", 1), ("sub-account orders", 1))
    world.answer(item())
    report = world.report()
    assert (report.kind, report.exchange_order_id) == (ReportKind.ACCEPTED, "77")


async def test_the_exchanges_time_is_used() -> None:
    world = World(SWAP)
    world.link.answers["GET /api/v5/public/time"] = ok({"ts": str(START_NS // 1_000_000 + 7_000)})
    await world.ready()
    world.client.place(order(SWAP))
    assert world.frame["expTime"] == str(START_NS // 1_000_000 + 12_000)
    assert any("behind" in line for line in world.link.warnings)


@pytest.mark.parametrize(
    ("traded", "changes", "expected"),
    [
        (SWAP, {"side": Side.SELL}, {"side": "sell", "ordType": "limit"}),
        (SWAP, {"post_only": True}, {"ordType": "post_only"}),
        (SWAP, {"time_in_force": TimeInForce.IOC}, {"ordType": "ioc"}),
        (SWAP, {"time_in_force": TimeInForce.FOK}, {"ordType": "fok"}),
        (SWAP, {"reduce_only": True}, {"reduceOnly": True}),
        (SWAP, {"type": OrderType.MARKET, "price": None}, {"ordType": "market", "px": None, "tgtCcy": None}),
        (SPOT, {}, {"tdMode": "cash", "sz": "0.00000100", "instIdCode": 1}),
        (SPOT, {"type": OrderType.MARKET, "price": None}, {"ordType": "market", "tgtCcy": "base_ccy"}),
    ],
)
async def test_kinds_of_orders(traded: Instrument, changes: dict[str, Any], expected: dict[str, Any]) -> None:
    world = await World(traded).ready()
    world.client.place(order(traded, **changes))
    (arg,) = world.frame["args"]
    assert {name: arg.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("traded", "changes"),
    [
        (SPOT, {"reduce_only": True}),
        (SPOT, {"position_side": PositionSide.LONG}),
        (SWAP, {"position_side": PositionSide.LONG}),
        (SWAP, {"price": None}),
        (SWAP, {"type": OrderType.MARKET}),
        (SWAP, {"type": OrderType.MARKET, "price": None, "post_only": True}),
        (SWAP, {"type": OrderType.STOP_LIMIT, "trigger_price": Price(1)}),
        (SWAP, {"post_only": True, "time_in_force": TimeInForce.IOC}),
        (SWAP, {"time_in_force": TimeInForce.GTD, "expire_ns": START_NS}),
        (SWAP, {"client_order_id": "with-dash"}),
        (SWAP, {"client_order_id": "a" * 33}),
        (SWAP, {"client_order_id": ""}),
    ],
)
async def test_orders_that_the_exchange_does_not_have(traded: Instrument, changes: dict[str, Any]) -> None:
    world = await World(traded).ready()
    with pytest.raises(OrderError):
        world.client.place(order(traded, **changes))
    assert not world.link.sends


@pytest.mark.parametrize(
    ("changes", "position_side"),
    [
        ({"position_side": PositionSide.LONG}, "long"),
        ({"position_side": PositionSide.SHORT}, "short"),
        ({"position_side": PositionSide.LONG, "side": Side.SELL, "reduce_only": True}, "long"),
    ],
)
async def test_positions_of_two_sides(changes: dict[str, Any], position_side: str) -> None:
    world = World(SWAP, position_mode=PositionMode.HEDGE, config=account(posMode="long_short_mode"))
    await world.ready()
    assert world.client.capabilities_of(SWAP).hedge
    world.client.place(order(SWAP, **changes))
    (arg,) = world.frame["args"]
    assert (arg["posSide"], arg.get("reduceOnly")) == (position_side, None)


@pytest.mark.parametrize(
    "changes", [{}, {"position_side": PositionSide.LONG, "reduce_only": True}], ids=["no side", "opens"]
)
async def test_two_sides_and_an_order_that_fits_none(changes: dict[str, Any]) -> None:
    world = World(SWAP, position_mode=PositionMode.HEDGE, config=account(posMode="long_short_mode"))
    await world.ready()
    with pytest.raises(OrderError):
        world.client.place(order(SWAP, **changes))


@pytest.mark.parametrize(
    ("level", "margin", "spot", "swap"),
    [
        ("2", MarginMode.CROSS, "cash", "cross"),
        ("2", MarginMode.ISOLATED, "cash", "isolated"),
        ("3", MarginMode.CROSS, "cross", "cross"),
        ("4", MarginMode.CROSS, "cross", "cross"),
    ],
)
async def test_the_trade_mode_follows_the_accounts_mode(
    level: str, margin: MarginMode, spot: str, swap: str
) -> None:
    world = await World(SPOT, SWAP, margin_mode=margin, config=account(acctLv=level)).ready()
    for traded, mode in ((SPOT, spot), (SWAP, swap)):
        world.client.place(order(traded))
        assert world.frame["args"][0]["tdMode"] == mode


async def test_the_trade_mode_of_spot_can_be_said() -> None:
    world = await World(SPOT, spot_mode=SpotMode.CASH, config=account(acctLv="3")).ready()
    world.client.place(order(SPOT))
    assert world.frame["args"][0]["tdMode"] == "cash"


async def test_what_margin_trading_has_in_a_pair_of_spot_is_no_position() -> None:
    world = await World(SPOT, SWAP).ready()
    margin = {"instId": "BTC-USDT", "instType": "MARGIN", "pos": "1", "posSide": "net", "avgPx": "60000"}
    world.push("positions", margin)
    assert world.events.take() == []
    world.link.answers["GET /api/v5/account/positions"] = ok(margin)
    assert [(each.instrument, each.size) for each in await world.client.positions()] == [(SWAP, 0)]


async def test_self_trade_prevention_and_tag() -> None:
    world = await World(SWAP, self_trade_prevention=SelfTradePrevention.EXPIRE_BOTH, tag="maker1").ready()
    world.client.place(order(SWAP))
    (arg,) = world.frame["args"]
    assert (arg["stpMode"], arg["tag"]) == ("cancel_both", "maker1")
    with pytest.raises(OrderError):  # the exchange's own rule
        world.client.place(order(SWAP, time_in_force=TimeInForce.FOK))


async def test_an_exchange_that_lists_no_codes_is_told_names() -> None:
    world = World(SWAP)
    world.link.answers["GET /api/v5/public/instruments"] = ok()
    await world.ready()
    assert any("no code" in line for line in world.link.warnings)
    world.client.place(order(SWAP))
    assert world.frame["args"][0]["instId"] == "BTC-USDT-SWAP"


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        ("51008", ReportKind.REJECTED, "Order failed."),
        ("51020", ReportKind.REJECTED, "Order failed."),
        ("50061", ReportKind.REJECTED, "not sent: Order failed."),
        ("51016", ReportKind.UNKNOWN, "Order failed."),
        ("50004", ReportKind.UNKNOWN, "Order failed."),
    ],
)
async def test_a_refusal_of_one_order(code: str, kind: ReportKind, reason: str) -> None:
    world = await World(SWAP).ready()
    world.client.place(order(SWAP))
    world.answer(item(code=code, msg="Order failed.", order_id=""), code="1", msg="All operations failed")
    report = world.report()
    assert (report.kind, report.code, report.reason) == (kind, code, reason)
    assert world.link.refusals == ([("sub-account orders", 0)] if code == "50061" else [])


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("60013", ReportKind.REJECTED),
        ("50011", ReportKind.REJECTED),
        ("60014", ReportKind.REJECTED),
        ("50036", ReportKind.REJECTED),
        ("50026", ReportKind.UNKNOWN),
    ],
)
async def test_a_refusal_of_the_whole_request(code: str, kind: ReportKind) -> None:
    world = await World(SWAP).ready()
    world.client.place(order(SWAP))
    world.answer(code=code, msg="")
    assert world.report().kind is kind
    if code in ("50011", "60014"):
        assert world.link.refusals == [("place BTC-USDT-SWAP", 0), ("sub-account orders", 0)]


async def test_no_answer_is_unknown_and_a_late_one_counts() -> None:
    world = await World(SWAP).ready()
    world.client.place(order(SWAP))
    world.link.clock.advance(2 * SECOND_NS)
    assert world.report().kind is ReportKind.UNKNOWN
    world.answer(item())
    assert world.report().kind is ReportKind.ACCEPTED


async def test_a_connection_that_breaks_leaves_requests_unknown() -> None:
    world = await World(SWAP).ready()
    world.client.place(order(SWAP))
    world.link.close(PRIVATE)
    lost, report = world.events.take()
    assert lost.startswith("lost")
    assert report.kind is ReportKind.UNKNOWN


async def test_a_connection_on_which_nothing_comes_is_replaced() -> None:
    world = await World(SWAP).ready()
    for _ in range(3):
        world.client.place(order(SWAP))
        world.link.clock.advance(2 * SECOND_NS)
    assert world.link.connects == [PRIVATE, PRIVATE]


@pytest.mark.parametrize(
    "data",
    [
        [],
        [item(), item("b1")],
        [item("somebody")],
    ],
)
async def test_an_answer_that_fits_not_is_no_evidence(data: list[dict[str, Any]]) -> None:
    world = await World(SWAP).ready()
    world.client.place(order(SWAP))
    world.answer(*data)
    assert world.report().kind is ReportKind.UNKNOWN


async def test_an_answer_that_cannot_be_read_is_no_evidence() -> None:
    world = await World(SWAP).ready()
    world.client.place(order(SWAP))
    world.link.receive(PRIVATE, {"id": "1", "op": "order", "code": "0", "data": [{"sCode": 5}]})
    assert world.report().kind is ReportKind.UNKNOWN
    assert len(world.link.faults) == 1


async def test_what_waits_and_is_not_wanted_any_more_is_not_sent() -> None:
    world = await World(SWAP).ready()
    world.link.holding = True
    world.client.place(order(SWAP))
    world.events.unwanted = "its book is not LIVE"
    world.link.release()
    report = world.report()
    assert (report.kind, report.reason) == (ReportKind.REJECTED, "not sent: its book is not LIVE")


async def test_a_batch_and_its_parts() -> None:
    world = await World(SWAP).ready()
    world.client.place_batch(
        [order(SWAP), order(SWAP, client_order_id="b1"), order(SWAP, client_order_id="c1")]
    )
    assert world.frame["op"] == "batch-orders"
    assert [arg["clOrdId"] for arg in world.frame["args"]] == ["a1", "b1", "c1"]
    assert world.link.sends[-1].costs == (("place batch BTC-USDT-SWAP", 3), ("sub-account orders", 3))
    world.answer(
        item("a1"),
        item("b1", "51020", "too small", ""),
        item("c1", "50026", "", ""),
        code="2",
        msg="Bulk operation partially succeeded.",
    )
    assert [(report.client_order_id, report.kind) for report in world.events.take()] == [
        ("a1", ReportKind.ACCEPTED),
        ("b1", ReportKind.REJECTED),
        ("c1", ReportKind.UNKNOWN),
    ]


# -- amending and cancelling -----------------------------------------------------------------------


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


# -- over REST -------------------------------------------------------------------------------------


async def test_orders_over_rest_are_signed_as_they_are_sent() -> None:
    world = await World(SWAP, order_entry=OrderEntry.REST, environment="demo").start()
    world.client.place(order(SWAP))
    (call,) = world.link.calls
    body = (
        '{"instId":"BTC-USDT-SWAP","tdMode":"cross","side":"buy","ordType":"limit","sz":"1.00",'
        '"px":"60000.0","clOrdId":"a1"}'
    )
    request = call.request
    assert request.body.decode() == body
    assert request.url == "https://openapi.okx.com/api/v5/trade/order"
    signer = Signer(Secret(KEY), Secret(SECRET), Secret(PASSPHRASE))
    assert request.headers == {
        **signer.headers("2026-09-21T14:13:20.000Z", "POST", "/api/v5/trade/order", body),
        "x-simulated-trading": "1",
        "expTime": str(START_NS // 1_000_000 + 5_000),
    }
    call.answer({"code": "0", "msg": "", "data": [item()]})
    assert world.report().kind is ReportKind.ACCEPTED
    assert not world.link.sends


async def test_a_batch_over_rest() -> None:
    world = await World(SPOT, order_entry=OrderEntry.REST).start()
    world.client.place_batch([order(SPOT), order(SPOT, client_order_id="b1")])
    (call,) = world.link.calls
    assert call.call.shown.endswith("/trade/batch-orders")
    assert call.request.body.startswith(b'[{"instId":"BTC-USDT",')
    assert call.call.costs == (("place batch BTC-USDT", 2),)
    call.answer({"code": "1", "msg": "", "data": [item("a1", "51008"), item("b1", "51008")]})
    assert [report.kind for report in world.events.take()] == [ReportKind.REJECTED] * 2


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ("<html>", 502, ReportKind.UNKNOWN),
        ("<html>", 200, ReportKind.UNKNOWN),
        ('{"code":"50011","msg":"Too Many Requests","data":[]}', 429, ReportKind.REJECTED),
        ('{"code":"50001","msg":"","data":[]}', 503, ReportKind.UNKNOWN),
        ('{"code":"50113","msg":"Invalid Sign","data":[]}', 401, ReportKind.REJECTED),
        ('{"code":"50102","msg":"Timestamp request expired","data":[]}', 401, ReportKind.REJECTED),
    ],
)
async def test_refusals_over_rest(body: str, status: int, kind: ReportKind) -> None:
    world = await World(SWAP, order_entry=OrderEntry.REST).start()
    world.client.place(order(SWAP))
    world.link.calls.pop().answer(body, status)
    assert world.report().kind is kind


@pytest.mark.parametrize(
    ("sent", "kind"),
    [(None, ReportKind.UNKNOWN), (True, ReportKind.UNKNOWN), (False, ReportKind.REJECTED)],
)
async def test_no_answer_over_rest(sent: bool | None, kind: ReportKind) -> None:
    world = await World(SWAP, order_entry=OrderEntry.REST).start()
    world.client.place(order(SWAP))
    world.link.calls.pop().fail(sent=sent)
    assert world.report().kind is kind


# -- what the private channels tell ----------------------------------------------------------------


async def test_a_fill_comes_before_the_report() -> None:
    world = await World(SWAP).ready()
    world.push("orders", filled())
    (fill,) = world.events.take()
    assert fill == Fill(
        client_order_id="a1",
        instrument=SWAP,
        trade_id="130",
        side=Side.BUY,
        price=Price(600_000),
        size=Size(40),
        liquidity=Liquidity.MAKER,
        fee=Decimal("0.12"),
        fee_asset="USDT",
        exchange_order_id="77",
        exchange_ns=1_790_000_000_090_000_000,
        recv_ns=START_NS,
    )
    world.push("orders", filled(state="filled", accFillSz="1", fillSz="0.6", tradeId="131", fillFee="0.01"))
    fill, report = world.events.take()
    assert (fill.size, fill.fee) == (60, Decimal("-0.01"))
    assert (report.kind, report.filled) == (ReportKind.ACCEPTED, 100)


async def test_a_push_without_the_price_of_its_fill_is_asked_about() -> None:
    world = await World(SWAP).ready()
    trade = {
        "instType": "SWAP", "instId": "BTC-USDT-SWAP", "tradeId": "130", "ordId": "77", "clOrdId": "a1",
        "billId": "9", "fillPx": "60000", "fillSz": "0.4", "side": "buy", "execType": "T", "feeCcy": "USDT",
        "fee": "-0.2", "ts": "1790000000090", "posSide": "net", "subType": "3",
    }  # fmt: skip
    world.link.answers["GET /api/v5/trade/fills"] = ok(trade)
    pushed = filled()
    del pushed["fillFee"]
    world.push("orders", pushed)
    await world.link.work()
    (fill,) = world.events.take()
    assert (fill.trade_id, fill.fee, fill.client_order_id) == ("130", Decimal("0.2"), "a1")


@pytest.mark.parametrize(
    ("source", "kind", "reason"),
    [
        ("1", ReportKind.CANCELED, ""),
        ("", ReportKind.CANCELED, ""),
        ("20", ReportKind.CANCELED, "dead man's switch"),
        ("31", ReportKind.EXPIRED, "post-only would take"),
        ("13", ReportKind.EXPIRED, "fill-or-kill could not fill"),
        ("14", ReportKind.EXPIRED, "immediate-or-cancel"),
        ("32", ReportKind.EXPIRED, "self-trade prevention"),
        ("99", ReportKind.EXPIRED, "cancelSource 99"),
    ],
)
async def test_why_an_order_ended(source: str, kind: ReportKind, reason: str) -> None:
    world = await World(SWAP).ready()
    world.push("orders", row(state="canceled", cancelSource=source, accFillSz="0.3"))
    report = world.report()
    assert (report.kind, report.reason, report.filled) == (kind, reason, 30)
    assert any("99" in line for line in world.link.warnings) is (source == "99")


async def test_what_the_exchange_trades_for_the_account() -> None:
    world = await World(SWAP).ready()
    world.push("orders", filled(state="filled", category="full_liquidation", clOrdId="", fillPx="60000.123"))
    (fill,) = world.events.take()
    assert (fill.exchange_made, fill.price, fill.client_order_id) == (True, 600_001, "")


async def test_orders_in_other_instruments_are_others_business() -> None:
    world = await World(SWAP).ready()
    world.push("orders", row(instId="ETH-USDT-SWAP"))
    assert world.events.take() == []
    assert not world.link.faults


@pytest.mark.parametrize(
    "changes", [{"state": "unheard"}, {"side": "both", "fillSz": "1", "tradeId": "1"}, {"uTime": "soon"}]
)
async def test_a_push_that_makes_no_sense_is_not_understood(changes: dict[str, Any]) -> None:
    world = await World(SWAP).ready()
    world.push("orders", row(**changes))
    assert len(world.link.faults) == 1


async def test_balances_and_positions() -> None:
    world = await World(SPOT, SWAP).ready()
    world.push(
        "account",
        {
            "uTime": "1",
            "details": [
                {
                    "ccy": "USDT",
                    "cashBal": "1000.5",
                    "ordFrozen": "100",
                    "frozenBal": "160",
                    "uTime": "1614846244194",
                }
            ],
        },
    )
    world.push(
        "positions",
        {"instId": "BTC-USDT-SWAP", "pos": "-1.5", "posSide": "net", "avgPx": "60000.05", "uTime": "2"},
        {"instId": "ETH-USDT-SWAP", "pos": "1", "posSide": "net"},
    )
    balance, position = world.events.take()
    assert balance == BalanceReport(
        exchange="okx",
        asset="USDT",
        total=Decimal("1000.5"),
        locked=Decimal(100),
        exchange_ns=1_614_846_244_194_000_000,
    )
    assert position == PositionReport(
        instrument=SWAP, size=Size(-150), entry_price=Decimal("60000.05"), exchange_ns=2_000_000
    )  # fmt: skip


async def test_a_funding_payment_is_looked_up() -> None:
    world = await World(SWAP).ready()
    bill = {"billId": "5", "instId": "BTC-USDT-SWAP", "ccy": "USDT", "balChg": "-0.5", "pnl": "-0.5",
            "ts": str(START_NS // 1_000_000), "type": "8", "subType": "173"}  # fmt: skip
    world.link.answers["GET /api/v5/account/bills"] = deque([ok(), ok(bill)])
    world.push("balance_and_position", {"pTime": str(START_NS // 1_000_000), "eventType": "funding_fee"})
    world.link.clock.advance(1)
    await world.link.work()
    assert world.events.take() == []
    world.link.clock.advance(3 * SECOND_NS)
    await world.link.work()
    (funding,) = world.events.take()
    assert (funding.payment_id, funding.amount, funding.asset) == ("5", Decimal("-0.5"), "USDT")


# -- the account over REST -------------------------------------------------------------------------


def queries(world: World, path: str) -> list[dict[str, str]]:
    return [
        dict(parse_qsl(urlsplit(url).query))
        for _, url in world.link.fetched
        if urlsplit(url).path == f"/api/v5{path}"
    ]


async def test_open_orders_page_by_page() -> None:
    world = await World(SWAP).start()
    first = [row(ordId=str(number), clOrdId=f"c{number}") for number in range(200, 100, -1)]
    world.link.answers["GET /api/v5/trade/orders-pending"] = deque(
        [ok(*first), ok(row(ordId="5", accFillSz="0.5"))]
    )
    found = await world.client.open_orders()
    assert len(found) == 101
    assert [query.get("after") for query in queries(world, "/trade/orders-pending")] == [None, "101"]
    last = found[-1]
    assert (last.report.kind, last.report.filled, last.size, last.price) == (
        ReportKind.ACCEPTED, 50, 100, 600_000,
    )  # fmt: skip


async def test_executions_come_in_their_order_from_the_list_that_goes_back_far_enough() -> None:
    world = await World(SWAP).start()
    trades = [
        {"instId": "BTC-USDT-SWAP", "tradeId": str(number), "ordId": "7", "clOrdId": "a1",
         "billId": str(number), "fillPx": "60000", "fillSz": "0.01", "side": "sell",
         "execType": "M", "feeCcy": "USDT",
         "fee": "-0.1", "ts": "1790000000000", "posSide": "net", "subType": "4"}
        for number in range(101, 0, -1)
    ]  # fmt: skip
    world.link.answers["GET /api/v5/trade/fills"] = deque([ok(*trades[:100]), ok(*trades[100:])])
    since_ns = START_NS - 3600 * SECOND_NS
    fills = await world.client.executions(SWAP, since_ns)
    assert [fill.trade_id for fill in fills] == [str(number) for number in range(1, 102)]
    first = {"instId": "BTC-USDT-SWAP", "begin": str(since_ns // 1_000_000)}
    assert queries(world, "/trade/fills") == [first, first | {"after": "2"}]
    world.link.answers["GET /api/v5/trade/fills-history"] = ok()
    await world.client.executions(SWAP, START_NS - 5 * 86_400 * SECOND_NS)
    assert len(queries(world, "/trade/fills-history")) == 1


async def test_an_order_is_asked_about_and_its_fills_first() -> None:
    world = await World(SWAP).start()
    world.link.answers["GET /api/v5/trade/order"] = ok(
        row(state="canceled", accFillSz="0.4", cancelSource="1")
    )
    world.link.answers["GET /api/v5/trade/fills"] = ok(
        {"instId": "BTC-USDT-SWAP", "tradeId": "130", "ordId": "77", "clOrdId": "a1", "billId": "1",
         "fillPx": "60000", "fillSz": "0.4", "side": "buy", "execType": "T", "feeCcy": "USDT", "fee": "-0.1",
         "ts": "1", "posSide": "net"}
    )  # fmt: skip
    world.client.query(order(SWAP))
    world.client.query(order(SWAP))
    await world.link.work()
    fill, report = world.events.take()
    assert (fill.trade_id, report.kind, report.filled) == ("130", ReportKind.CANCELED, 40)


async def test_an_order_that_the_exchange_does_not_know() -> None:
    world = await World(SWAP).start()
    world.link.answers["GET /api/v5/trade/order"] = {
        "code": "51603",
        "msg": "Order does not exist",
        "data": [],
    }
    world.client.query(order(SWAP))
    await world.link.work()
    report = world.report()
    assert (report.kind, report.asked_ns) == (ReportKind.NOT_FOUND, START_NS)
    assert await world.client.order_status(SWAP, "a1") is None


async def test_a_question_without_an_answer_tells_nothing() -> None:
    world = await World(SWAP).start()
    world.link.answers["GET /api/v5/trade/order"] = TransportError("cut")
    world.client.query(order(SWAP))
    await world.link.work()
    assert world.events.take() == []
    world.link.answers["GET /api/v5/trade/orders-pending"] = "<html>"
    with pytest.raises(TransportError):
        await world.client.open_orders()


async def test_fundings_of_one_instrument() -> None:
    world = await World(SWAP).start()
    bills = [
        {"billId": str(number), "instId": name, "ccy": "USDT", "balChg": change, "pnl": "0.7",
         "ts": str(START_NS // 1_000_000 - number)}
        for number, name, change in ((1, "BTC-USDT-SWAP", "0"), (2, "ETH-USDT-SWAP", "1"),
                                     (3, "BTC-USDT-SWAP", "-0.5"))
    ]  # fmt: skip
    world.link.answers["GET /api/v5/account/bills"] = ok(*bills)
    found = await world.client.fundings(SWAP, START_NS - SECOND_NS)
    assert [(each.payment_id, each.amount) for each in found] == [
        ("3", Decimal("-0.5")),
        ("1", Decimal("0.7")),
    ]
    assert queries(world, "/account/bills")[0]["type"] == "8"
    assert await world.client.fundings(SPOT, 0) == []


async def test_positions_and_balances() -> None:
    world = World(SPOT, SWAP, position_mode=PositionMode.HEDGE, config=account(posMode="long_short_mode"))
    await world.start()
    world.link.answers["GET /api/v5/account/positions"] = ok(
        {"instId": "BTC-USDT-SWAP", "pos": "1.5", "posSide": "short", "avgPx": "60000", "uTime": "1"}
    )
    found = await world.client.positions()
    assert [(each.position_side, each.size) for each in found] == [
        (PositionSide.LONG, 0),
        (PositionSide.SHORT, -150),
    ]
    world.link.answers["GET /api/v5/account/balance"] = ok(
        {"details": [{"ccy": "USDT", "cashBal": "5", "ordFrozen": ""}, {"ccy": "BTC", "cashBal": "0"}]}
    )
    (balance,) = await world.client.balances()
    assert (balance.asset, balance.total, balance.locked) == ("USDT", 5, 0)


async def test_cancelling_what_was_listed() -> None:
    world = await World(SPOT, SWAP).start()
    world.link.answers["GET /api/v5/trade/orders-pending"] = lambda url: (
        ok(row(), row(ordId="78", clOrdId="b1")) if "SWAP" in url
        else ok(row(instId="BTC-USDT", instType="MARGIN", ordId="9", clOrdId="c1"))
    )  # fmt: skip
    listed_orders = await world.client.open_orders()
    world.link.answers["POST /api/v5/trade/cancel-order"] = ok(item("c1"))
    world.link.answers["POST /api/v5/trade/cancel-batch-orders"] = {
        "code": "2", "msg": "", "data": [item(), item("b1", "51401")],
    }  # fmt: skip
    world.link.answers["GET /api/v5/trade/order"] = ok(row(state="canceled"))
    assert await world.client.cancel_orders(listed_orders) == ["c1", "a1", "b1"]
    world.link.answers["GET /api/v5/trade/order"] = ok(row(state="live"))
    with pytest.raises(TransportError):
        await world.client.cancel_orders(listed_orders)


@pytest.mark.parametrize(
    ("timeout_ns", "tag", "body"),
    [
        (60 * SECOND_NS, "", b'{"timeOut":"60"}'),
        (1_500_000_000, "", b'{"timeOut":"10"}'),
        (500 * SECOND_NS, "maker1", b'{"timeOut":"120","tag":"maker1"}'),
        (0, "", b'{"timeOut":"0"}'),
    ],
)
async def test_the_dead_mans_switch(timeout_ns: int, tag: str, body: bytes) -> None:
    world = await World(SWAP, tag=tag).start()
    world.client.arm_dead_man(timeout_ns)
    call = world.link.calls.pop()
    assert (call.call.shown, call.request.body) == ("openapi.okx.com/api/v5/trade/cancel-all-after", body)
    call.answer(ok({"triggerTime": "1", "ts": "1"}))
    assert not world.link.warnings
    world.client.arm_dead_man(timeout_ns)
    world.link.calls.pop().answer({"code": "51071", "msg": "", "data": []})
    assert "51071" in world.link.warnings[-1]


# -- what a start looks at -------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["key", "secret", "passphrase"])
def test_all_three_secrets_are_needed(missing: str) -> None:
    with pytest.raises(UsageError, match="passphrase"):
        World(SWAP, **{missing: None})


@pytest.mark.parametrize(
    ("traded", "changes", "options", "said"),
    [
        (SWAP, {"perm": "read_only,trade,withdraw"}, {}, "withdraw"),
        (SWAP, {"perm": "read_only"}, {}, "may not trade"),
        (SWAP, {"acctLv": "1"}, {}, "spot mode"),
        (SWAP, {"posMode": "long_short_mode"}, {}, "position_mode: hedge"),
        (SWAP, {}, {"position_mode": PositionMode.HEDGE}, "position_mode: one-way"),
        (SPOT, {}, {"account_level": AccountLevel.PORTFOLIO}, "futures mode"),
    ],
)
async def test_an_account_that_cannot_or_must_not_trade(
    traded: Instrument, changes: dict[str, Any], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        await World(traded, config=account(**changes), **options).start()


async def test_what_is_no_reason_to_refuse() -> None:
    await World(SPOT, config=account(acctLv="1", posMode="long_short_mode")).start()
    await World(SWAP, config=account(perm="trade,withdraw"), allow_withdrawals=True).start()
    untold = account()
    del untold["data"][0]["perm"]
    world = await World(SWAP, config=untold).start()
    assert any("withdraw" in line for line in world.link.warnings)


@pytest.mark.parametrize("code", ["50101", "50103", "50105", "50111", "50113", "50114", "50119"])
async def test_credentials_that_cannot_work(code: str) -> None:
    with pytest.raises(UsageError, match=code):
        await World(SWAP, config={"code": code, "msg": "no", "data": []}).start()


async def test_leverage() -> None:
    world = World(SWAP, max_leverage=5)
    world.link.answers["GET /api/v5/account/leverage-info"] = ok({"instId": "BTC-USDT-SWAP", "lever": "5"})
    await world.start()
    world = World(SWAP, max_leverage=5)
    world.link.answers["GET /api/v5/account/leverage-info"] = ok(
        {"instId": "BTC-USDT-SWAP", "lever": "3"}, {"instId": "BTC-USDT-SWAP", "lever": "10"}
    )
    with pytest.raises(UsageError, match="leverage 10"):
        await world.start()


async def test_limits_of_each_instrument_are_added() -> None:
    world = await World(SPOT, SWAP).start()
    assert world.link.limits["place BTC-USDT"] == 60
    assert world.link.limits["cancel batch BTC-USDT-SWAP"] == 300


async def test_a_wrong_time_is_measured_again_and_the_question_repeated() -> None:
    refused = {"code": "50102", "msg": "Timestamp request expired", "data": []}
    world = World(SWAP, config=deque([refused, account()]))
    await world.start()
    assert [url.rpartition("/")[2] for _, url in world.link.fetched][:4] == [
        "time",
        "config",
        "time",
        "config",
    ]


async def test_nothing_stays_on_the_clock() -> None:
    world = await World(SWAP).ready()
    await world.client.stop()
    world.link.calls.clear()
    world.link.clock.advance(600 * SECOND_NS)
    assert not world.link.calls


# -- recorded messages -----------------------------------------------------------------------------


@pytest.mark.skipif(not MESSAGES.is_dir(), reason="no messages beside the repository")
@pytest.mark.parametrize(
    "name", ["ws_orders", "ws_orders_fok", "ws_orders_ioc", "ws_orders_adl", "ws_orders_liquidation",
             "ws_orders_optimal_limit_ioc", "ws_account", "ws_account_empty"],
)  # fmt: skip
async def test_recorded_pushes_are_understood(name: str) -> None:
    world = await World(SPOT, SWAP).ready()
    world.link.answers["GET /api/v5/trade/fills"] = ok()
    world.link.receive(PRIVATE, (MESSAGES / f"{name}.json").read_bytes())
    await world.link.work()
    assert world.link.faults == []


@pytest.mark.skipif(not MESSAGES.is_dir(), reason="no messages beside the repository")
async def test_recorded_answers_are_understood() -> None:
    world = World(SPOT, SWAP, position_mode=PositionMode.HEDGE, config=account(posMode="long_short_mode"))
    await world.start()
    for path, name in (
        ("/trade/orders-pending", "http_get_orders_pending"),
        ("/account/positions", "http_get_positions"),
        ("/account/balance", "http_get_account_balance"),
    ):
        world.link.answers[f"GET /api/v5{path}"] = (MESSAGES / f"{name}.json").read_bytes()
    (pending,) = [each for each in await world.client.open_orders() if each.instrument is SWAP]
    assert (pending.size, pending.price, pending.position_side) == (10, 1_035_000, PositionSide.LONG)
    assert {each.size for each in await world.client.positions()} == {50, 0}
    assert [each.asset for each in await world.client.balances()] == ["USDT"]


# -- fuzzing ---------------------------------------------------------------------------------------

values = st.one_of(st.text(max_size=5), st.sampled_from(["", "0", "-1", "1e3", "NaN", "0.4"]), st.integers(),
                   st.none(), st.lists(st.integers(), max_size=2))  # fmt: skip


@given(st.dictionaries(st.sampled_from(sorted(row())), values, max_size=4), st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_push_is_taken_or_not_understood(changes: dict[str, Any], fills: bool) -> None:
    import asyncio

    async def put() -> None:
        world = await World(SWAP).ready()
        world.push("orders", (filled if fills else row)(**changes))
        for each in world.link.spawned:
            each.close()
        for told in world.events.take():
            if isinstance(told, Fill):
                assert told.size >= 0
                assert told.fee.is_finite()

    asyncio.run(put())


@given(st.binary(max_size=60))
def test_any_bytes_are_taken_or_not_understood(data: bytes) -> None:
    link, events = FakeLink("okx", start_ns=START_NS), NotedEvents()
    secrets = {"key": Secret(KEY), "secret": Secret(SECRET), "passphrase": Secret(PASSPHRASE)}
    client = OkxExecution(Config(**secrets), events, link)
    try:
        client.on_frame(PRIVATE, data, START_NS)
    except DecodeError:
        assert data != b"pong"
