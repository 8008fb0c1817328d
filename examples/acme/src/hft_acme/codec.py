"""The messages of Acme: bytes to typed structs, and requests to bytes. Pure."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from hft import DecodeError, Order

__all__ = [
    "Balance",
    "Execution",
    "Failure",
    "Frame",
    "Listing",
    "OrderState",
    "Placed",
    "PublicTrade",
    "decode",
    "login",
    "order_body",
    "subscribe",
]

T = TypeVar("T")


class Frame(msgspec.Struct):
    """A frame of either socket; levels stay as they are written, for the book to read."""

    channel: str = ""
    op: str = ""
    symbol: str = ""
    type: str = ""
    seq: int = 0
    prev: int = 0
    time: int = 0
    bids: msgspec.Raw = msgspec.Raw(b"[]")
    asks: msgspec.Raw = msgspec.Raw(b"[]")
    data: msgspec.Raw = msgspec.Raw(b"null")
    code: str = ""


class Listing(msgspec.Struct):
    """An instrument."""

    symbol: str
    base: str
    quote: str
    tick: str
    lot: str
    min_value: str


class PublicTrade(msgspec.Struct):
    """A public trade."""

    id: str
    side: str
    price: str
    size: str


class Placed(msgspec.Struct):
    """The answer to a new order, or to a cancel."""

    id: str


class OrderState(msgspec.Struct):
    """An order as the exchange lists it, or as it tells that it changed."""

    id: str
    client_id: str
    symbol: str
    side: str
    price: str | None
    size: str
    filled: str
    state: str
    post_only: bool
    time_in_force: str
    time: int


class Execution(msgspec.Struct):
    """A trade of an order of ours."""

    id: str
    order_id: str
    client_id: str
    symbol: str
    side: str
    price: str
    size: str
    fee: str
    fee_asset: str
    is_maker: bool
    time: int


class Balance(msgspec.Struct):
    """What the account has of an asset."""

    asset: str
    free: str
    locked: str


class Failure(msgspec.Struct):
    """Why a request was refused."""

    code: str
    message: str = ""


def decode(data: bytes | msgspec.Raw, type: type[T]) -> T:
    """Decode a message; raise `DecodeError` where it is not one of this type."""
    try:
        return msgspec.json.decode(data, type=type)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(f"no {type}: {error}") from None


def subscribe(channel: str, symbol: str) -> bytes:
    """Ask for a channel; of a book its snapshot comes first, also when it is asked for again."""
    return msgspec.json.encode({"op": "subscribe", "channel": channel, "symbol": symbol})


def login(key: str, now_ms: int, signature: str) -> bytes:
    """Log in to the private socket."""
    return msgspec.json.encode({"op": "login", "key": key, "time": now_ms, "sign": signature})


def order_body(order: Order) -> bytes:
    """Write a new order, exactly on the instrument's grid."""
    instrument = order.instrument
    return msgspec.json.encode(
        {
            "client_id": order.client_order_id,
            "symbol": instrument.native_symbol,
            "side": order.side.value,
            "price": None if order.price is None else instrument.format_price(order.price),
            "size": instrument.format_size(order.size),
            "post_only": order.post_only,
            "time_in_force": order.time_in_force.value,
        }
    )
