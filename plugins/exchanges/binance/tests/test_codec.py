"""The codec on frames in the shape of the documentation, and on whatever else may come."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from hft import DecodeError, GridError, Instrument, InstrumentId, InstrumentKind, Side
from hft_binance import codec
from hft_binance.codec import Kind

TRADE = (
    b'{"e":"trade","E":1672515782136,"s":"BTCUSDT","t":12345,"p":"60000.01000000","q":"0.50000000",'
    b'"T":1672515782130,"m":true,"M":true}'
)
AGG_TRADE = (
    b'{"e":"aggTrade","E":1672515782136,"s":"BTCUSDT","a":164325,"p":"60000.10","q":"0.5","nq":"0.4",'
    b'"f":1,"l":2,"T":1672515782130,"m":false,"st":1}'
)
SPOT_TICKER = (
    b'{"u":400900217,"s":"BTCUSDT","b":"60000.00000000","B":"3.20000000","a":"60000.10000000","A":"0.00001"}'
)
FUTURES_TICKER = (
    b'{"e":"bookTicker","u":400900218,"E":1672515782137,"T":1672515782136,"s":"BTCUSDT","b":"60000.0",'
    b'"B":"3.2","a":"60000.1","A":"4.1","ps":"BTCUSDT","st":1}'
)
SPOT_DEPTH = (
    b'{"e":"depthUpdate","E":1672515782136,"s":"BTCUSDT","U":157,"u":160,'
    b'"b":[["60000.00","10"]],"a":[["60000.10","0"]]}'
)
FUTURES_DEPTH = (
    b'{"e":"depthUpdate","E":1672515782137,"T":1672515782136,"s":"BTCUSDT","U":157,"u":160,"pu":149,'
    b'"b":[["60000.0","1"]],"a":[]}'
)
MARK = (
    b'{"e":"markPriceUpdate","E":1672515782136,"s":"BTCUSDT","p":"60000.12345678","i":"60001.00","P":"60000.5",'
    b'"ap":"60000.2","r":"0.00010000","T":1672540800000}'
)
SNAPSHOT = b'{"lastUpdateId":160,"bids":[["60000.00","10"]],"asks":[["60000.10","100"]]}'
FUTURES_SNAPSHOT = b'{"lastUpdateId":160,"E":1672515782137,"T":1672515782136,"bids":[],"asks":[]}'

DECODERS: list[tuple[Callable[[Any], Any], bytes]] = [
    (codec.decode_trade, TRADE),
    (codec.decode_agg_trade, AGG_TRADE),
    (codec.decode_book_ticker, SPOT_TICKER),
    (codec.decode_book_ticker, FUTURES_TICKER),
    (codec.decode_depth, SPOT_DEPTH),
    (codec.decode_futures_depth, FUTURES_DEPTH),
    (codec.decode_mark_price, MARK),
    (codec.decode_depth_snapshot, SNAPSHOT),
    (codec.decode_depth_snapshot, FUTURES_SNAPSHOT),
    (codec.decode_envelope, b'{"stream":"btcusdt@trade","data":' + TRADE + b"}"),
    (codec.decode_bare, SPOT_TICKER),
]

RECV_NS = 1_672_515_783_000_000_000
MS = 1_000_000


@pytest.fixture
def instrument() -> Instrument:
    return Instrument(
        id=InstrumentId("BTC/USDT", "binance"),
        native_symbol="BTCUSDT",
        kind=InstrumentKind.SPOT,
        base="BTC",
        quote="USDT",
        settle="USDT",
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.00001"),
    )


def test_a_trade(instrument: Instrument) -> None:
    trade = codec.trade_event(codec.decode_trade(TRADE), instrument, RECV_NS)
    assert trade is not None
    assert (trade.trade_id, trade.price, trade.size) == ("12345", 6_000_001, 50_000)
    assert trade.side is Side.SELL  # the buyer was the maker
    assert (trade.exchange_ns, trade.recv_ns) == (1672515782130 * MS, RECV_NS)


def test_an_aggregated_trade(instrument: Instrument) -> None:
    trade = codec.trade_event(codec.decode_agg_trade(AGG_TRADE), instrument, RECV_NS)
    assert trade is not None
    assert (trade.trade_id, trade.price, trade.side) == ("164325", 6_000_010, Side.BUY)


def test_a_trade_at_price_zero_is_none(instrument: Instrument) -> None:
    message = codec.decode_trade(TRADE.replace(b"60000.01000000", b"0"))
    assert codec.trade_event(message, instrument, RECV_NS) is None


def test_a_trade_off_the_grid_says_so(instrument: Instrument) -> None:
    message = codec.decode_trade(TRADE.replace(b"60000.01000000", b"60000.011"))
    with pytest.raises(GridError, match=r"60000\.011"):
        codec.trade_event(message, instrument, RECV_NS)


def test_tickers(instrument: Instrument) -> None:
    spot = codec.quote_event(codec.decode_book_ticker(SPOT_TICKER), instrument, RECV_NS)
    assert (spot.bid, spot.bid_size, spot.ask, spot.ask_size) == (6_000_000, 320_000, 6_000_010, 1)
    assert (spot.update_id, spot.exchange_ns) == (400900217, 0)
    futures = codec.quote_event(codec.decode_book_ticker(FUTURES_TICKER), instrument, RECV_NS)
    assert (futures.update_id, futures.exchange_ns) == (400900218, 1672515782136 * MS)


def test_an_empty_side_is_none(instrument: Instrument) -> None:
    frame = SPOT_TICKER.replace(b"60000.10000000", b"0.00000000")
    quote = codec.quote_event(codec.decode_book_ticker(frame), instrument, RECV_NS)
    assert (quote.bid, quote.ask, quote.ask_size) == (6_000_000, None, 0)


def test_depth_leaves_the_levels_to_the_book() -> None:
    spot = codec.decode_depth(SPOT_DEPTH)
    assert (spot.first_id, spot.last_id, spot.event_ms) == (157, 160, 1672515782136)
    assert (bytes(spot.bids), bytes(spot.asks)) == (b'[["60000.00","10"]]', b'[["60000.10","0"]]')
    futures = codec.decode_futures_depth(FUTURES_DEPTH)
    assert (futures.first_id, futures.last_id, futures.prev_id, futures.event_ms) == (
        157,
        160,
        149,
        1672515782136,
    )
    snapshot = codec.decode_depth_snapshot(SNAPSHOT)
    assert (snapshot.last_update_id, bytes(snapshot.asks), snapshot.event_ms) == (
        160,
        b'[["60000.10","100"]]',
        0,
    )


def test_futures_depth_without_its_chain_is_refused() -> None:
    with pytest.raises(DecodeError, match="pu"):
        codec.decode_futures_depth(SPOT_DEPTH)


def test_mark_price_keeps_its_digits(instrument: Instrument) -> None:
    mark = codec.mark_event(codec.decode_mark_price(MARK), instrument, RECV_NS)
    assert (mark.mark, mark.index, mark.funding_rate) == (
        Decimal("60000.12345678"),
        Decimal("60001.00"),
        Decimal("0.0001"),
    )
    assert (mark.next_funding_ns, mark.exchange_ns) == (1672540800000 * MS, 1672515782136 * MS)


def test_a_dated_future_has_no_funding(instrument: Instrument) -> None:
    frame = MARK.replace(b'"r":"0.00010000"', b'"r":""').replace(b'"T":1672540800000', b'"T":0')
    mark = codec.mark_event(codec.decode_mark_price(frame), instrument, RECV_NS)
    assert (mark.funding_rate, mark.next_funding_ns) == (None, 0)


@pytest.mark.parametrize("text", [b"NaN", b"Infinity", b"", b"x"])
def test_a_mark_price_that_is_no_number(instrument: Instrument, text: bytes) -> None:
    message = codec.decode_mark_price(MARK.replace(b"60000.12345678", text))
    with pytest.raises(DecodeError):
        codec.mark_event(message, instrument, RECV_NS)


@pytest.mark.parametrize(
    ("stream", "symbol", "kind"),
    [
        ("btcusdt@depth", "BTCUSDT", Kind.DEPTH),
        ("btcusdt@depth@100ms", "BTCUSDT", Kind.DEPTH),
        ("btcusdt@depth@0ms", "BTCUSDT", Kind.DEPTH),
        ("btcusdt_260925@depth@500ms", "BTCUSDT_260925", Kind.DEPTH),
        ("btcusdt@depth5", "BTCUSDT", Kind.UNNEEDED),
        ("btcusdt@depth20@100ms", "BTCUSDT", Kind.UNNEEDED),
        ("btcusdt@rpiDepth@500ms", "BTCUSDT", Kind.UNNEEDED),
        ("btcusdt@trade", "BTCUSDT", Kind.TRADE),
        ("btcusdt@aggTrade", "BTCUSDT", Kind.AGG_TRADE),
        ("btcusdt@bookTicker", "BTCUSDT", Kind.BOOK_TICKER),
        ("btcusdt@markPrice", "BTCUSDT", Kind.MARK_PRICE),
        ("btcusdt@markPrice@1s", "BTCUSDT", Kind.MARK_PRICE),
        ("btcusdt@kline_1m", "BTCUSDT", Kind.UNNEEDED),
        ("btcusdt@kline_1d@+08:00", "BTCUSDT", Kind.UNNEEDED),
        ("btcusdt_perpetual@continuousKline_1m", "BTCUSDT_PERPETUAL", Kind.UNNEEDED),
        ("btcusdt@ticker", "BTCUSDT", Kind.UNNEEDED),
        ("btcusdt@ticker_1h", "BTCUSDT", Kind.UNNEEDED),
        ("btcusdt@miniTicker", "BTCUSDT", Kind.UNNEEDED),
        ("btcusdt@forceOrder", "BTCUSDT", Kind.UNNEEDED),
        ("!miniTicker@arr", "", Kind.UNNEEDED),
        ("!markPrice@arr@1s", "", Kind.UNNEEDED),
        ("!bookTicker", "", Kind.UNNEEDED),
        ("!contractInfo", "", Kind.UNNEEDED),
        ("!serverShutdown", "", Kind.SHUTDOWN),
    ],
)
def test_streams_have_kinds(stream: str, symbol: str, kind: Kind) -> None:
    assert codec.kind_of_stream(stream) == (symbol, kind)


@pytest.mark.parametrize(
    "stream", ["", "btcusdt", "@trade", "btcusdt@nonsense", "btcusdt@depth@7ms", "!depth"]
)
def test_other_streams_do_not_exist(stream: str) -> None:
    assert codec.kind_of_stream(stream) is None


def test_events_have_kinds() -> None:
    assert codec.kind_of_event("depthUpdate") is Kind.DEPTH
    assert codec.kind_of_event("24hrTicker") is Kind.UNNEEDED
    assert codec.kind_of_event("executionReport") is None


def test_subscriptions_are_the_documented_frame() -> None:
    frame = json.loads(codec.subscribe_frame(["btcusdt@trade", "btcusdt@depth@100ms"], 7))
    assert frame == {"method": "SUBSCRIBE", "params": ["btcusdt@trade", "btcusdt@depth@100ms"], "id": 7}


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


@pytest.mark.parametrize(("decode", "frame"), DECODERS)
@given(
    data=st.binary(max_size=80)
    | st.text(alphabet='{}[]",:0123456789.eEsubaUA\\', max_size=40).map(str.encode)
)
def test_any_bytes_are_decoded_or_refused(decode: Callable[[Any], Any], frame: bytes, data: bytes) -> None:
    decodes_or_refuses(decode, data)


@pytest.mark.parametrize(("decode", "frame"), DECODERS)
@pytest.mark.parametrize(
    "bad", [b"[" * 100_000, b'{"s":' + b"[" * 100_000, b'{"u":' + b"9" * 5_000 + b"}", b"\xff"]
)
def test_hostile_bytes_are_decoded_or_refused(decode: Callable[[Any], Any], frame: bytes, bad: bytes) -> None:
    decodes_or_refuses(decode, bad)
    decodes_or_refuses(decode, b'{"stream":"btcusdt@trade","data":' + bad)
