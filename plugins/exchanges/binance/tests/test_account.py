"""What is asked about the account: whole lists, whatever their length, and what a start looks at."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from hft import (
    Fill,
    Instrument,
    InstrumentKind,
    OrderReport,
    OrderType,
    PositionMode,
    PositionSide,
    Price,
    ReportKind,
    Secret,
    Side,
    Size,
    TransportError,
    UsageError,
)
from hft.testing.link import FakeLink, NotedEvents, rest_answer
from hft_binance import BinanceExecution, Config

from .trading import KEY, SECOND_NS, SECRET, SPOT, START_NS, USDM, instrument, order

NOW_MS = START_NS // 1_000_000
DAY_MS = 86_400_000


class World:
    """A client, and an exchange that answers by REST what the test says."""

    def __init__(self, *instruments: Instrument, environment: str = "mainnet", **options: Any) -> None:
        self.link = FakeLink("binance", environment=environment, start_ns=START_NS)
        self.answers = self.link.answers
        self.answers |= {
            "GET /api/v3/time": {"serverTime": NOW_MS},
            "GET /fapi/v1/time": {"serverTime": NOW_MS},
            "GET /api/v3/exchangeInfo": {"rateLimits": []},
            "GET /fapi/v1/exchangeInfo": {"rateLimits": []},
            "GET /sapi/v1/account/apiRestrictions": {"enableWithdrawals": False},
            "GET /api/v3/account": {"canTrade": True, "balances": []},
            "GET /fapi/v1/accountConfig": {
                "canTrade": True,
                "dualSidePosition": False,
                "multiAssetsMargin": False,
            },
        }
        self.events = NotedEvents()
        self.instruments = instruments
        config = Config(**({"key": Secret(KEY), "secret": Secret(SECRET)} | options))
        self.client = BinanceExecution(config, self.events, self.link)
        self.link.client = self.client

    async def start(self) -> World:
        await self.client.start(self.instruments)
        self.link.fetched.clear()
        return self

    @property
    def asked(self) -> list[tuple[str, dict[str, str]]]:
        """Path and parameters of every request, without what signs it."""
        asked = []
        for _, url in self.link.fetched:
            parts = urlsplit(url)
            params = dict(parse_qsl(parts.query))
            for name in ("signature", "timestamp", "recvWindow"):
                params.pop(name, None)
            asked.append((parts.path, params))
        return asked


def params_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


# -- starting --------------------------------------------------------------------------------------------


async def test_without_a_key_there_is_no_trading() -> None:
    for options in ({"key": None}, {"secret": None}):
        with pytest.raises(UsageError, match="needs 'key' and 'secret'"):
            World(SPOT, **options)


async def test_only_the_products_of_the_run_are_asked_and_connected() -> None:
    world = World(USDM)
    await world.client.start([USDM])
    paths = {path for path, _ in world.asked}
    assert not {path for path in paths if path.startswith("/api/")}
    assert all("fapi" in spec.url or "fstream" in spec.url for spec in world.link.specs.values())
    nothing = World()
    await nothing.start()
    assert nothing.events.take() == ["ready"]
    assert nothing.link.fetched == []


@pytest.mark.parametrize(
    ("path", "answer", "options", "why"),
    [
        ("sapi/v1/account/apiRestrictions", {"enableWithdrawals": True}, {}, "may withdraw money"),
        ("sapi/v1/account/apiRestrictions", {"enableFutures": False}, {}, "may not trade usdm"),
        ("fapi/v1/accountConfig", {"canTrade": False}, {}, "usdm account may not trade"),
        (
            "fapi/v1/accountConfig",
            {"dualSidePosition": True},
            {},
            "in hedge mode, the profile says 'one-way'",
        ),
        ("fapi/v1/accountConfig", {}, {"position_mode": PositionMode.HEDGE}, "in one-way mode"),
        (
            "fapi/v1/accountConfig",
            {"multiAssetsMargin": True},
            {"multi_assets": False},
            "multi-assets mode is True",
        ),
        (
            "fapi/v1/symbolConfig",
            [{"symbol": "BTCUSDT", "leverage": 20}],
            {"max_leverage": 10},
            "BTCUSDT has leverage 20, the profile says at most 10",
        ),
        (
            "fapi/v1/accountConfig",
            rest_answer({"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}, 401),
            {},
            "check the credentials, environment 'mainnet'",
        ),
        (
            "sapi/v1/account/apiRestrictions",
            rest_answer({"code": -1022, "msg": "Signature for this request is not valid."}, 400),
            {},
            "-1022",
        ),
    ],
)
async def test_a_start_that_is_refused(path: str, answer: Any, options: dict[str, Any], why: str) -> None:
    world = World(USDM, **options)
    world.answers[f"GET /{path}"] = answer
    with pytest.raises(UsageError, match=why) as raised:
        await world.start()
    assert KEY not in str(raised.value)
    assert world.link.specs == {}


async def test_a_start_that_is_allowed_by_options() -> None:
    world = World(USDM, allow_withdrawals=True, position_mode=PositionMode.HEDGE, max_leverage=20)
    world.answers["GET /sapi/v1/account/apiRestrictions"] = {"enableWithdrawals": True}
    world.answers["GET /fapi/v1/accountConfig"] = {"dualSidePosition": True}
    world.answers["GET /fapi/v1/symbolConfig"] = [
        {"symbol": "BTCUSDT", "leverage": 20},
        {"symbol": "ETHUSDT", "leverage": 125},
    ]
    await world.start()
    assert world.client.capabilities_of(USDM).hedge


async def test_a_spot_account_that_may_not_trade() -> None:
    world = World(SPOT)
    world.answers["GET /api/v3/account"] = {"canTrade": False, "balances": []}
    with pytest.raises(UsageError, match="spot account may not trade"):
        await world.start()


@pytest.mark.parametrize("environment", ["testnet", "demo"])
async def test_where_the_key_s_rights_cannot_be_asked_that_is_said(environment: str) -> None:
    world = await World(SPOT, environment=environment).start()
    assert any("what the key may do cannot be asked" in each for each in world.link.warnings)
    world = World(SPOT)
    world.answers["GET /sapi/v1/account/apiRestrictions"] = rest_answer("not found", 404)
    await world.start()
    assert any("cannot be asked here" in each for each in world.link.warnings)


async def test_older_environments_tell_the_position_mode_by_itself() -> None:
    world = World(USDM)
    world.answers["GET /fapi/v1/accountConfig"] = rest_answer("", 404)
    world.answers["GET /fapi/v1/positionSide/dual"] = {"dualSidePosition": True}
    with pytest.raises(UsageError, match="in hedge mode"):
        await world.start()


async def test_an_outage_does_not_end_a_start() -> None:
    world = World(SPOT)
    outage = TransportError("cut")
    world.answers["GET /api/v3/time"] = deque(
        [
            outage,
            rest_answer("", 502),
            "<html>",
            lambda _: {"serverTime": world.link.clock.now_ns() // 1_000_000},
        ]
    )
    world.answers["GET /api/v3/account"] = deque([rest_answer("", 429), outage, {"balances": []}])
    starting = asyncio.ensure_future(world.client.start([SPOT]))
    for _ in range(100):
        await asyncio.sleep(0)
        world.link.clock.advance(30 * SECOND_NS)
    await starting
    assert len(world.link.warnings) == 5


@pytest.mark.parametrize(
    ("product", "asked"),
    [
        (SPOT, "/sapi/v1/account/apiRestrictions"),
        (SPOT, "/api/v3/account"),
        (USDM, "/fapi/v1/accountConfig"),
        (USDM, "/fapi/v1/symbolConfig"),
    ],
)
async def test_what_a_start_looks_at_is_asked_again_where_the_answer_was_cut(
    product: Instrument, asked: str
) -> None:
    world = World(product, max_leverage=5)
    world.answers["GET /fapi/v1/symbolConfig"] = []
    whole = world.answers[f"GET {asked}"]
    world.answers[f"GET {asked}"] = deque(['{"canTr', "<html>", whole])
    starting = asyncio.ensure_future(world.client.start([product]))
    for _ in range(100):
        await asyncio.sleep(0)
        world.link.clock.advance(30 * SECOND_NS)
    await starting
    assert [path for path, _ in world.asked].count(asked) == 3


async def test_the_exchange_s_time_is_what_is_signed_and_a_wrong_clock_is_said() -> None:
    world = World(SPOT)
    world.answers["GET /api/v3/time"] = {"serverTime": NOW_MS + 90_000}
    await world.client.start([SPOT])
    signed = [params_of(url) for _, url in world.link.fetched if "timestamp=" in url]
    assert signed
    assert {each["timestamp"] for each in signed} == {str(NOW_MS + 90_000)}
    assert any("90.000 s behind" in each for each in world.link.warnings)


async def test_the_exchange_s_time_is_measured_again_every_minute() -> None:
    world = await World(SPOT).start()
    for minute in range(1, 4):
        world.link.clock.advance(60 * SECOND_NS)
        assert len(world.link.calls) == minute
        world.link.calls[-1].answer({"serverTime": world.link.clock.now_ns() // 1_000_000})
    await world.client.stop()
    world.link.clock.advance(600 * SECOND_NS)
    assert len(world.link.calls) == 3


async def test_a_question_whose_time_was_refused_is_asked_once_more() -> None:
    world = await World(USDM).start()
    refused = rest_answer({"code": -1021, "msg": "Timestamp for this request is outside."}, 400)
    world.answers["GET /fapi/v3/balance"] = deque([refused, []])
    assert await world.client.balances() == []
    assert [path for path, _ in world.asked] == ["/fapi/v3/balance", "/fapi/v1/time", "/fapi/v3/balance"]
    world.answers["GET /fapi/v3/balance"] = refused
    with pytest.raises(TransportError, match="-1021"):
        await world.client.balances()


# -- one order -------------------------------------------------------------------------------------------


def listed(order_id: int, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "orderId": order_id,
        "clientOrderId": f"c{order_id}",
        "price": "60000.00",
        "origQty": "0.010",
        "executedQty": "0.000",
        "status": "NEW",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "BUY",
        "stopPrice": "0.0",
        "time": 5,
        "updateTime": 6,
    }
    return row | changes


def trade(trade_id: int, order_id: int = 1, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "id": trade_id,
        "orderId": order_id,
        "price": "60000.0",
        "qty": "0.001",
        "commission": "0.01",
        "commissionAsset": "USDT",
        "time": NOW_MS,
        "isBuyer": True,
        "isMaker": False,
    }
    return row | changes


NOT_THERE = rest_answer({"code": -2013, "msg": "Order does not exist."}, 400)


async def test_a_question_about_an_order_brings_fills_first_and_one_report() -> None:
    world = await World(SPOT).start()
    world.answers["GET /api/v3/order"] = listed(
        7, clientOrderId="a1", executedQty="0.002", status="PARTIALLY_FILLED"
    )
    world.answers["GET /api/v3/myTrades"] = [trade(1, 7), trade(2, 7)]
    world.client.query(order(SPOT))
    await world.link.work()
    first, second, report = (
        world.events.take()[1:] if world.events.told[0] == "ready" else world.events.take()
    )
    assert [first.trade_id, second.trade_id] == ["1", "2"]
    assert {first.client_order_id, second.client_order_id} == {"a1"}
    assert isinstance(report, OrderReport)
    assert (report.kind, report.filled, report.price, report.size) == (ReportKind.ACCEPTED, 2, 600_000, 10)
    world.client.query(order(SPOT, filled=Size(2)))
    await world.link.work()
    (report,) = world.events.take()
    assert report.filled == 2


async def test_an_order_that_is_not_there_and_a_question_without_an_answer() -> None:
    world = await World(SPOT).start()
    world.events.take()
    world.answers["GET /api/v3/order"] = NOT_THERE
    world.client.query(order(SPOT))
    await world.link.work()
    (report,) = world.events.take()
    assert (report.client_order_id, report.kind) == ("a1", ReportKind.NOT_FOUND)
    assert report.asked_ns == world.link.clock.now_ns()
    for answer in (TransportError("cut"), rest_answer("", 503), "<html>", listed(7, status="DREAMING")):
        world.answers["GET /api/v3/order"] = answer
        world.client.query(order(SPOT))
        await world.link.work()
        assert world.events.take() == []
    with pytest.raises(TransportError):
        await world.client.order_status(SPOT, "a1")


async def test_of_one_order_one_question_is_asked_at_a_time() -> None:
    world = await World(SPOT).start()
    world.answers["GET /api/v3/order"] = NOT_THERE
    world.client.query(order(SPOT))
    world.client.query(order(SPOT))
    world.client.query(order(SPOT, client_order_id="a2"))
    await world.link.work()
    told = [each.client_order_id for each in world.events.take() if isinstance(each, OrderReport)]
    assert told == ["a1", "a2"]
    world.client.query(order(SPOT))
    await world.link.work()
    assert len(world.events.take()) == 1


async def test_how_an_order_traded_is_read_to_the_end() -> None:
    world = await World(SPOT).start()
    world.events.take()
    world.answers["GET /api/v3/order"] = listed(7, clientOrderId="a1", executedQty="1.500", origQty="2.000")
    pages = deque([[trade(each, 7) for each in range(1000)], [trade(each, 7) for each in range(1000, 1500)]])
    world.answers["GET /api/v3/myTrades"] = pages
    world.client.query(order(SPOT, size=Size(2000)))
    await world.link.work()
    fills = [each for each in world.events.take() if isinstance(each, Fill)]
    assert sum(each.size for each in fills) == 1500
    assert world.asked[-1][1]["fromId"] == "1000"


async def test_a_stop_is_asked_for_where_stops_are_and_where_it_has_become_an_order() -> None:
    world = await World(USDM).start()
    world.events.take()
    stop = order(USDM, client_order_id="s1", type=OrderType.STOP_MARKET, price=None, trigger_price=Price(1))
    algo = {
        "algoId": 5,
        "clientAlgoId": "s1",
        "symbol": "BTCUSDT",
        "algoStatus": "NEW",
        "orderType": "STOP_MARKET",
        "side": "BUY",
        "quantity": "0.010",
        "triggerPrice": "61000.0",
        "price": "0",
    }
    world.answers["GET /fapi/v1/algoOrder"] = algo
    world.client.query(stop)
    await world.link.work()
    (report,) = world.events.take()
    assert (report.kind, report.filled) == (ReportKind.ACCEPTED, 0)
    world.answers["GET /fapi/v1/algoOrder"] = algo | {"algoStatus": "FINISHED", "actualOrderId": "99"}
    world.answers["GET /fapi/v1/order"] = listed(
        99,
        clientOrderId="made-up",
        status="FILLED",
        executedQty="0.010",
        type="MARKET",
        origType="STOP_MARKET",
    )
    world.answers["GET /fapi/v1/userTrades"] = [trade(4, 99, qty="0.010", buyer=True)]
    world.client.query(stop)
    await world.link.work()
    fill, report = world.events.take()
    assert (fill.client_order_id, fill.size, report.client_order_id) == ("s1", 10, "s1")
    assert (report.kind, report.filled, report.exchange_order_id) == (ReportKind.ACCEPTED, 10, "99")
    world.answers["GET /fapi/v1/algoOrder"] = NOT_THERE
    world.client.query(stop)
    await world.link.work()
    (report,) = world.events.take()
    assert report.kind is ReportKind.NOT_FOUND


# -- lists -----------------------------------------------------------------------------------------------


async def test_open_orders_of_both_products_whoever_s() -> None:
    eth = instrument(InstrumentKind.SPOT, "ETH")
    world = await World(SPOT, eth, USDM).start()

    def spot(url: str) -> Any:
        if params_of(url)["symbol"] == "ETHUSDT":
            return []
        return [listed(1), listed(2, type="LIMIT_MAKER", side="SELL", executedQty="0.004")]

    world.answers["GET /api/v3/openOrders"] = spot
    world.answers["GET /fapi/v1/openOrders"] = [
        listed(3, timeInForce="GTX", reduceOnly=True, positionSide="LONG", status="NEW_ADL")
    ]
    world.answers["GET /fapi/v1/openAlgoOrders"] = rest_answer("", 404)
    first, second, third = await world.client.open_orders()
    assert [each.instrument for each in (first, second, third)] == [SPOT, SPOT, USDM]
    assert (first.client_order_id, first.size, first.price, first.post_only) == ("c1", 10, 600_000, False)
    assert (second.side, second.post_only, second.report.filled) == (Side.SELL, True, 4)
    assert (third.post_only, third.reduce_only, third.position_side) == (True, True, PositionSide.LONG)
    assert first.created_ns == 5_000_000
    world.answers["GET /fapi/v1/openAlgoOrders"] = rest_answer("", 503)
    with pytest.raises(TransportError):
        await world.client.open_orders()


async def test_one_failing_cancel_keeps_no_other_from_being_made() -> None:
    world = await World(SPOT).start()
    world.answers["GET /api/v3/openOrders"] = [listed(1), listed(2), listed(3)]
    orders = await world.client.open_orders()
    world.link.fetched.clear()
    ends: dict[str, Any] = {
        "1": TransportError("cut"),
        "2": rest_answer({"code": -2011, "msg": "Unknown order sent."}, 400),
        "3": listed(3, status="CANCELED"),
    }
    world.answers["DELETE /api/v3/order"] = lambda url: ends[params_of(url)["orderId"]]
    with pytest.raises(TransportError, match="cut"):
        await world.client.cancel_orders(orders)
    assert sorted(params["orderId"] for _, params in world.asked) == ["1", "2", "3"]
    ends["1"] = ends["3"]
    assert await world.client.cancel_orders(orders) == ["c1", "c2", "c3"]


def history(trades: list[dict[str, Any]], most: int = 1000) -> Callable[[str], Any]:
    """Answer as the exchange does: by time within a day, or from an id on; never more than a page."""

    def answer(url: str) -> Any:
        params = params_of(url)
        assert int(params["limit"]) == most
        if "fromId" in params:
            assert "startTime" not in params
            return [each for each in trades if each["id"] >= int(params["fromId"])][:most]
        begin, end = int(params["startTime"]), int(params["endTime"])
        assert end - begin < DAY_MS
        return [each for each in trades if begin <= each["time"] <= end][:most]

    return answer


async def test_executions_are_read_to_the_end_across_days_and_pages() -> None:
    world = await World(SPOT).start()
    # Nothing for two days, then more within one millisecond than a page holds.
    since_ms = NOW_MS - 4 * DAY_MS
    old = [trade(1, 1, time=since_ms - 1)]
    burst = [trade(each, each % 7 + 1, time=since_ms + 2 * DAY_MS + 5) for each in range(2, 2302)]
    late = [trade(2302, 9, time=NOW_MS)]
    world.answers["GET /api/v3/myTrades"] = history([*old, *burst, *late])
    orders = [listed(each) for each in range(1, 8)]
    world.answers["GET /api/v3/allOrders"] = lambda url: [
        each for each in orders if each["orderId"] >= int(params_of(url)["orderId"])
    ]
    world.answers["GET /api/v3/order"] = NOT_THERE
    fills = await world.client.executions(SPOT, since_ms * 1_000_000)
    assert [each.trade_id for each in fills] == [str(each) for each in range(2, 2303)]
    assert all(each.client_order_id == f"c{each.exchange_order_id}" for each in fills[:-1])
    assert fills[-1].client_order_id == "", "an order that the exchange has forgotten has no id"
    before = len(world.link.fetched)
    await world.client.executions(SPOT, since_ms * 1_000_000)
    assert not [path for path, _ in world.asked[before:] if path == "/api/v3/allOrders"], "known by now"


async def test_executions_where_nothing_traded_end() -> None:
    world = await World(SPOT).start()
    world.answers["GET /api/v3/myTrades"] = history([])
    assert await world.client.executions(SPOT, START_NS - 3 * DAY_MS * 1_000_000) == []
    assert len(world.link.fetched) == 4
    assert await world.client.executions(SPOT, START_NS) == []


async def test_liquidations_are_found_in_the_list_of_trades() -> None:
    world = await World(USDM).start()
    rows = [trade(1, 8, buyer=False, maker=True, positionSide="LONG", isBuyer=None)]
    world.answers["GET /fapi/v1/userTrades"] = lambda url: [] if "fromId" in params_of(url) else rows
    world.answers["GET /fapi/v1/order"] = listed(8, clientOrderId="autoclose-17")
    (fill,) = await world.client.executions(USDM, START_NS)
    assert fill.exchange_made
    assert (fill.side, fill.client_order_id, fill.position_side) == (
        Side.SELL,
        "autoclose-17",
        PositionSide.LONG,
    )


async def test_fundings_are_read_to_the_end_and_each_is_told_once() -> None:
    world = await World(USDM).start()
    rows = [
        {
            "tranId": each,
            "income": "0.01",
            "asset": "USDT",
            "time": NOW_MS - 9 * DAY_MS + each // 600,
            "symbol": "BTCUSDT",
        }
        for each in range(1800)
    ]

    def income(url: str) -> Any:
        params = params_of(url)
        assert params["incomeType"] == "FUNDING_FEE"
        begin, end = int(params["startTime"]), int(params["endTime"])
        return [each for each in rows if begin <= each["time"] <= end][:1000]

    world.answers["GET /fapi/v1/income"] = income
    fundings = await world.client.fundings(USDM, START_NS - 10 * DAY_MS * 1_000_000)
    assert [each.payment_id for each in fundings] == [str(each) for each in range(1800)]


async def test_flat_positions_are_listed_as_such_in_either_mode() -> None:
    eth = instrument(InstrumentKind.PERPETUAL, "ETH")
    for mode, sides in (
        (PositionMode.ONE_WAY, [PositionSide.BOTH]),
        (PositionMode.HEDGE, [PositionSide.LONG, PositionSide.SHORT]),
    ):
        world = World(USDM, eth, SPOT, position_mode=mode)
        world.answers["GET /fapi/v1/accountConfig"] = {"dualSidePosition": mode is PositionMode.HEDGE}
        await world.start()
        world.answers["GET /fapi/v3/positionRisk"] = [
            {
                "symbol": "BTCUSDT",
                "positionAmt": "-0.004",
                "entryPrice": "59000.12",
                "positionSide": sides[-1].name,
                "updateTime": 7,
            },
            {"symbol": "SOLUSDT", "positionAmt": "1", "entryPrice": "1", "positionSide": sides[-1].name},
        ]
        reports = {(each.instrument, each.position_side): each for each in await world.client.positions()}
        assert set(reports) == {(each, side) for each in (USDM, eth) for side in sides}
        short = reports[USDM, sides[-1]]
        assert (short.size, short.entry_price, short.exchange_ns) == (-4, Decimal("59000.12"), 7_000_000)
        assert reports[eth, sides[0]].size == 0


async def test_nothing_secret_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world = await World(SPOT, USDM).start()
    world.answers["GET /api/v3/openOrders"] = rest_answer({"code": -1000, "msg": "odd"}, 500)
    with pytest.raises(TransportError) as raised:
        await world.client.open_orders()
    for call in world.link.calls:
        call.answer({"listenKey": "listenKeyOfTheTest"})
    (stream,) = (each for each in world.link.specs if "fstream" in each)
    world.link.open(stream)
    world.link.clock.advance(1800 * SECOND_NS)
    world.link.calls[-1].answer({"code": -1125, "msg": "This listenKey does not exist."}, 400)
    world.link.calls[-1].fail("cut")
    shown = [
        str(raised.value),
        *world.link.warnings,
        *world.link.specs,
        *(f"{each.call!r}{each.request!r}" for each in world.link.calls),
        *(reason for _, _, reason in world.link.faults),
        caplog.text,
        repr(world.client.config),
    ]
    signature = params_of(world.link.fetched[-1][1])["signature"]
    for secret in (KEY, SECRET, "listenKeyOfTheTest", signature):
        assert not [each for each in shown if secret in each]
