"""The stream on a feed that does nothing: subscriptions, frames, holes, faults."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
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
    MarkPrice,
    Quote,
    Side,
    Trade,
)
from hft.testing.feed import FakeFeed
from hft_okx import limits
from hft_okx.config import Config, Trades
from hft_okx.stream import OkxStream

S = 1_000_000_000
PUBLIC = "wss://ws.okx.com:8443/ws/v5/public"
BUSINESS = "wss://ws.okx.com:8443/ws/v5/business"
MESSAGES = Path(__file__).resolve().parents[4].parent / "shared" / "messages" / "okx"


def make_market(base: str, *channels: Channel, swap: bool = False) -> Market:
    market = Market(
        Instrument(
            id=InstrumentId(f"{base}/USDT:USDT" if swap else f"{base}/USDT", "okx"),
            native_symbol=f"{base}-USDT-SWAP" if swap else f"{base}-USDT",
            kind=InstrumentKind.PERPETUAL if swap else InstrumentKind.SPOT,
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
        self.feed = FakeFeed("okx", start_ns=1_700_000_000 * S, **feed)
        self.stream = OkxStream(config or Config(), self.feed)
        self.markets = markets
        self.specs = self.stream.subscribe(markets)

    @property
    def book(self) -> Any:
        return self.markets[0].book

    def frame(self, data: Any, conn: str = PUBLIC) -> None:
        body = data if isinstance(data, bytes) else json.dumps(data, separators=(",", ":")).encode()
        paths = self.feed.paths[conn]
        if not paths.take(body, self.feed.clock.now_ns(), self.markets[0].trace):
            self.stream.on_frame(conn, body, self.feed.clock.now_ns())

    def put(self, channel: str, *rows: dict[str, Any], native: str = "BTC-USDT", conn: str = PUBLIC) -> None:
        self.frame({"arg": {"channel": channel, "instId": native}, "data": rows}, conn)

    def snapshot(self, seq_id: int, bid: str = "100.0", ask: str = "100.1", native: str = "BTC-USDT") -> None:
        self.books("snapshot", seq_id, -1, [[bid, "1", "0", "1"]], [[ask, "2", "0", "1"]], native)

    def update(self, prev_id: int, seq_id: int, bids: Any = (), asks: Any = (), **more: Any) -> None:
        self.books("update", seq_id, prev_id, bids, asks, **more)

    def books(
        self, action: str, seq_id: int, prev_id: int, bids: Any, asks: Any, native: str = "BTC-USDT"
    ) -> None:
        row = {"asks": asks, "bids": bids, "ts": "1700000000123", "checksum": 0}
        row |= {"seqId": seq_id, "prevSeqId": prev_id}
        self.frame({"arg": {"channel": "books", "instId": native}, "action": action, "data": [row]})

    def bids(self) -> dict[str, int]:
        return {self.markets[0].instrument.format_price(price): size for price, size in self.book.bids()}

    def sent(self) -> list[tuple[str, list[dict[str, str]]]]:
        sent, self.feed.sent = self.feed.sent, []
        return [(frame["op"], frame["args"]) for frame in (json.loads(data) for _, data in sent)]

    def states(self) -> list[BookState]:
        return [market.book.state for market in self.markets]


BOOK_ARG = [{"channel": "books", "instId": "BTC-USDT"}]
AGAIN = [("unsubscribe", BOOK_ARG), ("subscribe", BOOK_ARG)]


@pytest.fixture
def one() -> Scene:
    """BTC on spot, LIVE at 100."""
    scene = Scene(make_market("BTC"))
    scene.stream.on_open(PUBLIC, 0)
    scene.snapshot(100)
    assert scene.states() == [BookState.LIVE]
    return scene


def args(spec: ConnectionSpec) -> list[tuple[str, str]]:
    return [(arg["channel"], arg["instId"]) for frame in spec.on_open for arg in json.loads(frame)["args"]]


# -- requests and subscriptions --------------------------------------------------------------------


def test_only_types_that_are_wanted_are_asked_for() -> None:
    stream = Scene().stream

    def asked(*symbols: str) -> list[str]:
        return [request.url.rpartition("=")[2] for request in stream.instrument_requests(symbols)]

    assert asked() == ["SPOT", "SWAP", "FUTURES"]
    assert asked("BTC/USDT") == ["SPOT"]
    assert asked("BTC/USDT:USDT", "BTC/USD:BTC-260925") == ["SWAP", "FUTURES"]
    (request,) = stream.instrument_requests(["BTC/USDT"])
    assert request.url == "https://openapi.okx.com/api/v5/public/instruments?instType=SPOT"
    assert request.limit in {limit.name for limit in OkxStream.rate_limits}


@pytest.mark.parametrize(
    ("environment", "url", "rest", "ws"),
    [
        ("mainnet", None, "https://openapi.okx.com", "wss://ws.okx.com:8443"),
        ("demo", None, "https://openapi.okx.com", "wss://wspap.okx.com:8443"),
        ("us", None, "https://us.okx.com", "wss://wsus.okx.com:8443"),
        ("eea", None, "https://eea.okx.com", "wss://wseea.okx.com:8443"),
        ("simulator", "http://127.0.0.1:9000", "http://127.0.0.1:9000", "ws://127.0.0.1:9000"),
    ],
)
def test_hosts(environment: str, url: str | None, rest: str, ws: str) -> None:
    scene = Scene(make_market("BTC"), environment=environment, url=url)
    (request,) = scene.stream.instrument_requests(["BTC/USDT"])
    assert request.url.startswith(f"{rest}/api/v5/")
    assert [spec.url for spec in scene.specs] == [f"{ws}/ws/v5/public"]


def test_no_more_is_subscribed_to_than_is_listened_to() -> None:
    scene = Scene(make_market("BTC", Channel.BOOK), make_market("ETH", Channel.MARK, swap=True))
    (spec,) = scene.specs
    assert args(spec) == [
        ("books", "BTC-USDT"),
        ("mark-price", "ETH-USDT-SWAP"),
        ("funding-rate", "ETH-USDT-SWAP"),
    ]
    assert spec.ping == b"ping"
    assert spec.ping_ns < 30 * S
    assert spec.books == {scene.markets[0].instrument.id}


def test_all_trades_have_a_connection_of_their_own() -> None:
    scene = Scene(make_market("BTC"), config=Config(trades=Trades.ALL))
    assert [(spec.url, args(spec)) for spec in scene.specs] == [
        (PUBLIC, [("books", "BTC-USDT"), ("bbo-tbt", "BTC-USDT")]),
        (BUSINESS, [("trades-all", "BTC-USDT")]),
    ]


def test_many_markets_are_spread_over_connections_and_requests() -> None:
    scene = Scene(*(make_market(f"C{number}", Channel.BOOK) for number in range(450)))
    assert [spec.name for spec in scene.specs] == [PUBLIC, f"{PUBLIC}#2"]
    assert [len(spec.on_open) for spec in scene.specs] == [4, 1]
    assert all(len(frame) < 65_536 for spec in scene.specs for frame in spec.on_open)
    ids = [json.loads(frame)["id"] for spec in scene.specs for frame in spec.on_open]
    assert len(set(ids)) == 5
    assert all(one.isalnum() for one in ids)


# -- books -----------------------------------------------------------------------------------------


def test_a_snapshot_and_what_follows_it(one: Scene) -> None:
    one.update(100, 105, [["100.0", "3", "0", "1"], ["99.9", "1", "0", "1"]])
    one.update(105, 117, [["99.9", "0", "0", "0"]])
    assert one.bids() == {"100.0": 3000}
    assert (one.book.update_id, one.book.exchange_ns) == (117, 1_700_000_000_123_000_000)
    assert one.markets[0].counters.book_updates == 3


def test_updates_as_they_are_written_in_2026_take_the_short_way(one: Scene) -> None:
    if type(one.book).__name__ != "NativeBook":
        pytest.skip("there is no native module")
    one.update(100, 105)
    frame = (
        b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[],'
        b'"bids":[["99.9","1.5","0","2"]],"ts":"1786182438509","checksum":0,"seqId":117,"prevSeqId":105}]}'
    )
    assert one.feed.paths[PUBLIC].take(frame, 1, one.markets[0].trace)
    assert (one.bids()["99.9"], one.book.update_id) == (1500, 117)
    # What does not simply follow is for the codec to judge.
    assert not one.feed.paths[PUBLIC].take(frame, 1, one.markets[0].trace)


def test_nothing_happened_for_a_minute(one: Scene) -> None:
    one.update(100, 100)
    one.update(100, 101, [["100.0", "5", "0", "1"]])
    assert (one.states(), one.bids(), one.sent()) == ([BookState.LIVE], {"100.0": 5000}, [])


def test_ids_begin_anew_at_maintenance(one: Scene) -> None:
    one.update(100, 3, [["100.0", "5", "0", "1"]])
    one.update(3, 9, [["99.8", "1", "0", "1"]])
    assert (one.states(), one.bids(), one.sent()) == ([BookState.LIVE], {"100.0": 5000, "99.8": 1000}, [])


def test_a_hole_takes_the_book_out_of_live_and_subscribes_it_anew(one: Scene) -> None:
    lost: list[BookState] = []
    one.markets[0].listen_lost(lambda book: lost.append(book.state))
    one.update(101, 102, [["100.0", "5", "0", "1"]])
    assert (one.states(), lost) == ([BookState.SYNCING], [BookState.SYNCING])
    assert one.sent() == AGAIN
    one.update(102, 103, [["100.0", "6", "0", "1"]])  # before the snapshot: of no use
    one.snapshot(110)
    one.update(110, 111, [["100.0", "7", "0", "1"]])
    assert (one.states(), one.bids()) == ([BookState.LIVE], {"100.0": 7000})
    assert (one.markets[0].counters.gaps, one.markets[0].counters.resyncs) == (1, 1)


def test_a_snapshot_that_does_not_come_is_asked_for_again(one: Scene) -> None:
    one.update(101, 102)
    assert one.sent() == AGAIN
    one.feed.clock.advance(60 * S)
    assert one.sent()[:2] == AGAIN


def test_one_hole_leaves_other_books_alone() -> None:
    scene = Scene(make_market("BTC"), make_market("ETH"))
    scene.snapshot(100)
    scene.snapshot(100, native="ETH-USDT")
    scene.update(101, 102)
    assert scene.states() == [BookState.SYNCING, BookState.LIVE]


def test_an_update_told_twice_is_applied_once(one: Scene) -> None:
    one.update(100, 101, [["100.0", "5", "0", "1"]])
    one.update(100, 101, [["100.0", "5", "0", "1"]])
    one.update(101, 102, [["100.0", "6", "0", "1"]])
    assert (one.states(), one.bids(), one.sent()) == ([BookState.LIVE], {"100.0": 6000}, [])


def test_updates_out_of_order_are_a_hole(one: Scene) -> None:
    one.update(101, 102, [["100.0", "6", "0", "1"]])
    one.update(100, 101, [["100.0", "5", "0", "1"]])
    assert one.states() == [BookState.SYNCING]
    assert one.sent() == AGAIN


def test_a_crossed_book_is_broken(one: Scene) -> None:
    one.update(100, 101, [["100.2", "1", "0", "1"]])
    assert one.states() == [BookState.BROKEN]


def test_an_update_without_ids_and_checksum_proves_nothing(one: Scene) -> None:
    row = {"asks": [], "bids": [["100.0", "9", "0", "1"]], "ts": "1", "checksum": 0}
    one.frame({"arg": {"channel": "books", "instId": "BTC-USDT"}, "action": "update", "data": [row]})
    assert one.states() == [BookState.BROKEN]


def test_a_wrong_checksum_breaks_the_book_before_anybody_is_told() -> None:
    scene = Scene(make_market("BTC"))
    told: list[int] = []
    scene.markets[0].listen(Channel.BOOK, lambda book: told.append(book.best_bid_size))

    def put(action: str, bids: Any, asks: Any, checksum: int) -> None:
        row = {"asks": asks, "bids": bids, "ts": "1", "checksum": checksum}
        scene.frame({"arg": {"channel": "books", "instId": "BTC-USDT"}, "action": action, "data": [row]})

    bids = [["3366.1", "7", "0", "1"], ["3366", "6", "0", "1"]]
    put("snapshot", bids, [["3366.8", "9", "0", "1"], ["3368", "8", "0", "1"]], -1881014294)
    put("update", [["3366.1", "8", "0", "1"]], [], 12345)
    assert (scene.states(), told) == ([BookState.BROKEN], [7000])
    counters = scene.markets[0].counters
    assert (counters.checksums_ok, counters.checksums_failed) == (1, 1)
    scene.feed.clock.advance(S)
    assert scene.sent() == AGAIN


@pytest.mark.parametrize(
    "frame",
    [
        b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[],',
        b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[]}]}',
        b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"other","data":[]}',
        b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[],"bids":[],'
        b'"ts":"soon","checksum":0,"seqId":101,"prevSeqId":100}]}',
        b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[],"bids":[],'
        b'"ts":"1","checksum":0,"seqId":101.5,"prevSeqId":100}]}',
    ],
)
def test_a_book_whose_frame_cannot_be_read_is_broken_at_once(one: Scene, frame: bytes) -> None:
    with pytest.raises(DecodeError):
        one.frame(frame)
    assert one.states() == [BookState.BROKEN]


def test_an_update_that_does_not_say_its_own_id_breaks_the_book(one: Scene) -> None:
    row = {"asks": [], "bids": [["100.0", "9", "0", "1"]], "ts": "1", "checksum": 0, "prevSeqId": 100}
    one.frame({"arg": BOOK_ARG[0], "action": "update", "data": [row]})
    assert (one.states(), one.bids()) == ([BookState.BROKEN], {"100.0": 1000})


def test_a_level_that_makes_no_sense_breaks_the_book(one: Scene) -> None:
    one.update(100, 101, [["-1", "1", "0", "1"]])
    assert one.states() == [BookState.BROKEN]


def test_a_lost_connection_and_the_next(one: Scene) -> None:
    one.stream.on_close(PUBLIC, 0)
    assert one.states() == [BookState.STALE]
    one.stream.on_open(PUBLIC, 0)
    one.snapshot(5)
    assert one.states() == [BookState.LIVE]


def test_a_storm_of_holes_replaces_the_connection() -> None:
    markets = [make_market(f"C{number}", Channel.BOOK) for number in range(250)]
    scene = Scene(*markets)
    for market in markets:
        scene.snapshot(100, native=market.instrument.native_symbol)
    for market in markets:
        scene.update(101, 102, native=market.instrument.native_symbol)
    assert scene.feed.rotated
    assert len(scene.sent()) < limits.REQUESTS_PER_HOUR


# -- two connections at once -----------------------------------------------------------------------


def test_a_connection_is_replaced_without_a_hole(one: Scene) -> None:
    one.frame(
        {"event": "notice", "code": "64008", "msg": "The connection will soon be closed", "connId": "a"}
    )
    assert one.feed.rotated == [PUBLIC]
    one.update(100, 101, [["99.9", "1", "0", "1"]])
    one.update(101, 102, [["99.8", "1", "0", "1"]])
    one.snapshot(101)  # the second connection's, which the first is ahead of
    one.update(102, 103, [["99.7", "1", "0", "1"]])
    one.update(101, 102, [["99.8", "1", "0", "1"]])
    one.update(102, 103, [["99.7", "1", "0", "1"]])
    one.update(103, 104, [["99.6", "1", "0", "1"]])
    assert one.states() == [BookState.LIVE]
    assert list(one.bids()) == ["100.0", "99.9", "99.8", "99.7", "99.6"]
    assert (one.sent(), one.markets[0].counters.gaps) == ([], 0)


def test_the_second_connection_may_be_ahead(one: Scene) -> None:
    one.snapshot(110, bid="100.0")
    one.update(100, 105, [["99.9", "1", "0", "1"]])  # the first lags behind
    one.update(105, 110, [["99.8", "1", "0", "1"]])
    one.update(110, 111, [["99.7", "1", "0", "1"]])
    assert (one.states(), list(one.bids())) == ([BookState.LIVE], ["100.0", "99.7"])
    assert one.markets[0].counters.gaps == 0


def test_the_overlap_ends(one: Scene) -> None:
    one.snapshot(110)
    one.feed.clock.advance(20 * S)
    one.update(101, 105)
    assert one.states() == [BookState.SYNCING]


# -- trades, quotes, marks -------------------------------------------------------------------------


def trade(number: int, price: str = "100.1", **more: Any) -> dict[str, Any]:
    row = {"instId": "BTC-USDT", "tradeId": str(number), "px": price, "sz": "0.5", "side": "sell"}
    return row | {"ts": "1700000000456", "count": "3", "source": "0", "seqId": 1} | more


def collect(market: Market, channel: Channel) -> list[Any]:
    events: list[Any] = []
    market.listen(channel, events.append)
    return events


def test_trades(one: Scene) -> None:
    trades = collect(one.markets[0], Channel.TRADE)
    one.put("trades", trade(7), trade(9, side="buy"))
    one.put("trades", trade(9))
    first, second = trades
    assert isinstance(first, Trade)
    assert (first.trade_id, first.side, first.price, first.size) == ("7", Side.SELL, 1001, 500)
    assert (first.exchange_ns, second.side) == (1_700_000_000_456_000_000, Side.BUY)
    assert one.markets[0].counters.trades == 2


def test_best_bid_and_ask(one: Scene) -> None:
    quotes = collect(one.markets[0], Channel.QUOTE)
    one.put("bbo-tbt", {"asks": [["100.1", "2", "0", "1"]], "bids": [["100.0", "1", "0", "1"]], "ts": "5",
                        "seqId": 8})  # fmt: skip
    one.put("bbo-tbt", {"asks": [["100.2", "2", "0", "1"]], "bids": [], "ts": "5", "seqId": 7})
    one.put("bbo-tbt", {"asks": [["100.2", "2", "0", "1"]], "bids": [], "ts": "6", "seqId": 3})
    first, second = quotes
    assert isinstance(first, Quote)
    assert (first.bid, first.bid_size, first.ask, first.ask_size, first.update_id) == (
        1000,
        1000,
        1001,
        2000,
        8,
    )
    assert (second.bid, second.bid_size, second.ask, second.update_id) == (None, 0, 1002, 3)


def test_mark_price_and_funding_are_one() -> None:
    scene = Scene(make_market("BTC", swap=True))
    marks = collect(scene.markets[0], Channel.MARK)
    name = "BTC-USDT-SWAP"
    scene.put("mark-price", {"instType": "SWAP", "instId": name, "markPx": "100.05", "ts": "1"}, native=name)
    funding = {"instType": "SWAP", "instId": name, "fundingRate": "0.0001875", "fundingTime": "1700726400000",
               "nextFundingRate": "", "nextFundingTime": "1700755200000", "ts": "2"}  # fmt: skip
    scene.put("funding-rate", funding, native=name)
    scene.put("mark-price", {"instType": "SWAP", "instId": name, "markPx": "100.07", "ts": "3"}, native=name)
    assert all(isinstance(mark, MarkPrice) for mark in marks)
    assert [(str(mark.mark), mark.funding_rate, mark.next_funding_ns) for mark in marks] == [
        ("100.05", None, 0),
        ("100.05", Decimal("0.0001875"), 1_700_726_400_000_000_000),
        ("100.07", Decimal("0.0001875"), 1_700_726_400_000_000_000),
    ]


# -- what is not data ------------------------------------------------------------------------------


def test_pongs_and_acknowledgements_are_understood(one: Scene) -> None:
    one.frame(b"pong")
    one.frame({"id": "1", "event": "subscribe", "arg": BOOK_ARG[0], "connId": "a4d3ae55"})
    one.frame({"event": "unsubscribe", "arg": BOOK_ARG[0], "connId": "a4d3ae55"})
    one.frame({"event": "channel-conn-count", "channel": "orders", "connCount": "2", "connId": "a"})
    one.put("tickers", {"last": "1"})
    one.put("candle1m", {"last": "1"}, native="ETH-USDT")
    assert not one.feed.warnings


def test_a_refusal_is_told_and_the_book_stays_out(one: Scene) -> None:
    one.frame({"id": "1", "event": "error", "code": "60018", "msg": "Wrong URL or channel", "connId": "a"})
    assert "60018" in one.feed.warnings[0]


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"nonsense",
        b"\xff",
        b"[" * 100_000,
        b'{"event":"unheard"}',
        b"{}",
        b'{"arg":{"channel":"unheard","instId":"BTC-USDT"},"data":[]}',
        b'{"arg":{"channel":"books","instId":"XRP-USDT"},"data":[]}',
        b'{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"ETH-USDT","tradeId":"1","px":"1",'
        b'"sz":"1","side":"buy","ts":"1"}]}',
        b'{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"x","px":"1",'
        b'"sz":"1","side":"buy","ts":"1"}]}',
        b'{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"1","px":"1",'
        b'"sz":"1","side":"both","ts":"1"}]}',
        b'{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[{"asks":[["1"]],"bids":[],"ts":"1"}]}',
    ],
)
def test_what_is_not_understood_is_an_error(one: Scene, frame: bytes) -> None:
    with pytest.raises(DecodeError):
        one.frame(frame)
    assert one.states() == [BookState.LIVE]


@pytest.mark.skipif(not MESSAGES.is_dir(), reason="no messages beside the repository")
def test_recorded_messages_of_2026() -> None:
    lines = (MESSAGES / "books_2026_checksum_zero.jsonl").read_bytes().splitlines()
    instrument = Instrument(
        id=InstrumentId("SOL/USDT", "okx"), native_symbol="SOL-USDT", kind=InstrumentKind.SPOT,
        base="SOL", quote="USDT", settle="USDT",
        tick_size=Decimal("0.01"), lot_size=Decimal("0.000001"),
    )  # fmt: skip
    market = Market(instrument)
    market.listen(Channel.BOOK, lambda _: None)
    scene = Scene(market)
    for line in lines[:2]:
        scene.frame(line)
    assert (market.book.state, market.book.update_id) == (BookState.LIVE, 32032594315)
    assert market.book.exact_levels(Side.BUY) == [(Decimal("120.65"), Decimal("46.716665"))]
    assert market.book.exact_levels(Side.SELL)[0] == (Decimal("120.67"), Decimal("60.475897"))
    scene.frame(lines[4])
    assert "60011" in scene.feed.warnings[0]


@pytest.mark.skipif(not MESSAGES.is_dir(), reason="no messages beside the repository")
@pytest.mark.parametrize(
    "name",
    ["ws_books_snapshot", "ws_books_update", "ws_bbo_tbt", "ws_funding_rate", "ws_trades", "ws_tickers",
     "ws_candle"],
)  # fmt: skip
def test_recorded_messages_are_understood(name: str) -> None:
    frame = (MESSAGES / "account" / f"{name}.json").read_bytes()
    native = json.loads(frame)["arg"]["instId"]
    market = Market(
        Instrument(
            id=InstrumentId("BTC/USDT", "okx"),
            native_symbol=native,
            kind=InstrumentKind.PERPETUAL,
            base="BTC",
            quote="USDT",
            settle="USDT",
            tick_size=Decimal("0.01"),
            lot_size=Decimal("0.00000001"),
        )
    )
    scene = Scene(market)
    scene.stream.on_frame(PUBLIC, frame, 1)
    assert market.counters.frames == 1


# -- fuzzing ---------------------------------------------------------------------------------------

SEEDS: list[bytes] = [
    json.dumps(frame, separators=(",", ":")).encode()
    for frame in (
        {"arg": BOOK_ARG[0], "action": "update", "data": [{"asks": [["100.1", "3", "0", "1"]], "bids": [],
         "ts": "1700000000123", "checksum": 0, "seqId": 101, "prevSeqId": 100}]},
        {"arg": {"channel": "trades", "instId": "BTC-USDT"}, "data": [trade(5)]},
        {"arg": {"channel": "bbo-tbt", "instId": "BTC-USDT"}, "data": [{"asks": [["1", "1"]], "bids": [],
         "ts": "1", "seqId": 5}]},
        {"event": "error", "code": "60012", "msg": "x", "connId": "a"},
    )
]  # fmt: skip


def mutated(data: st.DataObject, seed: bytes) -> bytes:
    """Replace, delete or insert some bytes."""
    frame = seed
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(frame)))
        removed, put = data.draw(st.integers(0, 9)), data.draw(st.binary(max_size=6))
        frame = frame[:at] + put + frame[at + removed :]
    return frame


@given(st.data())
@settings(max_examples=300)
def test_no_bytes_crash_the_stream_or_leave_a_wrong_book_live(data: st.DataObject) -> None:
    scene = Scene(make_market("BTC"))
    scene.snapshot(100)
    before = (scene.book.bids(), scene.book.asks())
    frame = mutated(data, data.draw(st.sampled_from(SEEDS)))
    with suppress(DecodeError):
        scene.frame(frame)
    if scene.book.state is BookState.LIVE and (scene.book.bids(), scene.book.asks()) != before:
        # It was changed by what really is an update that follows, and by exactly that.
        body = json.loads(frame.decode(errors="replace"))
        change = body["data"][-1]
        assert change["prevSeqId"] == 100 or body["action"] == "snapshot"
        assert scene.book.update_id == change["seqId"]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40), st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_whatever_is_lost_doubled_or_swapped_a_live_book_is_right(faults: list[int], rng: Any) -> None:
    scene = Scene(make_market("BTC"))
    scene.stream.on_open(PUBLIC, 0)
    scene.snapshot(1)
    truth: dict[int, str] = {}
    stream: list[tuple[int, int, str]] = []
    seq_id = 1
    for _ in faults:
        prev_id, seq_id = seq_id, seq_id + rng.randint(1, 9)
        truth[seq_id] = str(rng.randint(1, 99))
        stream.append((prev_id, seq_id, truth[seq_id]))
    index = 0
    for fault in faults:
        if index >= len(stream):
            break
        told = [stream[index]]
        if fault == 1:
            told = []
        elif fault == 2:
            told = [stream[index], stream[index]]
        elif fault == 3 and index + 1 < len(stream):
            told = [stream[index + 1], stream[index]]
            index += 1
        index += 1
        for prev_id, last_id, size in told:
            scene.update(prev_id, last_id, [["100.0", size, "0", "1"]])
            if scene.book.state is BookState.LIVE and scene.book.update_id > 1:
                assert scene.bids()["100.0"] == int(truth[scene.book.update_id]) * 1000
    if 1 not in faults and 3 not in faults:
        assert scene.states() == [BookState.LIVE]
