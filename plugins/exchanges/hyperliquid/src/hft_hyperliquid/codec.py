"""Bytes of the public websocket into typed messages and events; pure.

Field names are the wire's, spelled out. Source: the exchange's "Websocket" pages (2026).
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct, field

from hft import DecodeError, Instrument, MarkPrice, Price, Quote, Side, Size, Trade, decoder

__all__ = [
    "NS_PER_MS",
    "PING",
    "AssetContext",
    "Bbo",
    "Book",
    "Envelope",
    "PublicTrade",
    "Response",
    "decode_asset_context",
    "decode_bbo",
    "decode_book",
    "decode_envelope",
    "decode_error",
    "decode_response",
    "decode_trades",
    "mark_event",
    "quote_event",
    "side_of",
    "subscription_frame",
    "trade_event",
    "trade_key",
]

NS_PER_MS = 1_000_000

PING = b'{"method":"ping"}'

_GREETING = b"Websocket connection established"
"""What some servers say first, in plain text."""

_SIDES = {"B": Side.BUY, "A": Side.SELL}


Milliseconds = Annotated[int, Meta(ge=0, lt=250_000_000_000_000)]
"""A time, of a year that has four digits: what is later is none that could be sent or kept."""


class Envelope(Struct):
    """Any frame: the channel says what the data are."""

    channel: str
    data: Raw = Raw()


class Book(Struct):
    """A whole book: the bids, then the asks, as slices of JSON with the best level first."""

    coin: str
    time: Milliseconds
    levels: tuple[Raw, Raw]


class Level(Struct, gc=False):
    """One side of the best prices."""

    px: str
    sz: str


class Bbo(Struct):
    """The best bid and ask; null where a side is empty."""

    coin: str
    time: Milliseconds
    bbo: tuple[Level | None, Level | None]


class PublicTrade(Struct, gc=False):
    """A trade; ``side`` is the aggressor's."""

    coin: str
    side: str
    px: str
    sz: str
    time: Milliseconds
    tid: int


class Context(Struct):
    """What is said of a perpetual, or of a pair, besides its book."""

    mark: str | None = field(name="markPx", default=None)
    oracle: str | None = field(name="oraclePx", default=None)
    funding: str | None = None


class AssetContext(Struct):
    """A frame of ``activeAssetCtx``."""

    coin: str
    ctx: Context


class _Subscription(Struct):
    type: str
    coin: str = ""
    user: str = ""


class Response(Struct):
    """The acknowledgement of a subscription, or of its end."""

    method: str
    subscription: _Subscription


_decode_envelope = decoder(Envelope, "frame")
decode_book = decoder(Book, "l2Book")
decode_bbo = decoder(Bbo, "bbo")
decode_trades = decoder(list[PublicTrade], "trades")
decode_asset_context = decoder(AssetContext, "activeAssetCtx")
decode_response = decoder(Response, "subscriptionResponse")
decode_error = decoder(str, "error")


def decode_envelope(data: bytes) -> Envelope | None:
    """Read any frame; None for the greeting in plain text."""
    if data.startswith(_GREETING):
        return None
    return _decode_envelope(data)


def subscription_frame(method: str, subscription: dict[str, Any]) -> bytes:
    """Write a request to ``subscribe`` or ``unsubscribe``."""
    return msgspec.json.encode({"method": method, "subscription": subscription})


# -- events ----------------------------------------------------------------------------------------------


def side_of(text: str) -> Side:
    """Return the side that a letter stands for; raise `DecodeError` for another."""
    side = _SIDES.get(text)
    if side is None:
        raise DecodeError(f"side {text[:20]!r} is neither 'B' nor 'A'")
    return side


def trade_key(trade: PublicTrade) -> tuple[object, ...]:
    """Return what tells a trade apart; those without an id, such as settlements, by all they say."""
    if trade.tid:
        return trade.time, trade.tid
    return trade.time, trade.side, trade.px, trade.sz


def trade_event(trade: PublicTrade, instrument: Instrument, recv_ns: int) -> Trade:
    """Return the event; raise `GridError` or `DecodeError` for values that make no sense."""
    return Trade(
        instrument,
        str(trade.tid),
        side_of(trade.side),
        instrument.price(trade.px),
        instrument.size(trade.sz),
        trade.time * NS_PER_MS,
        recv_ns,
    )


def quote_event(bbo: Bbo, instrument: Instrument, recv_ns: int) -> Quote:
    """Return the event; raise `GridError` for values that are off the grid."""
    (bid, bid_size), (ask, ask_size) = (_best(level, instrument) for level in bbo.bbo)
    return Quote(instrument, bid, bid_size, ask, ask_size, 0, bbo.time * NS_PER_MS, recv_ns)


def _best(level: Level | None, instrument: Instrument) -> tuple[Price | None, Size]:
    if level is None:
        return None, Size(0)
    return instrument.price(level.px), instrument.size(level.sz)


def mark_event(context: AssetContext, instrument: Instrument, recv_ns: int) -> MarkPrice | None:
    """Return the event, None without a mark price; raise `DecodeError` for what is no number."""
    ctx = context.ctx
    if ctx.mark is None:
        return None
    index = None if ctx.oracle is None else _decimal(ctx.oracle)
    funding = None if ctx.funding is None else _decimal(ctx.funding)
    return MarkPrice(instrument, _decimal(ctx.mark), index, funding, 0, 0, recv_ns)


def _decimal(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise DecodeError(f"{text[:40]!r} is no number") from None
    if not value.is_finite():
        raise DecodeError(f"{text[:40]!r} is no number")
    return value
