"""The simulated Bybit playing a recorded session back."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hft import SystemClock
from hft.capture import read_capture
from hft.sim import Playback, World, serve
from hft_bybit.simulator import BybitSimulator, BybitSimulatorConfig

LONG = 20.0
CAPTURE = (
    Path(__file__).resolve().parents[4].parent
    / "shared"
    / "captures"
    / "bybit"
    / "linear_spot_2026-08-09_first20s.jsonl.gz"
)
needs_capture = pytest.mark.skipif(not CAPTURE.is_file(), reason=f"{CAPTURE} is not there")


def apply(book: dict[str, dict[str, str]], frame: Any) -> None:
    if frame["type"] == "snapshot":
        book.update({"b": {}, "a": {}})
    for side in ("b", "a"):
        for price, size in frame["data"][side]:
            if Decimal(size):
                book[side][price] = size
            else:
                book[side].pop(price, None)


@needs_capture
@pytest.mark.parametrize("product", ["spot", "linear"])
async def test_trades_come_as_recorded_and_books_at_any_depth(product: str) -> None:
    records = list(read_capture(str(CAPTURE)))
    world = World(SystemClock(), playback=Playback(iter(records), SystemClock(), speed=4))
    simulator = BybitSimulator(BybitSimulatorConfig(), world)
    wanted: list[str] = []
    symbols: set[str] = set()
    for record in records:
        if record.dir == "recv" and f"/public/{product}" in record.conn:
            frame = json.loads(record.payload)
            if frame.get("topic", "").startswith("publicTrade."):
                wanted.append(record.payload.decode())
                symbols.add(frame["topic"].removeprefix("publicTrade."))
    assert wanted
    symbol = min(symbols)
    wanted = [text for text in wanted if f'"publicTrade.{symbol}"' in text]
    trades: list[str] = []
    book: dict[str, dict[str, str]] = {"b": {}, "a": {}}
    async with (
        serve(simulator) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
        session.ws_connect(f"/v5/public/{product}") as ws,
    ):
        assert simulator.accounts() == []
        await ws.send_json({"op": "subscribe", "args": [f"publicTrade.{symbol}", f"orderbook.50.{symbol}"]})
        async with asyncio.timeout(LONG):
            while len(trades) < len(wanted):
                text = (await ws.receive()).data
                frame = json.loads(text)
                if frame.get("topic", "").startswith("publicTrade."):
                    trades.append(text)
                elif "topic" in frame:
                    apply(book, frame)
        assert trades == wanted
        assert 0 < len(book["b"]) <= 50
        best_bid, best_ask = max(map(Decimal, book["b"])), min(map(Decimal, book["a"]))
        assert best_bid < best_ask
        asked = {"category": product, "symbol": symbol, "limit": "50"}
        async with session.get("/v5/market/orderbook", params=asked) as answer:
            rest = (await answer.json())["result"]
            assert len(rest["b"]) <= 50
            assert Decimal(rest["b"][0][0]) < Decimal(rest["a"][0][0])
