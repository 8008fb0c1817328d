"""Bytes of the public streams and answers into typed messages and events; pure.

Field names are the wire's, spelled out. Levels of books stay undecoded: the book parses them.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct, field

from hft import (
    DecodeError,
    DepthLayout,
    DepthPart,
    Instrument,
    MarkPrice,
    Quote,
    Side,
    Size,
    Trade,
    decoder,
)

__all__ = [
    "FUTURES_SNAPSHOT",
    "PATH_HEAD",
    "PING",
    "SPOT_SNAPSHOT",
    "AggTrade",
    "BareFrame",
    "BookTicker",
    "DepthSnapshot",
    "DepthUpdate",
    "Envelope",
    "FuturesDepthUpdate",
    "Kind",
    "MarkPriceUpdate",
    "PublicTrade",
    "decode_agg_trade",
    "decode_bare",
    "decode_book_ticker",
    "decode_depth",
    "decode_depth_snapshot",
    "decode_envelope",
    "decode_futures_depth",
    "decode_mark_price",
    "decode_trade",
    "futures_depth_layout",
    "kind_of_event",
    "kind_of_stream",
    "mark_event",
    "quote_event",
    "spot_depth_layout",
    "subscribe_frame",
    "trade_event",
]

NS_PER_MS = 1_000_000

Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Kind(enum.Enum):
    """What a stream carries, as far as it matters here."""

    DEPTH = "depth"
    TRADE = "trade"
    AGG_TRADE = "aggTrade"
    BOOK_TICKER = "bookTicker"
    MARK_PRICE = "markPrice"
    SHUTDOWN = "serverShutdown"
    UNNEEDED = "unneeded"
    """Documented, and nothing in it that is not better told by another stream."""


class Envelope(Struct, gc=False):
    """A frame of a combined connection; ``stream`` is empty where it is none."""

    stream: str = ""
    data: Raw = Raw()


class BareFrame(Struct, gc=False):
    """A frame without an envelope: an event of a single-stream connection, or an answer."""

    event: str = field(name="e", default="")
    symbol: str = field(name="s", default="")
    update_id: Raw = field(name="u", default=Raw())
    last_update_id: Raw = field(name="lastUpdateId", default=Raw())
    id: Raw = Raw()
    result: Raw = Raw()
    error: Raw = Raw()
    code: Raw = Raw()


class DepthUpdate(Struct, gc=False):
    """Changes of the book from ``first_id`` to ``last_id``."""

    symbol: str = field(name="s")
    first_id: Count = field(name="U")
    last_id: Count = field(name="u")
    bids: Raw = field(name="b")
    asks: Raw = field(name="a")
    event_ms: Count = field(name="E", default=0)


class FuturesDepthUpdate(Struct, gc=False):
    """Changes of the book; ``prev_id`` is the ``last_id`` of the update before."""

    symbol: str = field(name="s")
    first_id: Count = field(name="U")
    last_id: Count = field(name="u")
    prev_id: int = field(name="pu")
    bids: Raw = field(name="b")
    asks: Raw = field(name="a")
    event_ms: Count = field(name="T", default=0)


class DepthSnapshot(Struct, gc=False):
    """A whole book; spot does not say of when."""

    last_update_id: Count = field(name="lastUpdateId")
    bids: Raw
    asks: Raw
    event_ms: Count = field(name="T", default=0)


class PublicTrade(Struct, gc=False):
    """One match."""

    symbol: str = field(name="s")
    id: Count = field(name="t")
    price: str = field(name="p")
    size: str = field(name="q")
    trade_ms: Count = field(name="T")
    buyer_is_maker: bool = field(name="m")


class AggTrade(Struct, gc=False):
    """What one order matched at one price."""

    symbol: str = field(name="s")
    id: Count = field(name="a")
    price: str = field(name="p")
    size: str = field(name="q")
    trade_ms: Count = field(name="T")
    buyer_is_maker: bool = field(name="m")


class BookTicker(Struct, gc=False):
    """Best bid and ask; spot does not say of when."""

    symbol: str = field(name="s")
    update_id: Count = field(name="u")
    bid: str = field(name="b")
    bid_size: str = field(name="B")
    ask: str = field(name="a")
    ask_size: str = field(name="A")
    event_ms: Count = field(name="T", default=0)


class MarkPriceUpdate(Struct, gc=False):
    """Mark price, index price and funding."""

    symbol: str = field(name="s")
    mark: str = field(name="p")
    event_ms: Count = field(name="E")
    index: str = field(name="i", default="")
    funding_rate: str = field(name="r", default="")
    next_funding_ms: Count = field(name="T", default=0)


decode_envelope = decoder(Envelope)
decode_bare = decoder(BareFrame)
decode_depth = decoder(DepthUpdate)
decode_futures_depth = decoder(FuturesDepthUpdate)
decode_depth_snapshot = decoder(DepthSnapshot)
decode_trade = decoder(PublicTrade)
decode_agg_trade = decoder(AggTrade)
decode_book_ticker = decoder(BookTicker)
decode_mark_price = decoder(MarkPriceUpdate)


# -- layouts ---------------------------------------------------------------------------------------

PATH_HEAD = b'{"stream":"'
"""What stands before the stream's name in a frame of a combined connection."""

SPOT_SNAPSHOT = DepthLayout(
    parts=(
        b'{"lastUpdateId":',
        DepthPart.LAST_ID,
        b',"bids":',
        DepthPart.BIDS,
        b',"asks":',
        DepthPart.ASKS,
        b"}",
    )
)
"""The answer that `DepthSnapshot` decodes, as spot writes it."""

FUTURES_SNAPSHOT = DepthLayout(
    parts=(
        b'{"lastUpdateId":',
        DepthPart.LAST_ID,
        b',"E":',
        DepthPart.NUMBER,
        b',"T":',
        DepthPart.TIME,
        b',"bids":',
        DepthPart.BIDS,
        b',"asks":',
        DepthPart.ASKS,
        b"}",
    )
)
"""The same as USD-M futures write it."""


def spot_depth_layout(stream: str, native: str) -> DepthLayout:
    """Return how spot writes the `Envelope` of a `DepthUpdate`."""
    return DepthLayout(
        parts=(
            f'{{"stream":"{stream}","data":{{"e":"depthUpdate","E":'.encode(),
            DepthPart.TIME,
            f',"s":"{native}","U":'.encode(),
            DepthPart.FIRST_ID,
            b',"u":',
            DepthPart.LAST_ID,
            *_CHANGES,
        )
    )


def futures_depth_layout(stream: str, native: str) -> DepthLayout:
    """Return how USD-M futures write the `Envelope` of a `FuturesDepthUpdate`."""
    return DepthLayout(
        parts=(
            f'{{"stream":"{stream}","data":{{"e":"depthUpdate","E":'.encode(),
            DepthPart.NUMBER,
            b',"T":',
            DepthPart.TIME,
            f',"s":"{native}","U":'.encode(),
            DepthPart.FIRST_ID,
            b',"u":',
            DepthPart.LAST_ID,
            b',"pu":',
            DepthPart.PREV_ID,
            *_CHANGES,
        )
    )


_CHANGES = (b',"b":', DepthPart.BIDS, b',"a":', DepthPart.ASKS, b"}}")


# -- names -----------------------------------------------------------------------------------------

_STREAMS = {
    "depth": Kind.DEPTH,
    "depth@0ms": Kind.DEPTH,
    "depth@100ms": Kind.DEPTH,
    "depth@250ms": Kind.DEPTH,
    "depth@500ms": Kind.DEPTH,
    "depth@1000ms": Kind.DEPTH,
    "trade": Kind.TRADE,
    "aggTrade": Kind.AGG_TRADE,
    "bookTicker": Kind.BOOK_TICKER,
    "markPrice": Kind.MARK_PRICE,
    "markPrice@1s": Kind.MARK_PRICE,
}
_UNNEEDED_STREAM = re.compile(
    r"(kline|continuousKline|indexPriceKline|markPriceKline)_\w+(@\+08:00)?"
    r"|(mini)?[tT]icker(_\w+)?|avgPrice|referencePrice|blockTrade|forceOrder|compositeIndex"
    r"|(depth\d+|rpiDepth)(@\d+ms)?"
)
_UNNEEDED_BROADCAST = re.compile(
    r"!(ticker|miniTicker|ticker_\w+|forceOrder|markPrice|assetIndex)@arr(@\w+)?"
    r"|!bookTicker|!contractInfo|tradingSession"
)
_EVENTS = {
    "depthUpdate": Kind.DEPTH,
    "trade": Kind.TRADE,
    "aggTrade": Kind.AGG_TRADE,
    "bookTicker": Kind.BOOK_TICKER,
    "markPriceUpdate": Kind.MARK_PRICE,
    "serverShutdown": Kind.SHUTDOWN,
}
_UNNEEDED_EVENT = re.compile(
    r"kline|continuous_kline|24hrTicker|24hrMiniTicker|\d+[hd]Ticker|avgPrice|referencePrice|blockTrade"
    r"|forceOrder|compositeIndex|contractInfo|assetIndexUpdate|tradingSession|EquityUpdate|CommodityUpdate"
)


def kind_of_stream(stream: str) -> tuple[str, Kind] | None:
    """Split a stream's name into native symbol and kind; None if there is no such stream.

    The symbol is empty where the stream is about no single one.
    """
    if stream == "!serverShutdown":
        return "", Kind.SHUTDOWN
    if _UNNEEDED_BROADCAST.fullmatch(stream):
        return "", Kind.UNNEEDED
    symbol, _, name = stream.partition("@")
    kind = _STREAMS.get(name)
    if kind is None and _UNNEEDED_STREAM.fullmatch(name):
        kind = Kind.UNNEEDED
    return None if kind is None or not symbol else (symbol.upper(), kind)


def kind_of_event(event: str) -> Kind | None:
    """Return the kind of an event's ``e``; None if there is no such event."""
    return _EVENTS.get(event) or (Kind.UNNEEDED if _UNNEEDED_EVENT.fullmatch(event) else None)


# -- events ----------------------------------------------------------------------------------------


def trade_event(message: PublicTrade | AggTrade, instrument: Instrument, recv_ns: int) -> Trade | None:
    """Make the event of a trade; None for the zero-price records that futures send for their own use."""
    price, size = instrument.price(message.price), instrument.size(message.size)
    if not price:
        return None
    # The maker's side is told; ours is the aggressor's.
    side = Side.SELL if message.buyer_is_maker else Side.BUY
    return Trade(instrument, str(message.id), side, price, size, message.trade_ms * NS_PER_MS, recv_ns)


def quote_event(message: BookTicker, instrument: Instrument, recv_ns: int) -> Quote:
    """Make the event of a book ticker; an empty side is stated as price 0."""
    bid, ask = instrument.price(message.bid), instrument.price(message.ask)
    return Quote(
        instrument,
        bid or None,
        instrument.size(message.bid_size) if bid else Size(0),
        ask or None,
        instrument.size(message.ask_size) if ask else Size(0),
        message.update_id,
        message.event_ms * NS_PER_MS,
        recv_ns,
    )


def mark_event(message: MarkPriceUpdate, instrument: Instrument, recv_ns: int) -> MarkPrice:
    """Make the event of a mark price; dated futures have no funding."""
    return MarkPrice(
        instrument,
        _decimal(message.mark),
        _decimal(message.index) if message.index else None,
        _decimal(message.funding_rate) if message.funding_rate else None,
        message.next_funding_ms * NS_PER_MS,
        message.event_ms * NS_PER_MS,
        recv_ns,
    )


def _decimal(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise DecodeError(f"{text[:40]!r} is not a number")
    return value


# -- requests --------------------------------------------------------------------------------------


PING = b'{"method":"GET_PROPERTY","params":["combined"],"id":0}'
"""A question whose only use is its answer."""


def subscribe_frame(streams: Sequence[str], id: int) -> bytes:
    """Write the frame that subscribes to streams; its answer names ``id``."""
    frame: dict[str, Any] = {"method": "SUBSCRIBE", "params": streams, "id": id}
    return msgspec.json.encode(frame)
