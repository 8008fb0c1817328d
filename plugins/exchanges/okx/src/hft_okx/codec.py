"""Bytes of the public streams and answers into typed messages and events; pure.

Field names are the wire's, spelled out; numbers are text there. Levels of books stay undecoded: the book
parses them.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
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
    Price,
    Quote,
    Side,
    Size,
    Trade,
    decoder,
)

__all__ = [
    "NS_PER_MS",
    "PATH_HEAD",
    "PING",
    "PONG",
    "Answer",
    "Arg",
    "BestLevels",
    "BookChange",
    "Envelope",
    "FundingRate",
    "Kind",
    "MarkPriceRow",
    "PublicTrade",
    "answer_rows",
    "book_layout",
    "decode_answer",
    "decode_best",
    "decode_books",
    "decode_envelope",
    "decode_fundings",
    "decode_marks",
    "decode_trades",
    "kind_of_channel",
    "mark_event",
    "milliseconds",
    "quote_event",
    "request_frame",
    "trade_event",
]

NS_PER_MS = 1_000_000

PING, PONG = b"ping", b"pong"
"""Plain text, not JSON."""

Sequenced = Annotated[int, Meta(ge=-1, le=2**63 - 1)]

_LONGEST_TIME = 16


class Kind(enum.Enum):
    """What a channel carries, as far as it matters here."""

    BOOK = "books"
    TRADE = "trades"
    TRADE_ALL = "trades-all"
    BEST = "bbo-tbt"
    MARK = "mark-price"
    FUNDING = "funding-rate"
    UNNEEDED = "unneeded"
    """Documented, and nothing in it that is not better told by another channel."""


class Arg(Struct, gc=False):
    """Which channel a frame belongs to."""

    channel: str
    inst_id: str = field(name="instId", default="")


class Envelope(Struct, gc=False):
    """A frame: ``data`` of a channel, or an ``event``: an acknowledgement, a refusal, a notice."""

    arg: Arg | None = None
    action: str = ""
    data: Raw = Raw()
    event: str = ""
    id: str | None = None
    code: str = ""
    msg: str = ""


class Answer(Struct):
    """An answer of REST; ``code`` is 0 where all went well."""

    code: str
    data: Raw = Raw()
    msg: str = ""


class BookChange(Struct, gc=False):
    """A book or its changes; ``seq_id`` 0: without ids, as before 2023. ``prev_id`` -1: a whole book."""

    bids: Raw
    asks: Raw
    ts: str
    checksum: int = 0
    seq_id: Sequenced = field(name="seqId", default=0)
    prev_id: Sequenced = field(name="prevSeqId", default=0)


class PublicTrade(Struct, gc=False):
    """What one order matched at one price; ``side`` is its own."""

    inst_id: str = field(name="instId")
    trade_id: str = field(name="tradeId")
    price: str = field(name="px")
    size: str = field(name="sz")
    side: str
    ts: str


class BestLevels(Struct, gc=False):
    """Best bid and ask."""

    bids: list[list[str]]
    asks: list[list[str]]
    ts: str
    seq_id: Sequenced = field(name="seqId", default=0)


class MarkPriceRow(Struct, gc=False):
    """The mark price."""

    inst_id: str = field(name="instId")
    mark: str = field(name="markPx")
    ts: str


class FundingRate(Struct, gc=False):
    """The rate that is paid at ``funding_time``."""

    inst_id: str = field(name="instId")
    rate: str = field(name="fundingRate")
    funding_time: str = field(name="fundingTime")
    ts: str = "0"


decode_envelope = decoder(Envelope, "frame")
decode_answer = decoder(Answer, "answer")
decode_books = decoder(list[BookChange], "book")
decode_trades = decoder(list[PublicTrade], "trades")
decode_best = decoder(list[BestLevels], "best levels")
decode_marks = decoder(list[MarkPriceRow], "mark price")
decode_fundings = decoder(list[FundingRate], "funding rate")
_decode_rows = decoder(list[Raw], "rows")


def answer_rows(answer: Answer) -> list[Raw]:
    """Return the rows of an answer; raise `DecodeError` where it is a refusal."""
    if answer.code != "0":
        raise DecodeError(f"refused: {answer.code[:20]} {answer.msg[:200]!r}")
    return _decode_rows(answer.data)


def milliseconds(text: str) -> int:
    """Return a time in milliseconds, 0 for none; raise `DecodeError` for what is no time."""
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_TIME):
        raise DecodeError(f"{text[:40]!r} is not a time")
    return int(text)


# -- layouts ---------------------------------------------------------------------------------------

PATH_HEAD = b'{"arg":{"channel":"books","instId":"'
"""What stands before the instrument's name in a change of a book."""


def book_layout(inst_id: str) -> DepthLayout:
    """Return how changes of a book are written, as of 2026."""
    return DepthLayout(
        parts=(
            PATH_HEAD + f'{inst_id}"}},"action":"update","data":[{{"asks":'.encode(),
            DepthPart.ASKS,
            b',"bids":',
            DepthPart.BIDS,
            b',"ts":"',
            DepthPart.TIME,
            b'","checksum":0,"seqId":',
            DepthPart.LAST_ID,
            b',"prevSeqId":',
            DepthPart.PREV_ID,
            b"}]}",
        )
    )


# -- names -----------------------------------------------------------------------------------------

_KINDS = {kind.value: kind for kind in Kind if kind is not Kind.UNNEEDED}
_UNNEEDED = frozenset(
    {
        *("books5", "books-l2-tbt", "books50-l2-tbt", "books-elp", "tickers", "index-tickers", "price-limit"),
        *("open-interest", "instruments", "status", "estimated-price", "opt-summary", "liquidation-orders"),
        *("adl-warning", "option-trades", "call-auction-details", "public-struc-block-trades"),
        "public-block-trades",
        "block-tickers",
    }
)
_CANDLES = ("candle", "mark-price-candle", "index-candle")


def kind_of_channel(channel: str) -> Kind | None:
    """Return what a channel carries; None if there is no such channel."""
    kind = _KINDS.get(channel)
    if kind is None and (channel in _UNNEEDED or channel.startswith(_CANDLES)):
        return Kind.UNNEEDED
    return kind


# -- events ----------------------------------------------------------------------------------------

_SIDES = {"buy": Side.BUY, "sell": Side.SELL}


def trade_event(message: PublicTrade, instrument: Instrument, recv_ns: int) -> Trade:
    """Make the event of a trade."""
    side = _SIDES.get(message.side)
    if side is None:
        raise DecodeError(f"side {message.side[:20]!r} is unknown")
    return Trade(
        instrument,
        message.trade_id,
        side,
        instrument.price(message.price),
        instrument.size(message.size),
        milliseconds(message.ts) * NS_PER_MS,
        recv_ns,
    )


def quote_event(message: BestLevels, instrument: Instrument, recv_ns: int) -> Quote:
    """Make the event of best bid and ask; an empty side has no level."""
    bid, bid_size = _best(message.bids, instrument)
    ask, ask_size = _best(message.asks, instrument)
    return Quote(
        instrument,
        bid,
        bid_size,
        ask,
        ask_size,
        message.seq_id,
        milliseconds(message.ts) * NS_PER_MS,
        recv_ns,
    )


def _best(levels: list[list[str]], instrument: Instrument) -> tuple[Price | None, Size]:
    if not levels:
        return None, Size(0)
    if len(levels[0]) < 2:
        raise DecodeError("a level without a size")
    return instrument.price(levels[0][0]), instrument.size(levels[0][1])


def mark_event(
    mark: MarkPriceRow, funding: FundingRate | None, instrument: Instrument, recv_ns: int
) -> MarkPrice:
    """Make the event of a mark price with the funding that was told last; dated futures have none."""
    has_rate = funding is not None and funding.rate != ""
    return MarkPrice(
        instrument,
        _decimal(mark.mark),
        None,
        _decimal(funding.rate) if funding is not None and has_rate else None,
        0 if funding is None else milliseconds(funding.funding_time) * NS_PER_MS,
        milliseconds(mark.ts) * NS_PER_MS,
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


def request_frame(op: str, args: Sequence[Mapping[str, Any]], id: str = "") -> bytes:
    """Write a frame that asks for something; its answers name ``id``."""
    frame: dict[str, Any] = {"id": id} if id else {}
    return msgspec.json.encode(frame | {"op": op, "args": args})
