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
    SimulatedClock,
)
from hft_bybit import codec
from hft_bybit.config import Config
from hft_bybit.stream import BybitStream
from hft_bybit.symbol import Symbol

TOPIC = "orderbook.50.BTCUSDT"


class LongFeed(RecordedFeed):
    """Gives every frame to the stream."""

    def use_paths(self, conn: str, paths: DepthPaths) -> None:
        """Forget it."""


class Scene:
    """One symbol's stream with its book in step at id 100."""

    def __init__(self, feed_type: type[RecordedFeed], *, spot: bool) -> None:
        self.spot = spot
        self.conn = f"wss://stream.bybit.com/v5/public/{'spot' if spot else 'linear'}"
        self.market = Market(
            Instrument(
                id=InstrumentId("BTC/USDT" if spot else "BTC/USDT:USDT", "bybit"),
                native_symbol="BTCUSDT",
                kind=InstrumentKind.SPOT if spot else InstrumentKind.PERPETUAL,
                base="BTC",
                quote="USDT",
                settle="USDT",
                tick_size=Decimal("0.01"),
                lot_size=Decimal("0.001"),
            )
        )
        self.told: list[Any] = []
        self.market.listen(Channel.BOOK, lambda book: self.told.append((book.update_id, book.exchange_ns)))
        self.feed = feed_type(
            "bybit", "mainnet", clock=SimulatedClock(), warn=lambda key, line: self.told.append(line)
        )
        self.feed.stream = BybitStream(Config(), self.feed)
        self.feed.stream.subscribe([self.market])
        self.feed.on_open(self.conn, 0)
        self.take("snapshot", 100)

    @property
    def symbol(self) -> Symbol:
        symbol: Symbol = next(iter(self.feed.stream._symbols.values()))
        return symbol

    def take(self, type: str, update_id: int) -> None:
        times = f'"ts":2,"type":"{type}"' if self.spot else f'"type":"{type}","ts":2'
        asks = '[["2.00","1.000"]]' if type == "snapshot" else "[]"
        frame = (
            f'{{"topic":"{TOPIC}",{times},"data":{{"s":"BTCUSDT","b":[["1.01","{update_id % 3}"]],"a":{asks},'
            f'"u":{update_id},"seq":{update_id * 7}}},"cts":{update_id}}}'
        )
        self.feed.on_frame(self.conn, frame.encode(), update_id)

    def observe(self) -> Any:
        book = self.market.book
        return (
            self.told,
            attrs.asdict(self.market.counters),
            (book.state, book.update_id, book.exchange_ns, book.recv_ns, book.bids(), book.asks()),
        )


@given(st.booleans(), st.integers(0, 2**32))
def test_both_ways_come_to_the_same(spot: bool, seed: int) -> None:
    random = Random(seed)
    short, long = (Scene(feed, spot=spot) for feed in (RecordedFeed, LongFeed))
    update_id = 100
    for _ in range(30):
        update_id = max(1, update_id + random.choice([1, 1, 1, 1, 1, 0, 2, -3]))
        if random.random() < 0.03:
            update_id = 1
        kind = "snapshot" if random.random() < 0.1 else "delta"
        for scene in (short, long):
            scene.take(kind, update_id)
        assert short.observe() == long.observe()


@pytest.mark.parametrize("spot", [False, True])
def test_what_the_exchange_writes_takes_the_path(monkeypatch: pytest.MonkeyPatch, spot: bool) -> None:
    scene = Scene(RecordedFeed, spot=spot)
    if scene.symbol.depth_path(TOPIC) is None:
        pytest.skip("without the native module every frame goes to the stream")
    scene.take("delta", 101)  # bridges
    for name in ("decode_frame", "decode_book"):
        monkeypatch.delattr(codec, name)
    scene.take("delta", 102)
    assert (scene.market.book.update_id, scene.market.book.exchange_ns) == (102, 102_000_000)


def test_topics_of_markets_that_are_gone_take_no_path() -> None:
    scene = Scene(RecordedFeed, spot=False)
    scene.take("delta", 101)
    scene.feed.stream.subscribe([])
    scene.take("delta", 102)
    assert scene.market.book.update_id == 101
