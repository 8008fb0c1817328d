"""The stream on a feed that does nothing: subscriptions, answers, frames, faults."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft import (
    BookState,
    Channel,
    ConnectionSpec,
    DecodeError,
    Instrument,
    InstrumentId,
    InstrumentKind,
    Market,
    Request,
    Side,
    Trade,
)
from hft.testing.feed import FakeFeed
from hft_binance.config import Config, FuturesDepthSpeed, SpotDepthSpeed
from hft_binance.stream import BinanceStream

S = 1_000_000_000
SPOT_WS = "wss://stream.binance.com:9443/stream"
PUBLIC_WS = "wss://fstream.binance.com/public/stream"
MARKET_WS = "wss://fstream.binance.com/market/stream"


def make_market(base: str, *channels: Channel, futures: bool = False) -> Market:
    symbol = f"{base}/USDT:USDT" if futures else f"{base}/USDT"
    market = Market(
        Instrument(
            id=InstrumentId(symbol, "binance"),
            native_symbol=f"{base}USDT",
            kind=InstrumentKind.PERPETUAL if futures else InstrumentKind.SPOT,
            base=base,
            quote="USDT",
            settle="USDT",
            tick_size=Decimal("0.1"),
            lot_size=Decimal("0.001"),
        )
    )
    for channel in channels or Channel:
        market.listen(channel, lambda _: None)
    return market


class Scene:
    """A stream with its feed and markets, subscribed."""

    def __init__(self, *markets: Market, config: Config | None = None, **feed: Any) -> None:
        self.feed = FakeFeed("binance", start_ns=1_700_000_000 * S, **feed)
        self.stream = BinanceStream(config or Config(), self.feed)
        self.markets = markets
        self.specs = self.stream.subscribe(markets)

    def frame(self, conn: str, data: Any) -> None:
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.stream.on_frame(conn, body, self.feed.clock.now_ns())

    def put(self, conn: str, stream: str, **data: Any) -> None:
        self.frame(conn, {"stream": stream, "data": data})

    def depth(
        self, base: str, first_id: int, last_id: int, bids: Any = (), asks: Any = (), *, conn: str = SPOT_WS
    ) -> None:
        self.put(
            conn, f"{base.lower()}usdt@depth@100ms",
            e="depthUpdate", E=1, s=f"{base}USDT", U=first_id, u=last_id, b=bids, a=asks,
        )  # fmt: skip

    def answer(self, body: Any, request: Request | None = None) -> None:
        request = request or self.feed.requests[-1]
        self.stream.on_response(request, json.dumps(body).encode(), self.feed.clock.now_ns())

    def snapshot(self, update_id: int, request: Request | None = None) -> None:
        book = {"lastUpdateId": update_id, "bids": [["100.0", "1"]], "asks": [["100.1", "2"]]}
        self.answer(book, request)

    def states(self) -> list[BookState]:
        return [market.book.state for market in self.markets]


def params(spec: ConnectionSpec) -> list[str]:
    return [stream for frame in spec.on_open for stream in json.loads(frame)["params"]]


@pytest.fixture
def two() -> Scene:
    """BTC and ETH on spot, both LIVE at 100."""
    scene = Scene(make_market("BTC"), make_market("ETH"))
    scene.frame(SPOT_WS, {"result": None, "id": 1})
    for request in list(scene.feed.requests):
        scene.snapshot(100, request)
    assert scene.states() == [BookState.LIVE, BookState.LIVE]
    return scene


# -- requests -------------------------------------------------------------------------------------


def test_only_products_that_are_wanted_are_asked_for() -> None:
    stream = Scene().stream
    spot, usdm = (
        "https://api.binance.com/api/v3/exchangeInfo",
        "https://fapi.binance.com/fapi/v1/exchangeInfo",
    )
    assert [request.url for request in stream.instrument_requests(["BTC/USDT"])] == [spot]
    assert [
        request.url for request in stream.instrument_requests(["BTC/USDT:USDT", "ETH/USDC:USDC-260925"])
    ] == [usdm]
    both = stream.instrument_requests([])
    assert [(request.url, request.weight, request.limit) for request in both] == [
        (spot, 20, "spot"),
        (usdm, 1, "usdm"),
    ]
    assert {request.limit for request in both} <= {limit.name for limit in BinanceStream.rate_limits}


@pytest.mark.parametrize(
    ("environment", "url", "hosts"),
    [
        (
            "mainnet",
            None,
            ["https://api.binance.com", "wss://stream.binance.com:9443", "wss://fstream.binance.com"],
        ),
        (
            "testnet",
            None,
            [
                "https://testnet.binance.vision",
                "wss://stream.testnet.binance.vision",
                "wss://fstream.binancefuture.com",
            ],
        ),
        (
            "demo",
            None,
            [
                "https://demo-api.binance.com",
                "wss://demo-stream.binance.com",
                "wss://demo-fstream.binance.com",
            ],
        ),
        ("mainnet", "http://127.0.0.1:9000", ["http://127.0.0.1:9000", *["ws://127.0.0.1:9000"] * 2]),
        ("simulator", "https://sim.example/", ["https://sim.example", *["wss://sim.example"] * 2]),
    ],
)
def test_environments_and_urls(environment: str, url: str | None, hosts: list[str]) -> None:
    futures = make_market("BTC", Channel.QUOTE, futures=True)
    scene = Scene(make_market("BTC", Channel.QUOTE), futures, environment=environment, url=url)
    assert scene.stream.instrument_requests(["BTC/USDT"])[0].url == f"{hosts[0]}/api/v3/exchangeInfo"
    assert [spec.url for spec in scene.specs] == [f"{hosts[1]}/stream", f"{hosts[2]}/public/stream"]


def test_instruments_are_published() -> None:
    scene = Scene()
    symbol = {
        "symbol": "BTCUSDT",
        "status": "TRADING",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "filters": [],
    }
    url = "https://api.binance.com/api/v3/exchangeInfo?permissions=SPOT"
    scene.answer({"symbols": [symbol, {}]}, Request(url=url))
    assert list(scene.feed.instruments) == ["BTC/USDT"]
    assert len(scene.feed.warnings) == 1


@pytest.mark.parametrize(
    ("futures", "depth", "url", "weight"),
    [
        (False, 1000, "https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=1000", 50),
        (False, 100, "https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=100", 5),
        (False, 5000, "https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=5000", 250),
        (True, 1000, "https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=1000", 20),
        (True, 5000, "https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=1000", 20),
        (True, 30, "https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=50", 2),
    ],
)
def test_a_snapshot_is_asked_for_when_the_subscription_is_acknowledged(
    futures: bool, depth: int, url: str, weight: int
) -> None:
    scene = Scene(make_market("BTC", Channel.BOOK, futures=futures), config=Config(depth=depth))
    conn = scene.specs[0].name
    scene.stream.on_open(conn, 0)
    assert scene.feed.requests == []
    scene.frame(conn, {"result": None, "id": 1})
    (request,) = scene.feed.requests
    assert (request.url, request.weight, request.limit) == (url, weight, "usdm" if futures else "spot")
    scene.snapshot(100)
    assert scene.states() == [BookState.LIVE]


def test_or_when_the_first_update_comes() -> None:
    scene = Scene(make_market("BTC"))
    scene.depth("BTC", 100, 101, [["99.9", "3"]])
    assert len(scene.feed.requests) == 1
    scene.snapshot(100)
    assert scene.markets[0].book.bids() == [(1000, 1000), (999, 3000)]


def test_or_a_while_after_opening_whatever_became_of_the_answer() -> None:
    scene = Scene(make_market("BTC"))
    scene.stream.on_open(SPOT_WS, 0)
    scene.feed.clock.advance(4 * S)
    assert scene.feed.requests == []
    scene.feed.clock.advance(2 * S)
    assert len(scene.feed.requests) == 1


def test_a_failed_snapshot_is_asked_for_again() -> None:
    scene = Scene(make_market("BTC"))
    scene.depth("BTC", 100, 101)
    scene.stream.on_request_failed(scene.feed.requests[0], "timed out", 0)
    scene.feed.clock.advance(S)
    assert len(scene.feed.requests) == 2


@pytest.mark.parametrize("body", [{"code": -1121, "msg": "Invalid symbol."}, {"lastUpdateId": 5}, []])
def test_a_snapshot_that_is_none_is_refused(body: Any) -> None:
    scene = Scene(make_market("BTC"))
    scene.depth("BTC", 100, 101)
    with pytest.raises(DecodeError, match="DepthSnapshot"):
        scene.answer(body)


def test_answers_nobody_waits_for_are_ignored(two: Scene) -> None:
    two.answer({"x": 1}, Request(url="https://api.binance.com/api/v3/time"))
    two.snapshot(999, Request(url="https://api.binance.com/api/v3/depth?symbol=LTCUSDT&limit=5"))
    two.snapshot(999, Request(url="https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=5"))
    assert [market.book.update_id for market in two.markets] == [100, 100]


# -- connections ----------------------------------------------------------------------------------


def test_only_channels_with_listeners_are_subscribed_to() -> None:
    scene = Scene(
        make_market("BTC", Channel.BOOK, Channel.TRADE),
        make_market("ETH", Channel.QUOTE, Channel.MARK),  # spot has no mark price
        make_market("BTC", futures=True),
        make_market("SOL", Channel.MARK, futures=True),
    )
    assert {spec.name: params(spec) for spec in scene.specs} == {
        SPOT_WS: ["btcusdt@depth@100ms", "btcusdt@trade", "ethusdt@bookTicker"],
        PUBLIC_WS: ["btcusdt@depth@100ms", "btcusdt@bookTicker"],
        MARKET_WS: ["btcusdt@aggTrade", "btcusdt@markPrice@1s", "solusdt@markPrice@1s"],
    }


def test_depth_speeds() -> None:
    config = Config(spot_depth_speed=SpotDepthSpeed.MS_1000, futures_depth_speed=FuturesDepthSpeed.MS_0)
    scene = Scene(
        make_market("BTC", Channel.BOOK), make_market("BTC", Channel.BOOK, futures=True), config=config
    )
    assert [params(spec) for spec in scene.specs] == [["btcusdt@depth"], ["btcusdt@depth@0ms"]]


@pytest.mark.parametrize(("futures", "most", "messages"), [(False, 1024, 5), (True, 200, 10)])
def test_streams_are_spread_over_connections(futures: bool, most: int, messages: int) -> None:
    markets = [make_market(f"C{number}", Channel.BOOK, futures=futures) for number in range(2 * most + 1)]
    scene = Scene(*markets)
    assert [len(params(spec)) for spec in scene.specs] == [most, most, 1]
    url = scene.specs[0].url
    assert [spec.name for spec in scene.specs] == [url, f"{url}#2", f"{url}#3"]
    assert {spec.url for spec in scene.specs} == {url}
    streams = [stream for spec in scene.specs for stream in params(spec)]
    assert len(set(streams)) == len(markets)
    for spec in scene.specs:
        assert max(len(frame) for frame in spec.on_open) < 4096
        ids = [json.loads(frame)["id"] for frame in spec.on_open]
        assert len(set(ids)) == len(ids)
        assert spec.messages_per_s < messages
        assert 0 < spec.lifetime_ns < 24 * 3600 * S
        assert 0 < spec.ping_ns < spec.silence_ns
        assert spec.limit in {limit.name for limit in BinanceStream.rate_limits}


def test_each_connection_says_whose_books_it_brings() -> None:
    btc, eth, trades = make_market("BTC"), make_market("ETH", futures=True), make_market("SOL", Channel.TRADE)
    specs = {spec.name: spec.books for spec in Scene(btc, eth, trades).specs}
    assert specs == {
        SPOT_WS: {btc.instrument.id},
        PUBLIC_WS: {eth.instrument.id},
        MARKET_WS: frozenset(),
    }


def test_books_are_lost_in_the_order_of_subscription() -> None:
    """Who is told first acts first: it must not depend on where the objects lie in memory."""
    bases = [f"A{number}" for number in range(40)]
    scene = Scene(*(make_market(base) for base in bases))
    scene.frame(SPOT_WS, {"result": None, "id": 1})
    scene.frame(SPOT_WS, {"result": None, "id": 2})
    for request in list(scene.feed.requests):
        scene.snapshot(100, request)
    lost: list[str] = []
    for market in scene.markets:
        market.listen_lost(lambda book: lost.append(book.instrument.base))
    scene.stream.on_close(SPOT_WS, 0)
    assert lost == bases


def test_an_acknowledgement_begins_only_what_it_acknowledges() -> None:
    scene = Scene(*(make_market(f"C{number}", Channel.BOOK) for number in range(150)))
    scene.frame(SPOT_WS, {"result": None, "id": 2})
    assert len(scene.feed.requests) == 50
    assert scene.feed.requests[0].url.endswith("symbol=C100USDT&limit=1000")
    scene.frame(SPOT_WS, {"result": None, "id": 77})
    assert len(scene.feed.requests) == 50


def test_answers_to_our_pings_are_nothing(two: Scene) -> None:
    assert json.loads(two.specs[0].ping)["id"] == 0
    two.frame(SPOT_WS, {"result": True, "id": 0})
    two.frame(SPOT_WS, {"result": ["btcusdt@trade"], "id": 3})
    assert (two.feed.warnings, two.feed.faults) == ([], [])


@pytest.mark.parametrize(
    "answer",
    [
        {"code": 2, "msg": "Invalid request: unknown variant", "id": 1},
        {"error": {"code": 2, "msg": "Invalid request: unknown variant"}, "id": 1},
        {"code": 3, "msg": "Invalid JSON: unknown variant", "id": None},
    ],
)
def test_a_refused_subscription_is_told_of(answer: dict[str, Any]) -> None:
    scene = Scene(make_market("BTC"))
    scene.frame(SPOT_WS, answer)
    (warning,) = scene.feed.warnings
    assert "unknown variant" in warning
    assert scene.feed.requests == []


@pytest.mark.parametrize("number", [1, None])
@pytest.mark.parametrize("opened_first", [True, False])
def test_a_book_whose_subscription_was_refused_never_goes_live(
    number: int | None, opened_first: bool
) -> None:
    scene = Scene(make_market("BTC"))
    if opened_first:
        scene.stream.on_open(SPOT_WS, 0)
    scene.frame(SPOT_WS, {"code": 2, "msg": "Too many requests", "id": number})
    if not opened_first:
        scene.stream.on_open(SPOT_WS, 0)
    scene.feed.clock.advance(60 * S)
    assert scene.feed.requests == []
    # The next connection is another matter.
    scene.stream.on_close(SPOT_WS, 0)
    scene.stream.on_open(SPOT_WS, 0)
    scene.feed.clock.advance(6 * S)
    assert len(scene.feed.requests) == 1


def test_a_refused_question_is_no_refused_subscription() -> None:
    scene = Scene(make_market("BTC"))
    scene.stream.on_open(SPOT_WS, 0)
    scene.frame(SPOT_WS, {"code": 2, "msg": "Invalid request", "id": 0})
    scene.feed.clock.advance(6 * S)
    assert len(scene.feed.requests) == 1


def test_subscribing_again_leaves_no_timer_behind() -> None:
    scene = Scene(make_market("BTC"))
    scene.stream.on_open(SPOT_WS, 0)
    scene.stream.subscribe(scene.markets)
    assert scene.feed.clock.next_timer_ns() is None


@pytest.mark.parametrize(
    "frame",
    [{"stream": "!serverShutdown", "data": {"e": "serverShutdown", "E": 1}}, {"e": "serverShutdown", "E": 1}],
)
def test_a_shutdown_is_told_of(two: Scene, frame: dict[str, Any]) -> None:
    two.frame(SPOT_WS, frame)
    assert len(two.feed.warnings) == 1
    assert two.feed.rotated == [SPOT_WS]
    assert two.states() == [BookState.LIVE, BookState.LIVE]


def test_a_lost_connection_loses_its_own_books_only() -> None:
    scene = Scene(make_market("BTC"), make_market("BTC", futures=True))
    for conn in (SPOT_WS, PUBLIC_WS):
        scene.frame(conn, {"result": None, "id": 1})
        scene.snapshot(100)
    scene.stream.on_close(MARKET_WS, 0)
    assert scene.states() == [BookState.LIVE, BookState.LIVE]
    scene.stream.on_close(PUBLIC_WS, 0)
    assert scene.states() == [BookState.LIVE, BookState.STALE]
    scene.stream.on_open(PUBLIC_WS, 0)
    scene.frame(PUBLIC_WS, {"result": None, "id": 1})
    scene.feed.clock.advance(S)
    scene.snapshot(105)
    assert scene.states() == [BookState.LIVE, BookState.LIVE]


def test_a_lost_connection_takes_back_what_it_would_have_begun() -> None:
    scene = Scene(make_market("BTC"))
    scene.stream.on_open(SPOT_WS, 0)
    scene.stream.on_close(SPOT_WS, 0)
    scene.feed.clock.advance(60 * S)
    assert scene.feed.requests == []


def test_subscribing_again_keeps_what_is_there(two: Scene) -> None:
    sol = make_market("SOL")
    two.depth("BTC", 101, 101)
    two.stream.subscribe([*two.markets, sol])
    two.depth("BTC", 102, 102)
    two.depth("SOL", 7, 8)
    assert two.markets[0].book.update_id == 102
    assert two.states() == [BookState.LIVE, BookState.LIVE]
    assert two.feed.requests[-1].url.endswith("symbol=SOLUSDT&limit=1000")


# -- books ----------------------------------------------------------------------------------------


def test_a_gap_resynchronises_one_symbol_and_no_other(two: Scene) -> None:
    btc, eth = two.markets
    two.depth("BTC", 101, 102)
    two.depth("BTC", 104, 104, [["100.0", "9"]])
    two.depth("ETH", 101, 103)
    assert two.states() == [BookState.SYNCING, BookState.LIVE]
    assert (btc.counters.gaps, eth.counters.gaps) == (1, 0)
    two.feed.clock.advance(S)
    two.snapshot(103)
    assert two.states() == [BookState.LIVE, BookState.LIVE]
    assert btc.book.bids() == [(1000, 9000)]


def test_futures_chain_on_the_previous_id() -> None:
    scene = Scene(make_market("BTC", futures=True))

    def depth(first_id: int, last_id: int, prev_id: int) -> None:
        scene.put(
            PUBLIC_WS, "btcusdt@depth@100ms",
            e="depthUpdate", E=2, T=1, s="BTCUSDT", U=first_id, u=last_id, pu=prev_id, b=[], a=[],
        )  # fmt: skip

    book = scene.markets[0].book
    depth(100, 110, 90)
    scene.snapshot(105)
    assert (book.state, book.update_id, book.exchange_ns) == (BookState.LIVE, 110, 1_000_000)
    depth(150, 160, 110)
    depth(150, 160, 110)
    assert (book.state, book.update_id) == (BookState.LIVE, 160)
    depth(161, 170, 159)
    assert book.state is BookState.SYNCING
    assert scene.markets[0].counters.gaps == 1


UPDATE = (
    b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1672515782136,"s":"BTCUSDT","U":101,"u":102,'
    b'"b":[["100.0","7"]],"a":[["100.1","0"],["100.2","5"]]}}'
)


@pytest.mark.parametrize("length", range(len(UPDATE)))
def test_a_truncated_update_never_changes_a_book(length: int) -> None:
    scene = Scene(make_market("BTC"), make_market("ETH"))
    scene.frame(SPOT_WS, {"result": None, "id": 1})
    for request in list(scene.feed.requests):
        scene.snapshot(100, request)
    btc, eth = scene.markets
    with pytest.raises(DecodeError):
        scene.frame(SPOT_WS, UPDATE[:length])
    assert btc.book.levels(Side.BUY) == [(1000, 1000)]
    assert eth.book.state is BookState.LIVE
    if length > len('{"stream":"btcusdt@depth@100ms"'):  # whose it was can be read
        assert btc.book.state is BookState.BROKEN
        assert btc.counters.frames == 1
    scene.depth("BTC", 103, 103)
    assert btc.book.state is not BookState.LIVE


@given(st.data())
def test_no_bytes_ever_raise_anything_else(data: st.DataObject) -> None:
    frames = [
        UPDATE,
        UPDATE.replace(b"depth@100ms", b"trade"),
        b'{"e":"depthUpdate","s":"BTCUSDT"}',
        b'{"result":null,"id":1}',
    ]
    frame = data.draw(st.sampled_from(frames))
    start, stop = (data.draw(st.integers(0, len(frame))) for _ in range(2))
    garbage = data.draw(
        st.binary(max_size=8) | st.sampled_from([b"null", b"[]", b'"x"', b"-1", b"{}", b"1e5"])
    )
    scene = Scene(make_market("BTC"))
    scene.frame(SPOT_WS, {"result": None, "id": 1})
    scene.snapshot(100)
    with suppress(DecodeError):
        scene.frame(SPOT_WS, frame[:start] + garbage + frame[stop:])
    book = scene.markets[0].book
    assert book.state is not BookState.LIVE or not book.is_crossed


# -- events ---------------------------------------------------------------------------------------


def trade(id: int, price: str = "100.0", **changes: Any) -> dict[str, Any]:
    return {
        "e": "trade",
        "E": 2,
        "s": "BTCUSDT",
        "t": id,
        "p": price,
        "q": "0.5",
        "T": 1,
        "m": True,
    } | changes


def ticker(id: int, **changes: Any) -> dict[str, Any]:
    return {"u": id, "s": "BTCUSDT", "b": "100.0", "B": "1", "a": "100.1", "A": "2"} | changes


def test_events_are_told_once(two: Scene) -> None:
    """Two connections overlap while one replaces the other."""
    btc = two.markets[0]
    trades: list[Trade] = []
    quotes: list[int] = []
    btc.listen(Channel.TRADE, trades.append)
    btc.listen(Channel.QUOTE, lambda quote: quotes.append(quote.update_id))
    for number in (5, 6, 5, 6, 7):
        two.put(SPOT_WS, "btcusdt@trade", **trade(number))
        two.put(SPOT_WS, "btcusdt@bookTicker", **ticker(number))
    assert [each.trade_id for each in trades] == ["5", "6", "7"]
    assert quotes == [5, 6, 7]
    assert (btc.counters.trades, btc.counters.quotes, btc.counters.frames) == (3, 3, 10)
    two.stream.on_close(SPOT_WS, 0)
    two.put(SPOT_WS, "btcusdt@trade", **trade(1))
    two.put(SPOT_WS, "btcusdt@bookTicker", **ticker(1))
    assert (trades[-1].trade_id, quotes[-1]) == ("1", 1)


@given(st.data())
def test_two_connections_out_of_step_tell_every_trade_once(data: st.DataObject) -> None:
    """The one that is replaced may lag behind: what only it has yet to bring must not be lost."""
    first = data.draw(st.integers(0, 5))
    old = list(range(first, first + 12))
    new = list(range(first + data.draw(st.integers(0, 11)), first + 20))
    arrivals: list[int] = []
    while old or new:
        source = data.draw(st.sampled_from([each for each in (old, new) if each]))
        arrivals.append(source.pop(0))
    scene = Scene(make_market("BTC", Channel.TRADE))
    trades: list[str] = []
    scene.markets[0].listen(Channel.TRADE, lambda trade: trades.append(trade.trade_id))
    for number in arrivals:
        scene.put(SPOT_WS, "btcusdt@trade", **trade(number))
    assert sorted(map(int, trades)) == sorted({*arrivals} - set(range(arrivals[0])))


def test_aggregated_trades_have_ids_of_their_own(two: Scene) -> None:
    two.put(SPOT_WS, "btcusdt@trade", **trade(500))
    two.put(SPOT_WS, "btcusdt@aggTrade", **trade(0), a=20)
    two.put(SPOT_WS, "btcusdt@aggTrade", **trade(0), a=20)
    assert two.markets[0].counters.trades == 2


def test_a_trade_at_price_zero_is_a_frame_and_no_trade(two: Scene) -> None:
    two.put(SPOT_WS, "btcusdt@trade", **trade(5, "0"))
    assert (two.markets[0].counters.frames, two.markets[0].counters.trades) == (1, 0)


def test_mark_prices() -> None:
    scene = Scene(make_market("BTC", futures=True))
    marks: list[Decimal] = []
    scene.markets[0].listen(Channel.MARK, lambda mark: marks.append(mark.mark))
    scene.put(
        MARKET_WS,
        "btcusdt@markPrice@1s",
        e="markPriceUpdate",
        E=1,
        s="BTCUSDT",
        p="1.23456",
        i="1",
        r="0.0001",
        T=0,
    )
    assert marks == [Decimal("1.23456")]


def test_what_is_not_needed_is_no_fault(two: Scene) -> None:
    two.put(SPOT_WS, "btcusdt@kline_1m", e="kline", s="BTCUSDT")
    two.put(SPOT_WS, "ltcusdt@kline_1m", e="kline", s="LTCUSDT")
    two.put(SPOT_WS, "!miniTicker@arr")
    two.frame(SPOT_WS, {"e": "24hrTicker", "s": "BTCUSDT"})
    two.frame(SPOT_WS, {"lastUpdateId": 5, "bids": [], "asks": []})
    assert two.markets[0].counters.frames == 2


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ({"stream": "ltcusdt@trade", "data": trade(1)}, "unknown symbol 'LTCUSDT'"),
        ({"stream": "btcusdt@news", "data": {}}, "unknown stream 'btcusdt@news'"),
        ({"stream": "ethusdt@trade", "data": trade(1)}, "frame about 'BTCUSDT' on a stream of ETHUSDT"),
        ({"stream": "btcusdt@trade", "data": trade(1, "100.05")}, "100.05"),
        ({"stream": "btcusdt@bookTicker", "data": ticker(1, A="0.0001")}, "0.0001"),
        ({"stream": "btcusdt@trade", "data": {}}, "PublicTrade"),
        ({"stream": "btcusdt@trade"}, "PublicTrade"),
        ({"e": "listStatus", "s": "BTCUSDT"}, "unknown event 'listStatus'"),
        ({"e": "trade", "s": "LTCUSDT"}, "unknown symbol 'LTCUSDT'"),
        ({"event": "hello"}, "unknown frame"),
        ({}, "unknown frame"),
        ([], "Envelope"),
        (b"pong", "Envelope"),
        (b"", "Envelope"),
    ],
)
def test_what_is_not_understood_says_why(two: Scene, frame: Any, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason.replace(".", r"\.")):
        two.frame(SPOT_WS, frame)
    assert two.states() == [BookState.LIVE, BookState.LIVE]


def test_a_misdirected_update_changes_no_book(two: Scene) -> None:
    with pytest.raises(DecodeError):
        two.frame(SPOT_WS, UPDATE.replace(b'"BTCUSDT"', b'"ETHUSDT"'))
    assert [market.book.update_id for market in two.markets] == [100, 100]


# -- captures made by others ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conn", "futures"),
    [
        ("wss://stream.binance.com/stream?streams=btcusdt@depth@100ms/btcusdt@trade", False),
        ("wss://data-stream.binance.vision/stream?streams=btcusdt@depth@100ms", False),
        ("wss://fstream.binance.com/stream?streams=btcusdt@depth@100ms", True),
        ("wss://fstream.binance.com/public/stream?streams=btcusdt@depth@100ms#2", True),
        ("ws://127.0.0.1:9000/public/stream?streams=btcusdt@depth@100ms", True),
        ("wss://fstream.binance.com/public/ws/btcusdt@depth@100ms", True),
    ],
)
def test_the_products_are_told_apart_by_url(conn: str, futures: bool) -> None:
    scene = Scene(make_market("BTC"), make_market("BTC", futures=True))
    scene.stream.on_open(conn, 0)  # the URL has subscribed
    (request,) = scene.feed.requests
    assert ("/fapi/" in request.url) == futures
    scene.snapshot(100)
    data = {"e": "depthUpdate", "E": 1, "T": 1, "s": "BTCUSDT", "U": 99, "u": 101, "pu": 98, "b": [], "a": []}
    scene.frame(conn, data if "/ws/" in conn else {"stream": "btcusdt@depth@100ms", "data": data})
    assert scene.markets[futures].book.update_id == 101
    assert scene.markets[not futures].book.update_id == 0
    scene.stream.on_close(conn, 0)
    assert scene.markets[futures].book.state is BookState.STALE


def test_bare_events(two: Scene) -> None:
    conn = "wss://stream.binance.com:9443/ws/btcusdt@trade/btcusdt@bookTicker"
    two.frame(conn, trade(1))
    two.frame(conn, ticker(1))
    two.frame(conn, trade(0, a=3, e="aggTrade"))
    two.frame(conn, {"e": "depthUpdate", "E": 1, "s": "BTCUSDT", "U": 101, "u": 101, "b": [], "a": []})
    btc = two.markets[0]
    assert (btc.counters.trades, btc.counters.quotes, btc.counters.book_updates) == (2, 1, 1)


@pytest.mark.parametrize(
    ("stream", "applied"), [("btcusdt@depth5@100ms", False), ("btcusdt@depth@100ms", True)]
)
def test_best_levels_of_futures_are_not_taken_for_changes(stream: str, applied: bool) -> None:
    """Both come as ``depthUpdate``; only the URL tells them apart."""
    scene = Scene(make_market("BTC", futures=True))
    conn = f"wss://fstream.binance.com/ws/{stream}"
    scene.frame(
        conn,
        {"e": "depthUpdate", "E": 1, "T": 1, "s": "BTCUSDT", "U": 99, "u": 101, "pu": 98, "b": [], "a": []},
    )
    assert bool(scene.feed.requests) == applied
    assert scene.markets[0].counters.frames == 1


def test_a_book_that_moved_to_another_connection_is_lost_with_that_one(two: Scene) -> None:
    two.depth("BTC", 101, 101, conn=f"{SPOT_WS}#2")
    two.stream.on_close(SPOT_WS, 0)
    assert two.states() == [BookState.LIVE, BookState.STALE]
    two.stream.on_close(f"{SPOT_WS}#2", 0)
    assert two.states() == [BookState.STALE, BookState.STALE]


@pytest.mark.parametrize("depth", [0, 4, 5001, -1])
def test_the_depth_of_snapshots_is_checked(depth: int) -> None:
    with pytest.raises(ValueError, match="5 to 5000"):
        Config(depth=depth)
