"""Bytes of the private channels and of answers about orders and accounts into typed messages; pure.

Field names are the wire's, spelled out; numbers are text there, empty where there is none. Sources: the
exchange's "Trade" and "Trading account" pages (2026).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from msgspec import Raw, Struct, field

from hft import DecodeError, decoder
from hft_okx.codec import Arg

__all__ = [
    "AccountConfig",
    "AccountState",
    "ApiError",
    "Balance",
    "BalanceEvent",
    "Bill",
    "ItemAnswer",
    "Leverage",
    "OrderAnswer",
    "OrderRow",
    "OwnTrade",
    "Position",
    "PrivateFrame",
    "decode_accounts",
    "decode_balance_events",
    "decode_order_answer",
    "decode_order_rows",
    "decode_positions",
    "decode_private",
    "error_of",
    "rows",
]

T = TypeVar("T")


class ApiError(Struct):
    """A refusal, by the exchange's code and words; 0 is none."""

    code: str = "0"
    msg: str = ""


class PrivateFrame(Struct, gc=False):
    """A frame of the private connection: an event, the answer to request ``id``, or ``data`` of a channel."""

    event: str = ""
    arg: Arg | None = None
    id: str | None = None
    op: str = ""
    code: str = ""
    msg: str = ""
    data: Raw = Raw()


class ItemAnswer(Struct):
    """What became of one order of a request."""

    order_id: str = field(name="ordId", default="")
    client_id: str = field(name="clOrdId", default="")
    code: str = field(name="sCode", default="0")
    msg: str = field(name="sMsg", default="")
    sub_code: str = field(name="subCode", default="")
    ts: str = ""


class OrderAnswer(Struct):
    """The answer to a request about orders, over REST or the websocket."""

    code: str
    msg: str = ""
    items: list[ItemAnswer] = field(name="data", default_factory=list)


class OrderRow(Struct):
    """An order as it is pushed, queried and listed; ``fill_*`` and ``trade_id`` are of the last fill."""

    inst_id: str = field(name="instId")
    order_id: str = field(name="ordId")
    side: str
    state: str
    size: str = field(name="sz")
    inst_type: str = field(name="instType", default="")
    client_id: str = field(name="clOrdId", default="")
    type: str = field(name="ordType", default="")
    price: str = field(name="px", default="")
    filled: str = field(name="accFillSz", default="0")
    fill_price: str = field(name="fillPx", default="")
    fill_size: str = field(name="fillSz", default="")
    fill_time: str = field(name="fillTime", default="")
    trade_id: str = field(name="tradeId", default="")
    liquidity: str = field(name="execType", default="")
    fill_fee: str | None = field(name="fillFee", default=None)
    fill_fee_asset: str = field(name="fillFeeCcy", default="")
    fill_profit: str = field(name="fillPnl", default="")
    position_side: str = field(name="posSide", default="net")
    reduce_only: str = field(name="reduceOnly", default="false")
    category: str = "normal"
    cancel_source: str = field(name="cancelSource", default="")
    cancel_reason: str = field(name="cancelSourceReason", default="")
    amend_result: str = field(name="amendResult", default="")
    code: str = "0"
    msg: str = ""
    created_ms: str = field(name="cTime", default="")
    updated_ms: str = field(name="uTime", default="")


class OwnTrade(Struct):
    """A trade of the account as it is listed."""

    inst_id: str = field(name="instId")
    trade_id: str = field(name="tradeId")
    order_id: str = field(name="ordId")
    price: str = field(name="fillPx")
    size: str = field(name="fillSz")
    side: str
    fee: str
    fee_asset: str = field(name="feeCcy")
    profit: str = field(name="fillPnl", default="")
    bill_id: str = field(name="billId", default="")
    client_id: str = field(name="clOrdId", default="")
    liquidity: str = field(name="execType", default="")
    position_side: str = field(name="posSide", default="net")
    sub_type: str = field(name="subType", default="")
    fill_time: str = field(name="fillTime", default="")
    ts: str = ""


class Bill(Struct):
    """A booking of the account."""

    bill_id: str = field(name="billId")
    inst_id: str = field(name="instId")
    asset: str = field(name="ccy")
    ts: str
    change: str = field(name="balChg", default="")
    profit: str = field(name="pnl", default="")


class Position(Struct):
    """A position; ``size`` is signed in net mode, and not in the other."""

    inst_id: str = field(name="instId")
    size: str = field(name="pos")
    side: str = field(name="posSide")
    entry_price: str = field(name="avgPx", default="")
    updated_ms: str = field(name="uTime", default="")


class Balance(Struct):
    """What the account has of one asset."""

    asset: str = field(name="ccy")
    cash: str = field(name="cashBal", default="")
    in_orders: str = field(name="ordFrozen", default="")
    updated_ms: str = field(name="uTime", default="")


class AccountState(Struct):
    """What the account has."""

    details: list[Balance] = field(default_factory=list)


class BalanceEvent(Struct):
    """Why balances and positions changed."""

    event: str = field(name="eventType", default="")
    time_ms: str = field(name="pTime", default="")


class AccountConfig(Struct):
    """How the account is set, and what the key that asks may do."""

    level: str = field(name="acctLv")
    position_mode: str = field(name="posMode")
    permissions: str | None = field(name="perm", default=None)


class Leverage(Struct):
    """The leverage of one instrument and side."""

    inst_id: str = field(name="instId")
    leverage: str = field(name="lever")


decode_private = decoder(PrivateFrame, "private frame")
decode_order_answer = decoder(OrderAnswer, "answer")
decode_order_rows = decoder(list[OrderRow], "orders")
decode_accounts = decoder(list[AccountState], "account")
decode_positions = decoder(list[Position], "positions")
decode_balance_events = decoder(list[BalanceEvent], "balance and position")
_decode_error = decoder(ApiError, "refusal")


class _Body(Struct):
    data: Raw = Raw(b"[]")


_decode_data = decoder(_Body, "answer")


def error_of(body: bytes) -> ApiError:
    """Return the refusal that an answer is, with code 0 where it is none or cannot be read."""
    try:
        return _decode_error(body)
    except DecodeError:
        return ApiError()


def rows(of: type[T], what: str) -> Callable[[bytes], list[T]]:
    """Return a function that reads the rows of an answer of REST; it raises `DecodeError` where it cannot."""
    decode = decoder(list[of], what)  # type: ignore[valid-type]  # a type that is made as the program runs

    def read(body: bytes) -> list[T]:
        return decode(_decode_data(body).data)

    return read
