"""What the private stream tells: orders, fills, positions, balances, funding."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Any

import pytest

from hft import BalanceReport, Fill, Liquidity, PositionReport, Price, ReportKind, Side, Size

from .trading import SECOND_NS, SPOT, START_NS, SWAP, World, filled, ok, row


async def test_what_margin_trading_has_in_a_pair_of_spot_is_no_position() -> None:
    world = await World(SPOT, SWAP).ready()
    margin = {"instId": "BTC-USDT", "instType": "MARGIN", "pos": "1", "posSide": "net", "avgPx": "60000"}
    world.push("positions", margin)
    assert world.events.take() == []
    world.link.answers["GET /api/v5/account/positions"] = ok(margin)
    assert [(each.instrument, each.size) for each in await world.client.positions()] == [(SWAP, 0)]


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
