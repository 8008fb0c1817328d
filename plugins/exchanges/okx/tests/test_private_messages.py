"""Recorded messages of the account, and whatever else may come."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hft import DecodeError, Fill, PositionMode, PositionSide, Secret
from hft.testing.link import FakeLink, NotedEvents
from hft_okx import Config, OkxExecution

from .trading import (
    KEY,
    PASSPHRASE,
    PRIVATE,
    SECRET,
    SPOT,
    START_NS,
    SWAP,
    World,
    account,
    filled,
    ok,
    row,
)

MESSAGES = Path(__file__).resolve().parents[4].parent / "shared" / "messages" / "okx" / "account"


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
