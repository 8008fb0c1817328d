"""The codec on recorded frames and those of the documentation, and on whatever else may come."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from hft import (
    BookState,
    Channel,
    DecodeError,
    GridError,
    Instrument,
    InstrumentId,
    InstrumentKind,
    Market,
    RecordedFeed,
    Side,
    SimulatedClock,
)
from hft_bybit import codec
from hft_bybit.codec import Kind
from hft_bybit.config import Config
from hft_bybit.stream import BybitStream

MESSAGES = Path(__file__).resolve().parents[4].parent / "shared" / "messages" / "bybit"
recorded = pytest.mark.skipif(not MESSAGES.is_dir(), reason="no recorded messages beside the repository")

BOOK = b'{"s":"BTCUSDT","b":[["60000.0","10"]],"a":[["60000.1","0"]],"u":157,"seq":9}'
TRADES = (
    b'[{"T":1672304486865,"s":"BTCUSDT","S":"Buy","v":"0.001","p":"16578.5","L":"PlusTick",'
    b'"i":"20f43950-d8dd","BT":false,"RPI":false,"seq":1783284617}]'
)
TICKER = (
    b'{"symbol":"BTCUSDT","markPrice":"17217.33","indexPrice":"17227.36","fundingRate":"-0.000212",'
    b'"nextFundingTime":"1673280000000"}'
)
FRAME = b'{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1687940967466,"data":' + BOOK + b',"cts":1}'
ACK = b'{"success":true,"ret_msg":"","conn_id":"c","req_id":"1","op":"subscribe"}'

DECODERS: list[tuple[Callable[[Any], Any], bytes]] = [
    (codec.decode_book, BOOK),
    (codec.decode_trades, TRADES),
    (codec.decode_ticker, TICKER),
    (codec.decode_frame, FRAME),
    (codec.decode_frame, ACK),
]


def perpetual(native: str, tick: str, lot: str) -> Instrument:
    base = native.removesuffix("USDT")
    return Instrument(
        id=InstrumentId(f"{base}/USDT:USDT", "bybit"),
        native_symbol=native,
        kind=InstrumentKind.PERPETUAL,
        base=base,
        quote="USDT",
        settle="USDT",
        tick_size=Decimal(tick),
        lot_size=Decimal(lot),
    )


# -- what really came -----------------------------------------------------------------------------


@recorded
def test_a_recorded_snapshot_and_its_change() -> None:
    lines = (MESSAGES / "linear_orderbook50_2026-03.jsonl").read_bytes().splitlines()
    market = Market(perpetual("BTCUSDT", "0.1", "0.001"))
    feed = RecordedFeed("bybit", "mainnet", clock=SimulatedClock())
    feed.stream = BybitStream(Config(), feed)
    for channel in Channel:
        market.listen(channel, lambda _: None)
    feed.stream.subscribe([market])
    expected: dict[str, dict[Decimal, Decimal]] = {"b": {}, "a": {}}
    for line in lines:
        message = json.loads(line)
        feed.on_frame("wss://stream.bybit.com/v5/public/linear", line, 1)
        if not message.get("topic", "").startswith("orderbook"):
            continue
        for name, side in expected.items():
            if message["type"] == "snapshot":
                side.clear()
            side.update((Decimal(price), Decimal(size)) for price, size in message["data"][name])
    assert (feed.undecoded_frames, market.book.state) == (0, BookState.LIVE)
    for name, side in (("b", Side.BUY), ("a", Side.SELL)):
        assert dict(market.book.exact_levels(side)) == {
            price: size for price, size in expected[name].items() if size
        }


@recorded
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ws_orderbook_snapshot", Kind.BOOK),
        ("ws_orderbook_snapshot_no_asks", Kind.BOOK),
        ("ws_orderbook_delta", Kind.BOOK),
        ("ws_orderbook_delta_no_asks", Kind.BOOK),
        ("ws_trade", Kind.TRADES),
        ("ws_ticker_linear", Kind.TICKER),
        ("ws_ticker_spot", Kind.TICKER),
        ("ws_kline", Kind.UNNEEDED),
        ("ws_liquidation", Kind.UNNEEDED),
    ],
)
def test_messages_of_every_kind(name: str, kind: Kind) -> None:
    body = (MESSAGES / "ws" / "public" / f"{name}.json").read_bytes()
    message = json.loads(body)
    frame = codec.decode_frame(body)
    topic = codec.topic_of(frame.topic)
    assert topic is not None
    assert (topic.kind, frame.type, frame.ts_ms) == (kind, message["type"], message["ts"])
    data = message["data"]
    if kind is Kind.BOOK:
        book = codec.decode_book(frame.data)
        assert (book.symbol, book.update_id) == (data["s"], data["u"])
        assert (json.loads(bytes(book.bids)), json.loads(bytes(book.asks))) == (data["b"], data["a"])
    elif kind is Kind.TRADES:
        trade = codec.trade_event(codec.decode_trades(frame.data)[0], perpetual("BTCUSDT", "0.1", "0.001"), 3)
        assert trade is not None
        assert (trade.trade_id, trade.side, trade.price) == (data[0]["i"], Side.BUY, 165785)
    elif kind is Kind.TICKER:
        ticker = codec.decode_ticker(frame.data)
        assert ticker.mark == data.get("markPrice")


# -- events ---------------------------------------------------------------------------------------


def test_the_time_of_the_matching_engine_comes_first() -> None:
    assert codec.decode_frame(FRAME).exchange_ns == 1_000_000
    assert codec.decode_frame(FRAME.replace(b',"cts":1', b"")).exchange_ns == 1687940967466 * 1_000_000


@pytest.mark.parametrize("text", [b"NaN", b"Infinity", b"x", b"1_0x"])
@pytest.mark.parametrize("name", [b"markPrice", b"indexPrice", b"fundingRate", b"nextFundingTime"])
def test_a_ticker_that_states_no_number(text: bytes, name: bytes) -> None:
    said = json.loads(TICKER) | {name.decode(): text.decode()}
    message = codec.decode_ticker(json.dumps(said).encode())
    with pytest.raises(DecodeError):
        codec.mark_event(message, perpetual("BTCUSDT", "0.1", "0.001"), 1, 1)


def test_a_ticker_without_a_mark_price_says_nothing() -> None:
    message = codec.decode_ticker(b'{"symbol":"BTCUSDT","markPrice":""}')
    assert codec.mark_event(message, perpetual("BTCUSDT", "0.1", "0.001"), 1, 1) is None


def test_two_levels_are_not_the_best_one() -> None:
    two = BOOK.replace(b'[["60000.0","10"]]', b'[["60000.0","10"],["59999.0","1"]]')
    with pytest.raises(DecodeError, match="2 levels"):
        codec.quote_event(codec.decode_book(two), perpetual("BTCUSDT", "0.1", "0.001"), 1, 1)


# -- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "symbol", "depth"),
    [
        ("orderbook.50.BTCUSDT", Kind.BOOK, "BTCUSDT", 50),
        ("orderbook.1.BTCPERP", Kind.BOOK, "BTCPERP", 1),
        ("orderbook.1000.BTCUSDT-26SEP25", Kind.BOOK, "BTCUSDT-26SEP25", 1000),
        ("publicTrade.1000PEPEUSDT", Kind.TRADES, "1000PEPEUSDT", 0),
        ("tickers.BTCUSDT", Kind.TICKER, "BTCUSDT", 0),
        ("kline.5.BTCUSDT", Kind.UNNEEDED, "BTCUSDT", 0),
        ("allLiquidation.BTCUSDT", Kind.UNNEEDED, "BTCUSDT", 0),
        ("orderbook.rpi.BTCUSDT", Kind.UNNEEDED, "BTCUSDT", 0),
        ("orderbook.full.BTCUSDT", Kind.UNNEEDED, "BTCUSDT", 0),
        ("priceLimit.BTCUSDT", Kind.UNNEEDED, "BTCUSDT", 0),
    ],
)
def test_topics(name: str, kind: Kind, symbol: str, depth: int) -> None:
    assert codec.topic_of(name) == codec.Topic(kind, symbol, depth)


@pytest.mark.parametrize("name", ["", "orderbook", "orderbook.BTCUSDT", "orderbook.x.BTCUSDT", "tickers."])
def test_other_topics_do_not_exist(name: str) -> None:
    assert codec.topic_of(name) is None


# -- anything -------------------------------------------------------------------------------------


def decodes_or_refuses(decode: Callable[[Any], Any], data: bytes) -> None:
    for form in (data, Raw(data)):
        with suppress(DecodeError):
            decode(form)


def mutated(frame: bytes) -> st.SearchStrategy[bytes]:
    place = st.integers(0, len(frame) - 1)
    return (
        st.builds(lambda at: frame[:at], place)
        | st.builds(lambda at, byte: frame[:at] + bytes([byte]) + frame[at + 1 :], place, st.integers(0, 255))
        | st.builds(lambda at, to: frame[:at] + frame[to:], place, place)
    )


@pytest.mark.parametrize(("decode", "frame"), DECODERS)
@given(data=st.data())
def test_a_damaged_frame_is_decoded_or_refused(
    decode: Callable[[Any], Any], frame: bytes, data: st.DataObject
) -> None:
    decodes_or_refuses(decode, data.draw(mutated(frame)))


@pytest.mark.parametrize("decode", [each for each, _ in DECODERS])
@pytest.mark.parametrize(
    "bad", [b"[" * 100_000, b'{"s":' + b"[" * 100_000, b'{"u":' + b"9" * 5_000 + b"}", b"\xff"]
)
def test_hostile_bytes_are_decoded_or_refused(decode: Callable[[Any], Any], bad: bytes) -> None:
    decodes_or_refuses(decode, bad)


@given(data=st.data())
def test_a_damaged_frame_leaves_the_book_as_it_is_or_takes_it_out_of_live(data: st.DataObject) -> None:
    """What becomes of a frame with a wrong byte is the change that it says, or no book to rely on."""
    market = Market(perpetual("BTCUSDT", "0.1", "0.001"))
    feed = RecordedFeed("bybit", "mainnet", clock=SimulatedClock())
    feed.stream = stream = BybitStream(Config(), feed)
    market.listen(Channel.BOOK, lambda _: None)
    stream.subscribe([market])
    conn = "wss://stream.bybit.com/v5/public/linear"
    whole = FRAME.replace(b'"delta"', b'"snapshot"').replace(b'"60000.1","0"', b'"60000.1","2"')
    feed.on_frame(conn, whole, 1)
    assert market.book.state is BookState.LIVE
    before = market.book.bids(), market.book.asks()
    change = FRAME.replace(b'"u":157', b'"u":158').replace(b'"10"', b'"4"')
    damaged = data.draw(mutated(change))
    feed.on_frame(conn, damaged, 2)
    if market.book.state is not BookState.LIVE or (market.book.bids(), market.book.asks()) == before:
        return
    said = json.loads(damaged.decode(errors="replace"))  # only what is JSON changes a book
    assert said["data"]["u"] in (1, 157, 158)
    instrument, bids = market.instrument, dict(market.book.bids())
    with suppress(GridError):
        for price, size, *_ in said["data"]["b"][:1]:
            assert instrument.size(size) == bids.get(instrument.price(price), 0)
