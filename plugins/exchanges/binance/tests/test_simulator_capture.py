"""The simulated Binance playing a recorded session back."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hft import Clock, SimulatedClock, SystemClock, UsageError
from hft.capture import CaptureRecord, read_capture
from hft.sim import Playback, World, serve
from hft_binance.simulator import BinanceSimulator, BinanceSimulatorConfig

S = 1_000_000_000
MS = 1_000_000
START_NS = 1_700_000_040_000_000_000
SPOT_WS = "wss://stream.binance.com:9443/stream"
FUTURES_WS = "wss://fstream.binance.com/public/stream"
LONG = 10.0
CAPTURES = Path(__file__).resolve().parents[4].parent / "shared" / "captures" / "binance"


@asynccontextmanager
async def simulator_of(world: World) -> AsyncIterator[tuple[BinanceSimulator, aiohttp.ClientSession]]:
    simulator = BinanceSimulator(BinanceSimulatorConfig(), world)
    async with (
        serve(simulator) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        yield simulator, session


def playback(records: Iterable[CaptureRecord], clock: Clock, speed: float) -> World:
    return World(clock, playback=Playback(iter(records), clock, speed=speed))


async def text(session: aiohttp.ClientSession, path: str) -> str:
    async with session.get(path) as answer:
        return await answer.text()


async def receive(ws: aiohttp.ClientWebSocketResponse) -> str:
    message = await asyncio.wait_for(ws.receive(), LONG)
    assert message.type is aiohttp.WSMsgType.TEXT, message
    return str(message.data)


@pytest.fixture
async def recorded() -> tuple[list[CaptureRecord], dict[str, Any]]:
    """A session recorded from a synthetic simulator, and the spot book it ended with."""
    clock = SimulatedClock(START_NS)
    world = World.synthetic(clock, ["BTC/USDT", "BTC/USDT:USDT"], "binance")
    records = []
    async with simulator_of(world) as (_, session):
        for host, path in (("https://api.binance.com", "/api/v3"), ("https://fapi.binance.com", "/fapi/v1")):
            body = await text(session, f"{path}/exchangeInfo")
            records.append(CaptureRecord(clock.now_ns(), f"{host}{path}/exchangeInfo", "http", body))
        spot = "/stream?streams=btcusdt@depth@100ms/btcusdt@trade/btcusdt@bookTicker"
        futures = "/public/stream?streams=btcusdt@depth@100ms/btcusdt@trade"
        async with session.ws_connect(spot) as on_spot, session.ws_connect(futures) as on_futures:
            for number in range(30):
                clock.advance(97 * MS)
                if number == 5:
                    for host, path in (
                        ("https://api.binance.com", "/api/v3/depth?symbol=BTCUSDT&limit=1000"),
                        ("https://fapi.binance.com", "/fapi/v1/depth?symbol=BTCUSDT&limit=1000"),
                    ):
                        records.append(
                            CaptureRecord(clock.now_ns(), host + path, "http", await text(session, path))
                        )
                for ws, conn in ((on_spot, SPOT_WS), (on_futures, FUTURES_WS)):
                    await ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": number})
                    while '"result"' not in (frame := await receive(ws)):
                        records.append(CaptureRecord(clock.now_ns(), conn, "recv", frame))
                # Both clients stay below the rate at which messages close the socket.
                if number % 4 == 3:
                    clock.advance(S)
        world.stop()
    updates = [
        frame["data"]
        for frame in (json.loads(record.data or "{}") for record in records if record.conn == SPOT_WS)
        if frame["stream"] == "btcusdt@depth@100ms"
    ]
    snapshot = next(json.loads(r.data or "") for r in records if "/api/v3/depth" in r.conn)
    return records, rebuild(snapshot, updates)


def rebuild(snapshot: Any, updates: Iterable[Any]) -> dict[str, Any]:
    """Apply what is newer than a snapshot to it."""
    sides = {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}
    last_id = snapshot["lastUpdateId"]
    for update in updates:
        if update["u"] <= last_id:
            continue
        assert update["U"] <= last_id + 1
        last_id = update["u"]
        for key, side in sides.items():
            for price, size in update[key]:
                if float(size):
                    side[price] = size
                else:
                    side.pop(price, None)
    return {"lastUpdateId": last_id, **sides}


def frames_of(records: Iterable[CaptureRecord], conn: str, stream: str) -> list[str]:
    return [r.data or "" for r in records if r.conn == conn and f'"stream":"{stream}"' in (r.data or "")]


async def test_subscribers_get_the_recorded_frames_and_rest_the_book(recorded: Any) -> None:
    records, book = recorded
    wanted = ["btcusdt@depth@100ms", "btcusdt@bookTicker"]
    async with simulator_of(playback(records, SystemClock(), 0)) as (simulator, session):
        expected = [r.data for r in records if r.conn == SPOT_WS and json.loads(r.data)["stream"] in wanted]
        async with session.ws_connect("/stream?streams=" + "/".join(wanted)) as ws:
            assert [await receive(ws) for _ in expected] == expected
            snapshot = json.loads(await text(session, "/api/v3/depth?symbol=BTCUSDT&limit=5000"))
            assert rebuild(snapshot, []) == book
            await ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
            assert json.loads(await receive(ws))["id"] == 1  # silent after the end
        assert simulator.world.playback is not None
        trades = json.loads(await text(session, "/api/v3/trades?symbol=BTCUSDT&limit=1000"))
        recorded_trades = frames_of(records, SPOT_WS, "btcusdt@trade")
        assert [trade["id"] for trade in trades] == [json.loads(f)["data"]["t"] for f in recorded_trades]
        info = json.loads(await text(session, "/fapi/v1/exchangeInfo"))
        recorded_info = next(json.loads(r.data) for r in records if "/fapi/v1/exchangeInfo" in r.conn)
        assert info["symbols"] == recorded_info["symbols"]


async def test_any_depth_speed_and_agg_trades_are_served(recorded: Any) -> None:
    records, _ = recorded
    clock = SimulatedClock(START_NS)
    # Something for the playback to begin with while the clients connect one after the other.
    first = next(number for number, record in enumerate(records) if record.dir == "recv")
    records.insert(first, CaptureRecord(records[first].t - S, SPOT_WS, "recv", '{"result":null,"id":1}'))
    async with (
        simulator_of(playback(records, clock, 1000)) as (_, session),
        session.ws_connect("/public/ws/btcusdt@depth@0ms") as depth,
        session.ws_connect("/market/ws/btcusdt@aggTrade") as trades,
        session.ws_connect("/market/ws/btcusdt@depth@0ms") as wrong,
    ):
        diffs = frames_of(records, FUTURES_WS, "btcusdt@depth@100ms")
        singles = frames_of(records, FUTURES_WS, "btcusdt@trade")
        for _ in range(100):
            clock.advance(MS)
            await asyncio.sleep(0)
        assert [json.loads(await receive(depth)) for _ in diffs] == [json.loads(f)["data"] for f in diffs]
        got = [json.loads(await receive(trades)) for _ in singles]
        assert [trade["a"] for trade in got] == [json.loads(f)["data"]["t"] for f in singles]
        assert {trade["e"] for trade in got} == {"aggTrade"}
        await wrong.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        assert json.loads(await receive(wrong))["id"] == 1


async def test_a_snapshot_taken_at_any_time_fits_the_stream(recorded: Any) -> None:
    records, book = recorded
    clock = SimulatedClock(START_NS)
    async with (
        simulator_of(playback(records, clock, 2)) as (_, session),
        session.ws_connect("/ws/btcusdt@depth@100ms") as ws,
    ):
        asked = asyncio.create_task(text(session, "/api/v3/depth?symbol=BTCUSDT&limit=5000"))
        updates: list[Any] = []
        late = ""
        count = len(frames_of(records, SPOT_WS, "btcusdt@depth@100ms"))
        received = asyncio.create_task(receive(ws))
        while len(updates) < count:
            clock.advance(10 * MS)
            await asyncio.wait({received}, timeout=0.001)
            if received.done():
                updates.append(json.loads(received.result()))
                received = asyncio.create_task(receive(ws))
                if len(updates) == count // 2:
                    late = await text(session, "/api/v3/depth?symbol=BTCUSDT&limit=5000")
        received.cancel()
        # The first answer waited until the capture had reached its own snapshot.
        assert rebuild(json.loads(await asked), updates) == book
        assert rebuild(json.loads(late), updates) == book
    played_ns = clock.now_ns() - START_NS
    assert played_ns >= (records[-1].t - records[2].t) // 2 - S


async def test_it_waits_for_the_first_client_and_says_when_it_ends(recorded: Any) -> None:
    records, _ = recorded
    world = playback(records, SystemClock(), 0)
    assert world.playback is not None
    ended = asyncio.Event()
    world.playback.on_end = lambda _: ended.set()
    async with simulator_of(world) as (_, session):
        await text(session, "/api/v3/exchangeInfo")
        assert not world.playback.has_begun
        async with session.ws_connect("/ws") as ws:
            await ws.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 1})
            await asyncio.wait_for(ended.wait(), LONG)


async def test_unreadable_frames_are_passed_on_and_counted(recorded: Any) -> None:
    records, _ = recorded
    broken = next(r for r in records if "btcusdt@depth" in (r.data or "")).data.replace('"U":', '"U":x')
    at = next(number for number, record in enumerate(records) if record.dir == "recv")
    records.insert(at, CaptureRecord(records[at].t, SPOT_WS, "recv", broken))
    async with simulator_of(playback(records, SystemClock(), 0)) as (simulator, session):
        async with session.ws_connect("/ws/btcusdt@trade") as ws:
            await receive(ws)
        assert simulator._recorded is not None
        assert simulator._recorded.undecoded_frames == 1


@pytest.mark.parametrize(
    "path",
    [
        "/api/v3/order",
        "/api/v3/account",
        "/api/v3/order/amend/keepPriority",
        "/fapi/v1/order",
        "/fapi/v3/account",
    ],
)
async def test_a_capture_cannot_be_traded_with(recorded: Any, path: str) -> None:
    records, _ = recorded
    async with simulator_of(playback(records, SimulatedClock(), 0)) as (_, session):
        for method in ("GET", "POST", "DELETE"):
            async with session.request(method, path) as answer:
                assert answer.status == 400
                assert await answer.json() == {
                    "code": -1000,
                    "msg": "Trading is not simulated on a capture.",
                }
        assert json.loads(await text(session, "/fapi/v1/exchangeInfo"))["symbols"]


def test_a_capture_without_instruments_is_refused() -> None:
    records = [CaptureRecord(1, SPOT_WS, "recv", "{}")]
    world = playback(records, SimulatedClock(), 1)
    with pytest.raises(UsageError, match="capture: has no exchangeInfo before its first frame"):
        BinanceSimulator(BinanceSimulatorConfig(), world)


@pytest.mark.skipif(not CAPTURES.is_dir(), reason="recorded sessions are not in this checkout")
@pytest.mark.parametrize(
    ("name", "path", "rest", "stream"),
    [
        ("spot_4symbols_2021-10-12", "/ws", "/api/v3", "nknusdt@depth@100ms"),
        ("usdm_4symbols_2021-07-22", "/public/ws", "/fapi/v1", "sushiusdt@depth@100ms"),
    ],
)
async def test_real_sessions_play(name: str, path: str, rest: str, stream: str) -> None:
    file = CAPTURES / f"{name}.jsonl.gz"
    with gzip.open(file, "rt") as lines:
        lines_of_stream = [line for line in map(json.loads, lines) if f'"stream":"{stream}"' in line["data"]]
    expected = [json.loads(line["data"])["data"] for line in lines_of_stream]
    symbol = stream.partition("@")[0].upper()
    async with simulator_of(playback(read_capture(file), SystemClock(), 0)) as (simulator, session):
        async with session.ws_connect(f"{path}/{stream}") as ws:
            assert [json.loads(await receive(ws)) for _ in expected] == expected
            answer = json.loads(await text(session, f"{rest}/depth?symbol={symbol}&limit=1000"))
        assert answer["lastUpdateId"] == expected[-1]["u"]
        assert answer["bids"]
        assert simulator._recorded is not None
        assert simulator._recorded.undecoded_frames == 0
