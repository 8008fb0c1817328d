"""Depth messages that take the short way: the same comes of them as of the way through the codec."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft import (
    Channel,
    DepthPaths,
    Instrument,
    InstrumentId,
    InstrumentKind,
    Market,
    RecordedFeed,
    Request,
    SimulatedClock,
)
from hft_binance import codec
from hft_binance.config import Config
from hft_binance.stream import BinanceStream
from hft_binance.symbol import Symbol

NAMES = {False: "btcusdt@depth@100ms", True: "btcusdt@depth@0ms"}
CONNS = {
    False: "wss://stream.binance.com:9443/stream?streams=btcusdt@depth@100ms",
    True: "wss://fstream.binance.com/stream?streams=btcusdt@depth@0ms",
}
URLS = {
    False: "https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=1000",
    True: "https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=1000",
}


class LongFeed(RecordedFeed):
    """Gives every frame to the stream."""

    def use_paths(self, conn: str, paths: DepthPaths) -> None:
        """Forget it."""


class Scene:
    """One symbol's stream with its book in step at id 100."""

    def __init__(self, feed_type: type[RecordedFeed], *, futures: bool) -> None:
        symbol = "BTC/USDT:USDT" if futures else "BTC/USDT"
        self.market = Market(
            Instrument(
                id=InstrumentId(symbol, "binance"),
                native_symbol="BTCUSDT",
                kind=InstrumentKind.PERPETUAL if futures else InstrumentKind.SPOT,
                base="BTC",
                quote="USDT",
                settle="USDT",
                tick_size=Decimal("0.01"),
                lot_size=Decimal("0.001"),
            )
        )
        self.told: list[Any] = []
        self.market.listen(Channel.BOOK, lambda book: self.told.append((book.update_id, book.exchange_ns)))
        self.futures = futures
        self.feed = feed_type(
            "binance", "mainnet", clock=SimulatedClock(), warn=lambda key, line: self.told.append(line)
        )
        self.feed.stream = BinanceStream(Config(), self.feed)
        self.feed.stream.subscribe([self.market])
        self.feed.on_open(CONNS[futures], 0)
        self.snapshot(100)

    @property
    def symbol(self) -> Symbol:
        symbol: Symbol = next(iter(self.feed.stream._symbols.values()))
        return symbol

    def snapshot(self, update_id: int) -> None:
        times = '"E":3,"T":2,' if self.futures else ""
        body = f'{{"lastUpdateId":{update_id},{times}"bids":[["1.00","2.000"]],"asks":[["2.00","1.000"]]}}'
        self.feed.on_response(Request(url=URLS[self.futures]), body.encode(), 1)

    def take(self, first_id: int, last_id: int, prev_id: int) -> None:
        times, prev = ('"E":3,"T":2', f',"pu":{prev_id}') if self.futures else ('"E":2', "")
        frame = (
            f'{{"stream":"{NAMES[self.futures]}","data":{{"e":"depthUpdate",{times},"s":"BTCUSDT",'
            f'"U":{first_id},"u":{last_id}{prev},"b":[["1.01","{last_id % 3}"]],"a":[]}}}}'
        )
        self.feed.on_frame(CONNS[self.futures], frame.encode(), last_id)

    def observe(self) -> Any:
        book = self.market.book
        return (
            self.told,
            attrs.asdict(self.market.counters),
            (book.state, book.update_id, book.exchange_ns, book.recv_ns, book.bids(), book.asks()),
        )


def scene_with_path(*, futures: bool) -> Scene:
    scene = Scene(RecordedFeed, futures=futures)
    if scene.symbol.depth_path(NAMES[futures]) is None:
        pytest.skip("without the native module every frame goes to the stream")
    return scene


@given(st.booleans(), st.integers(0, 2**32))
def test_both_ways_come_to_the_same(futures: bool, seed: int) -> None:
    random = Random(seed)
    short, long = (Scene(kind, futures=futures) for kind in (RecordedFeed, LongFeed))
    last_id = 100
    for _ in range(30):
        first_id = last_id + random.choice([1, 1, 1, 1, 0, 2, -3])
        prev_id = last_id + random.choice([0, 0, 0, 0, 1, -1])
        last_id = first_id + random.choice([0, 1, 4])
        snapshot = random.random() < 0.1
        for scene in (short, long):
            if snapshot:
                scene.snapshot(last_id)
            else:
                scene.take(first_id, last_id, prev_id)
        assert short.observe() == long.observe()


@pytest.mark.parametrize("futures", [False, True])
def test_what_the_exchange_writes_takes_the_path(monkeypatch: pytest.MonkeyPatch, futures: bool) -> None:
    scene = scene_with_path(futures=futures)
    scene.take(101, 102, 100)  # bridges
    for name in ("decode_envelope", "decode_depth", "decode_futures_depth", "decode_depth_snapshot"):
        monkeypatch.delattr(codec, name)
    scene.take(103, 104, 102)
    assert (scene.market.book.update_id, scene.market.book.exchange_ns) == (104, 2_000_000)
    scene.market.book.clear()
    scene.symbol.sync.on_corrupt("test")
    scene.snapshot(200)
    assert scene.market.book.bids() == [(100, 2000)]


def test_streams_of_markets_that_are_gone_take_no_path() -> None:
    scene = scene_with_path(futures=False)
    scene.take(101, 102, 0)
    scene.feed.stream.subscribe([])
    scene.take(103, 104, 0)
    assert scene.market.book.update_id == 102
