"""What a start looks at, and what is asked about the account and its orders."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from hft import Instrument, PositionMode, PositionSide, ReportKind, TransportError, UsageError
from hft_okx.config import AccountLevel

from .trading import SECOND_NS, SPOT, START_NS, SWAP, World, account, item, ok, order, row

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


# -- what is asked ---------------------------------------------------------------------------------


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
