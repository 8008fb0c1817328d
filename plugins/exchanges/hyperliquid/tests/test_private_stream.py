"""What the private stream tells: orders, fills, positions, balances, funding."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from hft import Fill, Funding, Liquidity, ReportKind, Side

from .trading import ACCOUNT, CONN, MS, PERP, START_MS, START_NS, VAULT, World, fill, order


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
