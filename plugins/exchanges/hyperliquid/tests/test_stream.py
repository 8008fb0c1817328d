"""The stream on a feed that does nothing: subscriptions, answers, frames, faults."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft import (
    BookState,
    Channel,
    DecodeError,
    Instrument,
    InstrumentId,
    InstrumentKind,
    Market,
    MarkPrice,
    Quote,
    Request,
    Side,
    Trade,
    UsageError,
)
from hft.testing.feed import FakeFeed
from hft_hyperliquid import Config, HyperliquidStream
from hft_hyperliquid.config import BookFeed

S = 1_000_000_000
WS = "wss://api.hyperliquid.xyz/ws"
INFO = "https://api.hyperliquid.xyz/info"
MESSAGES = (
    Path(__file__).resolve().parents[4].parent / "shared/messages/hyperliquid/ws_2026-09-03_verbatim.jsonl"
)


def make_market(coin: str, *channels: Channel, spot: bool = False) -> Market:
    market = Market(
        Instrument(
            id=InstrumentId(f"{coin}/USDC" if spot else f"{coin}/USDC:USDC", "hyperliquid"),
            native_symbol="@107" if spot else coin,
            kind=InstrumentKind.SPOT if spot else InstrumentKind.PERPETUAL,
            base=coin,
            quote="USDC",
            settle="USDC",
            tick_size=Decimal("0.1"),
            lot_size=Decimal("0.00001"),
            price_figures=5,
        )
    )
    for channel in channels or Channel:
        market.listen(channel, lambda _: None)
    return market


class Scene:
    """A stream with its feed and markets, subscribed."""

    def __init__(self, *markets: Market, config: Config | None = None, **feed: Any) -> None:
        self.feed = FakeFeed("hyperliquid", start_ns=1_700_000_000 * S, **feed)
        self.stream = HyperliquidStream(config or Config(), self.feed)
        self.markets = markets
        self.specs = self.stream.subscribe(markets)
        self.conn = self.specs[0].name if self.specs else WS

    def frame(self, data: Any) -> None:
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.stream.on_frame(self.conn, body, self.feed.clock.now_ns())

    def put(self, channel: str, data: Any) -> None:
        self.frame({"channel": channel, "data": data})

    def book(self, coin: str, time: int, bids: Any, asks: Any) -> None:
        levels = [[{"px": px, "sz": sz, "n": 1} for px, sz in side] for side in (bids, asks)]
        self.put("l2Book", {"coin": coin, "time": time, "levels": levels})

    def acknowledge(self, coin: str, kind: str = "l2Book", method: str = "subscribe") -> None:
        subscription = {"type": kind, "coin": coin, "nSigFigs": None, "mantissa": None}
        self.put("subscriptionResponse", {"method": method, "subscription": subscription})


def wanted(scene: Scene) -> list[dict[str, Any]]:
    frames = [json.loads(frame) for spec in scene.specs for frame in spec.on_open]
    assert {frame["method"] for frame in frames} <= {"subscribe"}
    return [frame["subscription"] for frame in frames]


# -- requests and subscriptions -----------------------------------------------------------------------


def test_only_listings_that_are_wanted_are_asked_for() -> None:
    stream = Scene().stream
    meta, spot = b'{"type":"meta"}', b'{"type":"spotMeta"}'
    assert [each.body for each in stream.instrument_requests(["BTC/USDC:USDC"])] == [meta]
    assert [each.body for each in stream.instrument_requests(["HYPE/USDC"])] == [spot]
    both = stream.instrument_requests([])
    assert [(each.url, each.body, each.weight) for each in both] == [(INFO, meta, 20), (INFO, spot, 20)]
    assert {each.limit for each in both} <= {limit.name for limit in HyperliquidStream.rate_limits}


@pytest.mark.parametrize(
    ("environment", "url", "ws"),
    [
        ("mainnet", None, WS),
        ("testnet", None, "wss://api.hyperliquid-testnet.xyz/ws"),
        ("simulator", "http://127.0.0.1:9000", "ws://127.0.0.1:9000/ws"),
    ],
)
def test_environments(environment: str, url: str | None, ws: str) -> None:
    scene = Scene(make_market("BTC"), environment=environment, url=url)
    assert [spec.url for spec in scene.specs] == [ws]
    request = scene.stream.instrument_requests(["BTC/USDC:USDC"])[0]
    assert request.url == ws.replace("ws", "http", 1).replace("/ws", "/info")


def test_the_bodies_of_requests_tell_answers_apart() -> None:
    scene = Scene()
    meta = json.dumps({"universe": [{"name": "BTC", "szDecimals": 5}]}).encode()
    for body, url in ((b"", INFO), (b'{"type":"allMids"}', INFO), (b'{"type":"meta"}', INFO[:-4] + "x")):
        scene.stream.on_response(Request(url=url, body=body), meta, 1)
    assert not scene.feed.instruments
    scene.stream.on_response(Request(url=INFO, body=b'{"type":"meta"}'), meta, 1)
    assert list(scene.feed.instruments) == ["BTC/USDC:USDC"]
    with pytest.raises(DecodeError):
        scene.stream.on_response(Request(url=INFO, body=b'{"type":"spotMeta"}'), meta, 1)


def test_no_more_is_subscribed_to_than_somebody_listens_to() -> None:
    scene = Scene(make_market("BTC"), make_market("HYPE", spot=True), make_market("ETH", Channel.QUOTE))
    assert wanted(scene) == [
        {"type": "l2Book", "coin": "BTC", "fast": True},
        {"type": "bbo", "coin": "BTC"},
        {"type": "trades", "coin": "BTC"},
        {"type": "activeAssetCtx", "coin": "BTC"},
        {"type": "l2Book", "coin": "@107", "fast": True},
        {"type": "bbo", "coin": "@107"},
        {"type": "trades", "coin": "@107"},
        {"type": "bbo", "coin": "ETH"},
    ]
    (spec,) = scene.specs
    assert spec.books == {scene.markets[0].instrument.id, scene.markets[1].instrument.id}
    assert spec.ping == b'{"method":"ping"}'
    assert spec.ping_ns < 60 * S
    full = Scene(make_market("BTC", Channel.BOOK), config=Config(book=BookFeed.FULL))
    assert wanted(full) == [{"type": "l2Book", "coin": "BTC"}]
    assert Scene().specs == []


def test_there_are_no_more_subscriptions_than_the_exchange_allows() -> None:
    with pytest.raises(UsageError, match="1004 subscriptions are wanted and 1000"):
        Scene(*(make_market(f"C{number}") for number in range(251)))


# -- books ---------------------------------------------------------------------------------------------


def test_every_book_replaces_the_one_before() -> None:
    market = make_market("BTC")
    scene = Scene(market)
    assert market.book.state is BookState.SYNCING
    scene.acknowledge("BTC")
    scene.book("BTC", 1_000, [("60000", "1.5"), ("59999", "2")], [("60001", "1")])
    assert market.book.state is BookState.LIVE
    scene.book("BTC", 2_000, [("60002", "1")], [("60003.0", "0.5"), ("60010", "3")])
    assert market.book.state is BookState.LIVE
    assert market.book.bids() == [(600_020, 100_000)]
    assert market.book.asks() == [(600_030, 50_000), (600_100, 300_000)]
    assert (market.book.update_id, market.book.exchange_ns) == (2_000, 2 * S)
    assert (market.counters.book_updates, market.counters.gaps, market.counters.resyncs) == (2, 0, 0)


def test_an_older_book_is_left_out_until_the_connection_is_another() -> None:
    market = make_market("BTC")
    scene = Scene(market)
    scene.book("BTC", 2_000, [("60000", "1")], [("60001", "1")])
    scene.book("BTC", 1_999, [("50000", "1")], [("50001", "1")])
    assert market.book.best_bid == 600_000
    scene.stream.on_close(scene.conn, 1)
    assert market.book.state is BookState.STALE
    scene.book("BTC", 1_999, [("50000", "1")], [("50001", "1")])
    assert (market.book.best_bid, market.book.state) == (500_000, BookState.LIVE)


def test_an_empty_side_is_empty() -> None:
    market = make_market("MATIC")
    scene = Scene(market)
    scene.book("MATIC", 1_000, [("0.3", "1")], [])
    assert (market.book.best_bid, market.book.best_ask) == (3, None)
    scene.book("MATIC", 2_000, [], [])
    assert (market.book.best_bid, market.book.state) == (None, BookState.LIVE)


def test_a_crossed_book_is_broken_and_subscribed_to_anew() -> None:
    market = make_market("BTC")
    scene = Scene(market)
    scene.book("BTC", 1_000, [("60001", "1")], [("60001", "1")])
    assert market.book.state is BookState.BROKEN
    assert [json.loads(frame)["method"] for _, frame in scene.feed.sent] == ["unsubscribe", "subscribe"]
    assert json.loads(scene.feed.sent[1][1])["subscription"] == wanted(scene)[0]
    scene.book("BTC", 2_000, [("60000", "1")], [("60001", "1")])
    assert market.book.state is BookState.LIVE


def test_a_subscription_that_brings_no_book_is_made_anew() -> None:
    scene = Scene(make_market("BTC"))
    scene.acknowledge("BTC")
    scene.acknowledge("BTC", "bbo")
    scene.feed.clock.advance(60 * S)
    assert len(scene.feed.sent) >= 2


# -- trades, quotes, marks -----------------------------------------------------------------------------


def trade(tid: int, time: int = 1_000, **changes: Any) -> dict[str, Any]:
    return {
        "coin": "BTC", "side": "A", "px": "60000.0", "sz": "0.015", "time": time,
        "hash": "0x00", "tid": tid, "users": ["0x1", "0x2"],
    } | changes  # fmt: skip


def test_trades_are_told_once_also_after_a_replay_of_the_past() -> None:
    market = make_market("BTC", Channel.TRADE)
    told: list[Trade] = []
    market.on_trade = told.append
    scene = Scene(market)
    scene.put("trades", [trade(1), trade(2, side="B")])
    scene.stream.on_close(scene.conn, 1)
    scene.put("trades", [trade(1), trade(2, side="B"), trade(3, 1_001)])
    assert [(each.trade_id, each.side) for each in told] == [
        ("1", Side.SELL),
        ("2", Side.BUY),
        ("3", Side.SELL),
    ]
    assert (told[0].price, told[0].size, told[0].exchange_ns) == (600_000, 1_500, S)
    # The id is a hash: the time makes it unique, and without one all that is said.
    scene.put("trades", [trade(1, 1_002), trade(0, 1_002), trade(0, 1_002), trade(0, 1_002, sz="1")])
    assert len(told) == 6


def test_best_prices_may_be_missing() -> None:
    market = make_market("BTC", Channel.QUOTE)
    told: list[Quote] = []
    market.on_quote = told.append
    scene = Scene(market)
    level = {"px": "30135.0", "sz": "0.5", "n": 2}
    scene.put("bbo", {"coin": "BTC", "time": 1_000, "bbo": [level, None]})
    scene.put("bbo", {"coin": "BTC", "time": 999, "bbo": [level, level]})
    scene.put("bbo", {"coin": "BTC", "time": 1_001, "bbo": [None, None]})
    assert [(each.bid, each.bid_size, each.ask, each.ask_size) for each in told] == [
        (301_350, 50_000, None, 0),
        (None, 0, None, 0),
    ]


def test_marks_may_lack_everything_but_the_mark() -> None:
    market = make_market("BTC", Channel.MARK)
    told: list[MarkPrice] = []
    market.on_mark = told.append
    scene = Scene(market)
    ctx = {"markPx": "14.3161", "oraclePx": "14.32", "funding": "0.0000125", "midPx": None, "premium": None}
    scene.put("activeAssetCtx", {"coin": "BTC", "ctx": ctx})
    scene.put("activeAssetCtx", {"coin": "BTC", "ctx": {"markPx": "1"}})
    scene.put("activeAssetCtx", {"coin": "BTC", "ctx": {"markPx": None}})
    assert [(each.mark, each.index, each.funding_rate) for each in told] == [
        (Decimal("14.3161"), Decimal("14.32"), Decimal("0.0000125")),
        (Decimal(1), None, None),
    ]


# -- what is not understood ----------------------------------------------------------------------------


def test_what_says_nothing_is_ignored_and_refusals_are_told() -> None:
    scene = Scene(make_market("BTC"))
    scene.frame(b"Websocket connection established.")
    scene.frame({"channel": "pong"})
    scene.acknowledge("BTC", "trades", "unsubscribe")
    scene.put("error", 'Already subscribed: {"type":"trades","coin":"ETH"}')
    assert len(scene.feed.warnings) == 1
    assert "Already subscribed" in scene.feed.warnings[0]


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"hello",
        b"{}",
        b'{"channel":"news"}',
        b'{"channel":"l2Book","data":{"coin":"BTC","time":1,"levels":[[]]}}',
        b'{"channel":"l2Book","data":{"coin":"XXX","time":1,"levels":[[],[]]}}',
        b'{"channel":"bbo","data":{"coin":"BTC","time":1,"bbo":[{"px":"1.01","sz":"1"},null]}}',
        b'{"channel":"trades","data":[{"coin":"BTC","side":"X","px":"1","sz":"1","time":1,"tid":1}]}',
        b'{"channel":"activeAssetCtx","data":{"coin":"BTC","ctx":{"markPx":"NaN"}}}',
    ],
)
def test_what_is_not_understood_says_so(frame: bytes) -> None:
    scene = Scene(make_market("BTC"))
    with pytest.raises(DecodeError):
        scene.frame(frame)


def test_a_book_with_a_level_that_makes_no_sense_is_broken_not_wrong() -> None:
    market = make_market("BTC")
    scene = Scene(market)
    scene.book("BTC", 1_000, [("60000", "1")], [("60001", "1")])
    scene.book("BTC", 2_000, [("60000", "1"), ("-1", "1")], [("60001", "1")])
    assert market.book.state is BookState.BROKEN


FRAMES = [
    b'{"channel":"l2Book","data":{"coin":"BTC","time":1000,"levels":[[{"px":"60000.0","sz":"1.2","n":3}],'
    b'[{"px":"60001.0","sz":"0.4","n":1}]]}}',
    b'{"channel":"bbo","data":{"coin":"BTC","time":1000,"bbo":[{"px":"60000.0","sz":"0.5","n":2},null]}}',
    b'{"channel":"trades","data":[{"coin":"BTC","side":"A","px":"60000.0","sz":"0.015","time":1000,'
    b'"hash":"0x00","tid":118906512037719,"users":["0x1","0x2"]}]}',
    b'{"channel":"activeAssetCtx","data":{"coin":"BTC","ctx":{"markPx":"60000.0","oraclePx":"60001.0",'
    b'"funding":"0.0000125","premium":null}}}',
    b'{"channel":"subscriptionResponse","data":{"method":"subscribe","subscription":{"type":"l2Book"}}}',
    b'{"channel":"error","data":"Invalid subscription"}',
]


@given(
    frame=st.sampled_from(FRAMES),
    at=st.integers(0, 250),
    cut=st.integers(0, 20),
    junk=st.one_of(
        st.binary(max_size=6), st.sampled_from([b"null", b"[]", b"{}", b'"', b"-", b"1e9", b"9" * 45])
    ),
)
def test_damage_is_refused_and_makes_no_book_wrong(frame: bytes, at: int, cut: int, junk: bytes) -> None:
    market = make_market("BTC")
    scene = Scene(market)
    scene.frame(FRAMES[0].replace(b"1000", b"1"))
    damaged = frame[:at] + junk + frame[at + cut :]
    with suppress(DecodeError):
        scene.frame(damaged)
    if market.book.state is BookState.LIVE:
        assert not market.book.is_crossed
        whole = json.loads(damaged) if market.book.update_id != 1 else json.loads(FRAMES[0])
        bids, asks = (
            [(Decimal(each["px"]), Decimal(each["sz"])) for each in side if Decimal(each["sz"])]
            for side in whole["data"]["levels"]
        )
        assert sorted(market.book.exact_levels(Side.BUY)) == sorted(bids)
        assert sorted(market.book.exact_levels(Side.SELL)) == sorted(asks)


@pytest.mark.skipif(not MESSAGES.is_file(), reason="no messages beside the repository")
def test_recorded_frames_are_understood() -> None:
    markets = [make_market("BTC"), make_market("MATIC")]
    scene = Scene(*markets)
    for line in MESSAGES.read_bytes().splitlines():
        if json.loads(line)["channel"] != "userFills":
            scene.frame(line)
    assert [market.counters.quotes for market in markets] == [1, 1]
    assert markets[0].counters.trades == 2
    assert markets[1].book.state is BookState.LIVE
    assert not scene.feed.faults
    assert len(scene.feed.warnings) == 1  # the recorded error
