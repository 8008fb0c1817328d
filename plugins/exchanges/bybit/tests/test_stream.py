"""The stream on a feed that does nothing: subscriptions, answers, frames, faults."""

from __future__ import annotations

import json
from decimal import Decimal
from random import Random
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
    Step,
)
from hft.testing.feed import FakeFeed
from hft_bybit.config import Config
from hft_bybit.stream import BybitStream
from hft_bybit.symbol import CONTINUITY

S = 1_000_000_000
SPOT = "wss://stream.bybit.com/v5/public/spot"
LINEAR = "wss://stream.bybit.com/v5/public/linear"


def make_market(base: str, *channels: Channel, spot: bool = False) -> Market:
    market = Market(
        Instrument(
            id=InstrumentId(f"{base}/USDT" if spot else f"{base}/USDT:USDT", "bybit"),
            native_symbol=f"{base}USDT",
            kind=InstrumentKind.SPOT if spot else InstrumentKind.PERPETUAL,
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
        self.feed = FakeFeed("bybit", start_ns=1_700_000_000 * S, **feed)
        self.stream = BybitStream(config or Config(), self.feed)
        self.markets = markets
        self.specs = self.stream.subscribe(markets)

    def frame(self, data: Any, conn: str = LINEAR) -> None:
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.stream.on_frame(conn, body, self.feed.clock.now_ns())

    def put(self, topic: str, type: str, data: Any, conn: str = LINEAR, **more: Any) -> None:
        self.frame({"topic": topic, "type": type, "ts": 1_700_000_000_000, "data": data, **more}, conn)

    def book(
        self,
        update_id: int,
        bids: Any = (),
        asks: Any = (),
        *,
        type: str = "delta",
        base: str = "BTC",
        depth: int = 50,
        conn: str = LINEAR,
        cts: int = 0,
    ) -> None:
        topic = f"orderbook.{depth}.{base}USDT"
        data = {"s": f"{base}USDT", "b": bids, "a": asks, "u": update_id, "seq": 7}
        self.put(topic, type, data, conn, cts=cts)

    def snapshot(self, update_id: int, **more: Any) -> None:
        self.book(update_id, [["100.0", "1"]], [["100.1", "2"]], type="snapshot", **more)

    def states(self) -> list[BookState]:
        return [market.book.state for market in self.markets]

    def sent(self) -> list[Any]:
        frames = [json.loads(data) for _, data in self.feed.sent]
        self.feed.sent.clear()
        return [(frame["op"], frame["args"]) for frame in frames]


def topics(spec: ConnectionSpec) -> list[str]:
    return [topic for frame in spec.on_open for topic in json.loads(frame)["args"]]


@pytest.fixture
def two() -> Scene:
    """BTC and ETH perpetuals, both LIVE at 100."""
    scene = Scene(make_market("BTC"), make_market("ETH"))
    scene.stream.on_open(LINEAR, 0)
    scene.snapshot(100)
    scene.snapshot(100, base="ETH")
    assert scene.states() == [BookState.LIVE, BookState.LIVE]
    return scene


# -- requests -------------------------------------------------------------------------------------


def test_only_products_that_are_wanted_are_asked_for() -> None:
    stream = Scene().stream
    url = "https://api.bybit.com/v5/market/instruments-info?category="
    assert [each.url for each in stream.instrument_requests(["BTC/USDT"])] == [f"{url}spot"]
    linear = stream.instrument_requests(["BTC/USDT:USDT", "ETH/USDC:USDC"])
    assert [each.url for each in linear] == [f"{url}linear&limit=1000"]
    both = stream.instrument_requests([])
    assert [each.url for each in both] == [f"{url}spot", f"{url}linear&limit=1000"]
    assert {each.limit for each in both} <= {limit.name for limit in BybitStream.rate_limits}


@pytest.mark.parametrize(
    ("environment", "url", "rest", "ws"),
    [
        ("mainnet", None, "https://api.bybit.com", "wss://stream.bybit.com"),
        ("testnet", None, "https://api-testnet.bybit.com", "wss://stream-testnet.bybit.com"),
        ("demo", None, "https://api-demo.bybit.com", "wss://stream.bybit.com"),
        ("simulator", "http://127.0.0.1:9000", "http://127.0.0.1:9000", "ws://127.0.0.1:9000"),
        ("mainnet", "https://sim.example/", "https://sim.example", "wss://sim.example"),
    ],
)
def test_environments_and_urls(environment: str, url: str | None, rest: str, ws: str) -> None:
    scene = Scene(make_market("BTC"), make_market("BTC", spot=True), environment=environment, url=url)
    assert scene.stream.instrument_requests(["BTC/USDT"])[0].url.startswith(f"{rest}/v5/market/")
    assert [spec.url for spec in scene.specs] == [f"{ws}/v5/public/linear", f"{ws}/v5/public/spot"]


def page(symbol: str, cursor: str) -> bytes:
    listed = {
        "symbol": symbol,
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": symbol.removesuffix("USDT"),
        "quoteCoin": "USDT",
        "settleCoin": "USDT",
        "priceFilter": {"tickSize": "0.1"},
        "lotSizeFilter": {"qtyStep": "0.001"},
    }
    result = {"category": "linear", "list": [listed], "nextPageCursor": cursor}
    return json.dumps({"retCode": 0, "retMsg": "OK", "result": result}).encode()


def test_the_next_page_of_instruments_is_asked_for() -> None:
    scene = Scene()
    request = scene.stream.instrument_requests(["BTC/USDT:USDT"])[0]
    scene.stream.on_response(request, page("BTCUSDT", "a%3D1&b"), 0)
    (follower,) = scene.feed.requests
    assert follower.url.endswith("category=linear&limit=1000&cursor=a%253D1%26b")
    scene.stream.on_response(follower, page("ETHUSDT", ""), 0)
    assert list(scene.feed.instruments) == ["BTC/USDT:USDT", "ETH/USDT:USDT"]
    assert len(scene.feed.requests) == 1


def test_answers_nobody_waits_for_are_ignored(two: Scene) -> None:
    two.stream.on_response(Request(url="https://api.bybit.com/v5/market/time"), b"x", 0)


# -- subscriptions --------------------------------------------------------------------------------


def test_only_channels_with_listeners_are_subscribed_to() -> None:
    scene = Scene(
        make_market("BTC", Channel.BOOK, Channel.TRADE),
        make_market("ETH", Channel.QUOTE, Channel.MARK),
        make_market("BTC", Channel.BOOK, Channel.MARK, spot=True),  # spot has no mark price
        make_market("SOL", Channel.MARK, spot=True),
    )
    assert {spec.name: topics(spec) for spec in scene.specs} == {
        LINEAR: ["orderbook.50.BTCUSDT", "publicTrade.BTCUSDT", "orderbook.1.ETHUSDT", "tickers.ETHUSDT"],
        SPOT: ["orderbook.50.BTCUSDT"],
    }


@pytest.mark.parametrize("depth", [1, 50, 200, 1000])
def test_depths(depth: int) -> None:
    scene = Scene(make_market("BTC", Channel.BOOK, Channel.QUOTE), config=Config(depth=depth))
    expected = [f"orderbook.{depth}.BTCUSDT", *(["orderbook.1.BTCUSDT"] if depth != 1 else [])]
    assert topics(scene.specs[0]) == expected


@pytest.mark.parametrize("depth", [0, 5, 100, 500, -1])
def test_other_depths_are_none(depth: int) -> None:
    with pytest.raises(ValueError, match="1, 50, 200, 1000"):
        Config(depth=depth)


def test_topics_are_spread_over_frames_and_connections() -> None:
    markets = [make_market(f"C{number:04}") for number in range(400)]
    scene = Scene(*markets)
    assert [spec.name for spec in scene.specs] == [LINEAR, f"{LINEAR}#2"]
    assert {spec.url for spec in scene.specs} == {LINEAR}
    for spec in scene.specs:
        frames = [json.loads(frame) for frame in spec.on_open]
        assert max(len(frame["args"]) for frame in frames) == 10
        assert sum(map(len, topics(spec))) <= 21_000
        assert len({frame["req_id"] for frame in frames}) == len(frames)
        assert (spec.ping_ns, json.loads(spec.ping)) == (20 * S, {"req_id": "ping", "op": "ping"})
        assert spec.ping_ns < spec.silence_ns
        assert spec.limit in {limit.name for limit in BybitStream.rate_limits}
    everything = [topic for spec in scene.specs for topic in topics(spec)]
    assert len(set(everything)) == 4 * len(markets)
    books = [spec.books or frozenset() for spec in scene.specs]
    assert not books[0] & books[1]
    assert books[0] | books[1] == {market.instrument.id for market in markets}


def test_answers_to_pings_and_subscriptions_are_nothing(two: Scene) -> None:
    for answer in (
        {"success": True, "ret_msg": "", "conn_id": "c", "req_id": "1", "op": "subscribe"},
        {"success": True, "ret_msg": "subscribe", "conn_id": "c", "req_id": "1", "op": "subscribe"},
        {"success": True, "ret_msg": "pong", "conn_id": "c", "req_id": "ping", "op": "ping"},
        {"success": True, "ret_msg": "", "conn_id": "c", "req_id": "9", "op": "unsubscribe"},
    ):
        two.frame(answer)
    assert (two.feed.warnings, two.feed.sent) == ([], [])


def test_what_is_refused_together_is_asked_for_one_by_one_and_for_ever() -> None:
    scene = Scene(make_market("BTC", Channel.TRADE), make_market("BAD", Channel.TRADE))
    scene.stream.on_open(LINEAR, 0)
    refusal = {"success": False, "ret_msg": "error:handler not found", "op": "subscribe"}
    scene.frame({**refusal, "req_id": "1"})
    assert "handler not found" in scene.feed.warnings[0]
    scene.feed.clock.advance(2 * S)
    assert scene.sent() == [
        ("subscribe", ["publicTrade.BTCUSDT"]),
        ("subscribe", ["publicTrade.BADUSDT"]),
    ]
    scene.frame({"success": True, "ret_msg": "", "req_id": "2", "op": "subscribe"})
    for number in range(3, 12):
        scene.frame({**refusal, "req_id": str(number)})
        scene.feed.clock.advance(61 * S)
        assert scene.sent() == [("subscribe", ["publicTrade.BADUSDT"])]
    scene.frame({**refusal, "req_id": "12", "ret_msg": "error:topic:x already subscribed"})
    scene.feed.clock.advance(100 * S)
    assert scene.sent() == []


def test_a_connection_that_broke_asks_for_nothing_again() -> None:
    scene = Scene(make_market("BTC", Channel.TRADE))
    scene.frame({"success": False, "ret_msg": "no", "op": "subscribe", "req_id": "1"})
    scene.stream.on_close(LINEAR, 0)
    scene.feed.clock.advance(100 * S)
    assert scene.sent() == []


# -- books ----------------------------------------------------------------------------------------


def test_changes_are_applied_and_zero_deletes(two: Scene) -> None:
    two.book(101, [["100.0", "0"], ["99.9", "3"]], [["100.2", "4"], ["100.5", "0"]], cts=1_700_000_000_500)
    book = two.markets[0].book
    assert book.bids() == [(999, 3000)]
    assert book.asks() == [(1001, 2000), (1002, 4000)]
    assert (book.update_id, book.exchange_ns) == (101, 1_700_000_000_500_000_000)
    assert two.markets[1].book.update_id == 100


def test_a_gap_starts_that_book_over_and_no_other(two: Scene) -> None:
    two.book(103, [["99.9", "3"]])
    assert two.states() == [BookState.SYNCING, BookState.LIVE]
    assert two.markets[0].counters.gaps == 1
    assert two.sent() == [
        ("unsubscribe", ["orderbook.50.BTCUSDT"]),
        ("subscribe", ["orderbook.50.BTCUSDT"]),
    ]
    two.book(104)
    assert two.states()[0] is BookState.SYNCING
    two.snapshot(200)
    assert two.states()[0] is BookState.LIVE
    two.book(201, [["99.9", "3"]])
    assert two.markets[0].book.update_id == 201


def test_a_snapshot_that_does_not_come_is_asked_for_again(two: Scene) -> None:
    two.book(103)
    two.sent()
    two.feed.clock.advance(12 * S)
    assert len(two.sent()) == 2


def test_what_was_told_before_is_old(two: Scene) -> None:
    two.book(101, [["99.9", "3"]])
    two.book(101, [["99.9", "7"]])
    two.book(100, [["99.9", "8"]])
    assert two.markets[0].book.bids()[1] == (999, 3000)
    assert two.states()[0] is BookState.LIVE


def test_a_snapshot_in_between_replaces_the_book(two: Scene) -> None:
    two.book(101, [["99.9", "3"]])
    two.snapshot(5000)
    book = two.markets[0].book
    assert (book.bids(), book.update_id, book.state) == ([(1000, 1000)], 5000, BookState.LIVE)
    two.book(5001)
    assert (two.markets[0].counters.gaps, two.markets[0].counters.resyncs) == (0, 0)


@pytest.mark.parametrize("type", ["delta", "snapshot"])
def test_id_1_is_a_whole_book_whatever_it_calls_itself(two: Scene, type: str) -> None:
    two.book(1, [["90.0", "5"]], [["91.0", "6"]], type=type)
    book = two.markets[0].book
    assert (book.bids(), book.asks(), book.update_id) == ([(900, 5000)], [(910, 6000)], 1)
    two.book(2, [["90.0", "6"]])
    assert (book.bids(), book.state) == ([(900, 6000)], BookState.LIVE)


def test_a_snapshot_of_a_connection_that_lags_behind_is_ignored(two: Scene) -> None:
    two.book(101, [["99.9", "3"]], cts=1_700_000_001_000)
    two.snapshot(99, cts=1_700_000_000_500)
    assert two.markets[0].book.update_id == 101


def test_an_unreadable_change_starts_the_book_over(two: Scene) -> None:
    for broken in (
        b'{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1,"data":{"s":"BTCUSDT","b":[["1"',
        b'{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1,"data":{"s":"BTCUSDT","u":101}}',
        b'{"topic":"orderbook.50.BTCUSDT","type":"news","data":{"s":"BTCUSDT","u":101,"b":[],"a":[]}}',
    ):
        with pytest.raises(DecodeError):
            two.frame(broken)
        assert two.states() == [BookState.BROKEN, BookState.LIVE]
        two.snapshot(100)
        assert two.states() == [BookState.LIVE, BookState.LIVE]


def test_a_crossed_book_is_broken(two: Scene) -> None:
    two.book(101, [["100.2", "3"]])
    assert two.states() == [BookState.BROKEN, BookState.LIVE]


def test_a_broken_connection_makes_its_books_stale(two: Scene) -> None:
    spot = make_market("BTC", spot=True)
    scene = Scene(*two.markets, spot)
    for conn in (LINEAR, SPOT):
        scene.stream.on_open(conn, 0)
    scene.snapshot(1)
    scene.snapshot(1, base="ETH")
    scene.snapshot(1, conn=SPOT)
    scene.stream.on_close(LINEAR, 0)
    assert scene.states() == [BookState.STALE, BookState.STALE, BookState.LIVE]
    scene.stream.on_open(LINEAR, 0)
    scene.snapshot(77)
    assert scene.states() == [BookState.LIVE, BookState.STALE, BookState.LIVE]


def test_a_misdirected_change_changes_no_book(two: Scene) -> None:
    data = {"s": "ETHUSDT", "b": [["100.0", "9"]], "a": [], "u": 101, "seq": 1}
    with pytest.raises(DecodeError, match="frame about 'ETHUSDT'"):
        two.put("orderbook.50.BTCUSDT", "delta", data)
    assert [market.book.update_id for market in two.markets] == [100, 100]


def test_the_depth_of_a_recording_is_taken_as_it_is() -> None:
    scene = Scene(make_market("BTC"))
    scene.snapshot(10, depth=200)
    scene.book(11, [["99.9", "1"]], depth=200)
    scene.snapshot(5, depth=1000)  # the first that comes is the book
    scene.snapshot(5, depth=50)
    assert scene.markets[0].book.update_id == 11
    assert scene.markets[0].counters.frames == 4


@pytest.mark.parametrize("ids", [(5, 5), (6, 5)])
def test_a_book_of_one_level_is_the_best_bid_and_ask_as_well(ids: tuple[int, int]) -> None:
    scene = Scene(make_market("BTC"), config=Config(depth=1))
    scene.snapshot(5, depth=1)
    scene.snapshot(6, depth=1)
    counters = scene.markets[0].counters
    assert (counters.book_updates, counters.quotes) == (2, 2)


@given(st.integers(0, 2**32))
def test_no_sequence_of_faults_makes_a_wrong_book_live(seed: int) -> None:
    """Messages are lost, doubled and out of order; whenever the book is LIVE it is the one of its id."""
    random = Random(seed)
    scene = Scene(make_market("BTC"))
    scene.stream.on_open(LINEAR, 0)
    truth: dict[int, dict[str, str]] = {}
    levels: dict[str, str] = {}
    last_id = 1
    history: list[tuple[int, str, str]] = []
    for _ in range(40):
        last_id += 1
        price, size = f"{random.randint(900, 999) / 10:.1f}", str(random.randint(0, 3))
        levels = {**levels, price: size}
        truth[last_id] = {price: size for price, size in levels.items() if size != "0"}
        history.append((last_id, price, size))
        chance = random.random()
        if chance < 0.1:
            scene.book(last_id, list(map(list, truth[last_id].items())), type="snapshot")
        elif chance < 0.8:
            scene.book(last_id, [[price, size]])
        elif chance < 0.9:
            update_id, price, size = random.choice(history)
            scene.book(update_id, [[price, size]])
        book = scene.markets[0].book
        if book.state is BookState.LIVE:
            bids = {f"{price / 10:.1f}": str(lots // 1000) for price, lots in book.bids()}
            assert bids == truth[book.update_id]


@given(st.integers(0, 50), st.integers(0, 50))
def test_updates_count(book_id: int, update_id: int) -> None:
    expected = Step.OLD if update_id <= book_id else Step.NEXT if update_id == book_id + 1 else Step.GAP
    assert CONTINUITY.follows(book_id, update_id, update_id, 0) is expected
    assert CONTINUITY.bridges(book_id, update_id, update_id, 0) is expected


# -- other events ---------------------------------------------------------------------------------


def trade(trade_id: str, price: str = "100.0", **more: Any) -> dict[str, Any]:
    return {
        "T": 1_700_000_000_001,
        "s": "BTCUSDT",
        "S": "Sell",
        "v": "0.5",
        "p": price,
        "i": trade_id,
        **more,
    }


def test_trades_are_told_once_and_block_trades_never() -> None:
    told: list[Any] = []
    market = make_market("BTC", Channel.BOOK)
    market.listen(Channel.TRADE, told.append)
    scene = Scene(market)
    scene.put("publicTrade.BTCUSDT", "snapshot", [trade("a"), trade("b", S="Buy"), trade("c", BT=True)])
    scene.put("publicTrade.BTCUSDT", "snapshot", [trade("b"), trade("d", "100.1")])
    assert [(each.trade_id, each.side, each.price) for each in told] == [
        ("a", Side.SELL, 1000),
        ("b", Side.BUY, 1000),
        ("d", Side.SELL, 1001),
    ]
    assert (told[0].size, told[0].exchange_ns) == (500, 1_700_000_000_001_000_000)
    assert market.counters.trades == 3


def test_the_best_bid_and_ask_are_told_when_they_change() -> None:
    told: list[Any] = []
    market = make_market("BTC", Channel.BOOK)
    market.listen(Channel.QUOTE, told.append)
    scene = Scene(market)
    scene.snapshot(7, depth=1)
    scene.snapshot(7, depth=1)  # nothing has changed for three seconds
    scene.book(8, [], [["100.2", "1"]], type="snapshot", depth=1)
    scene.book(3, [["99.0", "1"]], [], type="snapshot", depth=1)  # of a service that has begun anew
    assert [(each.update_id, each.bid, each.bid_size, each.ask, each.ask_size) for each in told] == [
        (7, 1000, 1000, 1001, 2000),
        (8, None, 0, 1002, 1000),
        (3, 990, 1000, None, 0),
    ]
    assert market.book.update_id == 0


def test_a_ticker_s_changes_are_merged() -> None:
    told: list[Any] = []
    market = make_market("BTC", Channel.BOOK)
    market.listen(Channel.MARK, told.append)
    scene = Scene(market)
    topic = "tickers.BTCUSDT"
    scene.put(topic, "delta", {"symbol": "BTCUSDT", "markPrice": "1"})  # of what, nobody knows
    whole = {"markPrice": "17217.33", "indexPrice": "17227.36", "fundingRate": "-0.000212"}
    scene.put(topic, "snapshot", {"symbol": "BTCUSDT", **whole, "nextFundingTime": "1673280000000"})
    scene.put(topic, "delta", {"symbol": "BTCUSDT", "bid1Price": "17216.00"})
    scene.put(topic, "delta", {"symbol": "BTCUSDT", "markPrice": "17218"})
    scene.put(topic, "delta", {"symbol": "BTCUSDT", "fundingRate": "", "nextFundingTime": ""})
    assert [(each.mark, each.index, each.funding_rate, each.next_funding_ns) for each in told] == [
        (Decimal("17217.33"), Decimal("17227.36"), Decimal("-0.000212"), 1673280000000 * 1_000_000),
        (Decimal(17218), Decimal("17227.36"), Decimal("-0.000212"), 1673280000000 * 1_000_000),
        (Decimal(17218), Decimal("17227.36"), None, 0),
    ]
    scene.stream.on_close(LINEAR, 0)
    scene.put(topic, "delta", {"symbol": "BTCUSDT", "markPrice": "5"})
    assert len(told) == 3


def test_what_is_not_needed_is_no_fault(two: Scene) -> None:
    two.put("kline.5.BTCUSDT", "snapshot", [])
    two.put("allLiquidation.LTCUSDT", "snapshot", [])
    two.put("orderbook.rpi.BTCUSDT", "delta", {})
    assert two.markets[0].counters.frames == 3


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ({"topic": "publicTrade.LTCUSDT", "data": []}, "unknown symbol 'LTCUSDT'"),
        ({"topic": "news.BTCUSDT", "data": {}}, "unknown topic 'news.BTCUSDT'"),
        ({"topic": "publicTrade.BTCUSDT", "data": [trade("a", s="ETHUSDT")]}, "frame about 'ETHUSDT'"),
        ({"topic": "publicTrade.BTCUSDT", "data": [trade("a", "100.05")]}, "100.05"),
        ({"topic": "publicTrade.BTCUSDT", "data": [trade("a", S="Short")]}, "side 'Short'"),
        ({"topic": "publicTrade.BTCUSDT", "data": {}}, "trades"),
        ({"topic": "publicTrade.BTCUSDT"}, "trades"),
        ({"topic": "tickers.BTCUSDT", "type": "x", "data": {"symbol": "BTCUSDT"}}, "type 'x'"),
        ({"op": "hello"}, "unknown frame"),
        ({"type": "COMMAND_RESP", "success": True}, "unknown frame"),
        ({}, "unknown frame"),
        ([], "Frame"),
        (b"pong", "Frame"),
        (b"", "Frame"),
    ],
)
def test_what_is_not_understood_says_why(two: Scene, frame: Any, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason.replace(".", r"\.")):
        two.frame(frame)
    assert two.states() == [BookState.LIVE, BookState.LIVE]


@pytest.mark.parametrize("conn", [SPOT, "ws://127.0.0.1:9000/v5/public/spot", f"{SPOT}#2"])
def test_the_products_are_told_apart_by_url(conn: str) -> None:
    scene = Scene(make_market("BTC"), make_market("BTC", spot=True))
    scene.snapshot(9, conn=conn)
    assert [market.book.update_id for market in scene.markets] == [0, 9]
