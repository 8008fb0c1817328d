"""Bytes of the public streams into typed messages and events; pure.

Field names are the wire's, spelled out. Levels of books stay undecoded: the book parses them.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Annotated

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
from hft_bybit.endpoints import Product

__all__ = [
    "PATH_HEAD",
    "PING",
    "Book",
    "Frame",
    "Kind",
    "PublicTrade",
    "Ticker",
    "Topic",
    "decode_book",
    "decode_frame",
    "decode_ticker",
    "decode_trades",
    "delta_layout",
    "mark_event",
    "quote_event",
    "request_frame",
    "topic_of",
    "trade_event",
]

NS_PER_MS = 1_000_000

Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Number = Annotated[int, Meta(ge=1, le=2**62)]

SIDES = {"Buy": Side.BUY, "Sell": Side.SELL}


class Kind(enum.Enum):
    """What a topic carries, as far as it matters here."""

    BOOK = "orderbook"
    TRADES = "publicTrade"
    TICKER = "tickers"
    UNNEEDED = "unneeded"
    """Documented, and nothing in it that is not better told by another topic."""


class Frame(Struct, gc=False):
    """Any frame of a public connection: one of a topic, or the answer to a frame of ours."""

    topic: str = ""
    type: str = ""
    ts_ms: Count = field(name="ts", default=0)
    data: Raw = Raw()
    matched_ms: Count = field(name="cts", default=0)
    """When the matching engine made what is told; not of every topic, and not in old recordings."""
    op: str = ""
    success: bool | None = None
    message: str = field(name="ret_msg", default="")
    request_id: str = field(name="req_id", default="")

    @property
    def exchange_ns(self) -> int:
        """When what is told happened."""
        return (self.matched_ms or self.ts_ms) * NS_PER_MS


class Book(Struct, gc=False):
    """A book, or the changes of one; ``update_id`` counts up by one on a topic, and begins anew at 1."""

    symbol: str = field(name="s")
    bids: Raw = field(name="b")
    asks: Raw = field(name="a")
    update_id: Number = field(name="u")


class PublicTrade(Struct, gc=False):
    """One match; ``side`` is the taker's."""

    symbol: str = field(name="s")
    id: str = field(name="i")
    side: str = field(name="S")
    price: str = field(name="p")
    size: str = field(name="v")
    trade_ms: Count = field(name="T")
    is_block: bool = field(name="BT", default=False)


class Ticker(Struct, gc=False):
    """What a ticker says; in a change, what stands in it has changed and all else is None."""

    symbol: str
    mark: str | None = field(name="markPrice", default=None)
    index: str | None = field(name="indexPrice", default=None)
    funding_rate: str | None = field(name="fundingRate", default=None)
    next_funding_ms: str | None = field(name="nextFundingTime", default=None)

    @property
    def says_something(self) -> bool:
        """Whether anything stands in it that matters here."""
        said = (self.mark, self.index, self.funding_rate, self.next_funding_ms)
        return any(value is not None for value in said)


decode_frame = decoder(Frame)
decode_book = decoder(Book)
decode_trades = decoder(list[PublicTrade], "trades")
decode_ticker = decoder(Ticker)


# -- layouts ---------------------------------------------------------------------------------------

PATH_HEAD = b'{"topic":"'
"""What stands before the topic's name in a frame."""


def delta_layout(product: Product, topic: str, native: str) -> DepthLayout:
    """Return how a product writes the `Frame` of a change of a `Book`: spot and linear differ in order."""
    time = (b'"ts":', DepthPart.NUMBER)
    head = f'{{"topic":"{topic}",'.encode()
    data = f'"data":{{"s":"{native}","b":'.encode()
    if product is Product.SPOT:
        begin: tuple[bytes | DepthPart, ...] = (head + time[0], time[1], b',"type":"delta",' + data)
    else:
        begin = (head + b'"type":"delta",' + time[0], time[1], b"," + data)
    return DepthLayout(
        parts=(
            *begin,
            DepthPart.BIDS,
            b',"a":',
            DepthPart.ASKS,
            b',"u":',
            DepthPart.LAST_ID,
            b',"seq":',
            DepthPart.NUMBER,
            b'},"cts":',
            DepthPart.TIME,
            b"}",
        )
    )


# -- names -----------------------------------------------------------------------------------------


class Topic(Struct, frozen=True):
    """A topic by its parts; ``depth`` is of books only."""

    kind: Kind
    symbol: str
    depth: int = 0


_TOPIC = re.compile(r"(?:(orderbook)\.(\d{1,4})|(publicTrade|tickers))\.([\w-]{1,60})", re.ASCII)
_UNNEEDED = re.compile(
    r"(kline\.\w+|kline_lt\.\w+|liquidation|allLiquidation|orderbook\.(rpi|full)|priceLimit|tickers_lt|lt|adlAlert"
    r"|insurance|greeks)\.[\w-]{1,60}",
    re.ASCII,
)


def topic_of(name: str) -> Topic | None:
    """Take a topic's name apart; None if there is no such topic."""
    match = _TOPIC.fullmatch(name)
    if match is None:
        return Topic(Kind.UNNEEDED, name.rpartition(".")[2]) if _UNNEEDED.fullmatch(name) else None
    if match[1]:
        return Topic(Kind.BOOK, match[4], int(match[2]))
    return Topic(Kind(match[3]), match[4])


# -- events ----------------------------------------------------------------------------------------


def trade_event(message: PublicTrade, instrument: Instrument, recv_ns: int) -> Trade | None:
    """Make the event of a trade; None for a block trade, which meets no book."""
    if message.is_block:
        return None
    side = SIDES.get(message.side)
    if side is None:
        raise DecodeError(f"side {message.side[:40]!r} is unknown")
    price, size = instrument.price(message.price), instrument.size(message.size)
    return Trade(instrument, message.id, side, price, size, message.trade_ms * NS_PER_MS, recv_ns)


def quote_event(book: Book, instrument: Instrument, exchange_ns: int, recv_ns: int) -> Quote:
    """Make the event of the best level of a book."""
    bid, bid_size = _best(book.bids, instrument)
    ask, ask_size = _best(book.asks, instrument)
    return Quote(
        instrument,
        instrument.price(bid) if bid else None,
        instrument.size(bid_size) if bid else Size(0),
        instrument.price(ask) if ask else None,
        instrument.size(ask_size) if ask else Size(0),
        book.update_id,
        exchange_ns,
        recv_ns,
    )


_decode_levels = decoder(list[tuple[str, str]], "levels")


def _best(levels: Raw, instrument: Instrument) -> tuple[str, str]:
    decoded = _decode_levels(levels)
    if len(decoded) > 1:
        raise DecodeError(f"{instrument}: {len(decoded)} levels where one is best")
    return decoded[0] if decoded else ("", "")


def mark_event(ticker: Ticker, instrument: Instrument, exchange_ns: int, recv_ns: int) -> MarkPrice | None:
    """Make the event of a whole ticker; None where it states no mark price. Dated futures have no funding."""
    if not ticker.mark:
        return None
    next_funding = ticker.next_funding_ms or "0"
    if not (next_funding.isdecimal() and next_funding.isascii()):
        raise DecodeError(f"nextFundingTime {next_funding[:40]!r} is not a time")
    return MarkPrice(
        instrument,
        _decimal(ticker.mark),
        _decimal(ticker.index) if ticker.index else None,
        _decimal(ticker.funding_rate) if ticker.funding_rate else None,
        int(next_funding[:20]) * NS_PER_MS,
        exchange_ns,
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

PING = b'{"req_id":"ping","op":"ping"}'


def request_frame(op: str, topics: Sequence[str], request_id: str) -> bytes:
    """Write the frame that subscribes to topics, or ends that; its answer names ``request_id``."""
    return msgspec.json.encode({"req_id": request_id, "op": op, "args": topics})
