"""The simulated OKX playing a recorded session back."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hft import BookState, Channel, Market, Side, SystemClock, UsageError
from hft.capture import CaptureRecord, read_capture
from hft.sim import Playback, World, serve
from hft.testing.feed import FakeFeed
from hft_okx.config import Config
from hft_okx.simulator import OkxSimulator, OkxSimulatorConfig
from hft_okx.stream import OkxStream

CAPTURE = (
    Path(__file__).resolve().parents[4].parent / "shared" / "captures" / "okx" / "books_2022-05-13.jsonl.gz"
)
NAMES = ("BTC-USDT", "UNI-USD-SWAP", "BTC-USD-220527")
LONG = 10.0


def recorded(channel: str, name: str) -> list[Any]:
    with gzip.open(CAPTURE) as lines:
        frames = [json.loads(record["data"]) for record in map(json.loads, lines) if record["dir"] == "recv"]
    arg = {"channel": channel, "instId": name}
    return [frame for frame in frames if frame["arg"] == arg and "data" in frame]


@pytest.mark.skipif(not CAPTURE.is_file(), reason="no captures beside the repository")
async def test_everybody_gets_what_was_recorded_and_the_book_that_comes_of_it() -> None:
    clock = SystemClock()
    playback = Playback(read_capture(CAPTURE), clock, speed=0)
    simulator = OkxSimulator(OkxSimulatorConfig(limits=0), World(clock, playback=playback))
    async with (
        serve(simulator) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
        session.ws_connect("/ws/v5/public") as ws,
    ):
        args = [{"channel": channel, "instId": name} for channel in ("books", "trades") for name in NAMES]
        await ws.send_json({"op": "subscribe", "args": args})
        wanted = {(arg["channel"], arg["instId"]): recorded(arg["channel"], arg["instId"]) for arg in args}
        got: dict[tuple[str, str], list[Any]] = {key: [] for key in wanted}
        while any(len(got[key]) < len(frames) for key, frames in wanted.items()):
            message = await asyncio.wait_for(ws.receive(), LONG)
            frame = json.loads(message.data)
            if "data" in frame:
                got[frame["arg"]["channel"], frame["arg"]["instId"]].append(frame)
        assert got == wanted
        # Who comes later is told the book as it is.
        name = "BTC-USDT"
        market = simulator.listings[name].market
        async with session.ws_connect("/ws/v5/public") as late:
            await late.send_json({"op": "subscribe", "args": [{"channel": "books", "instId": name}]})
            await late.receive()
            snapshot = json.loads((await asyncio.wait_for(late.receive(), LONG)).data)
            mirror = Market(market.instrument)
            mirror.listen(Channel.BOOK, lambda _: None)
            stream = OkxStream(Config(), FakeFeed("okx"))
            (spec,) = stream.subscribe([mirror])
            stream.on_frame(spec.name, json.dumps(snapshot).encode(), 1)
            assert mirror.book.state is BookState.LIVE
            assert mirror.book.levels(Side.BUY) == market.levels(Side.BUY)
        async with session.get(f"/api/v5/public/instruments?instType=SPOT&instId={name}") as answer:
            (described,) = (await answer.json())["data"]
            assert described["tickSz"] == "0.1"
        async with session.get("/api/v5/account/balance") as answer:
            assert (await answer.json())["code"] == "50001"


def test_a_capture_must_say_what_is_traded() -> None:
    clock = SystemClock()
    frame = '{"arg":{"channel":"books","instId":"BTC-USDT"},"data":[]}'
    records = [CaptureRecord(1, "wss://ws.okx.com:8443/ws/v5/public", "recv", frame)]
    world = World(clock, playback=Playback(iter(records), clock))
    with pytest.raises(UsageError, match="instruments"):
        OkxSimulator(OkxSimulatorConfig(), world)
