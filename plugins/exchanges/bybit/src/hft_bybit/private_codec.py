"""Bytes of the private streams and of answers about the account into typed messages; pure.

Field names are the wire's, spelled out. Sources: the pages of the v5 API about trading, the account and
private websockets (2026). Numbers are text; what is empty is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct, field

from hft import DecodeError, decoder

__all__ = [
    "AccountInfo",
    "Acknowledged",
    "ApiKeyInfo",
    "BatchAnswer",
    "BatchVerdict",
    "Coin",
    "Envelope",
    "Execution",
    "ExecutionPage",
    "ExtraFee",
    "OrderPage",
    "OrderState",
    "PositionPage",
    "PositionState",
    "PrivateFrame",
    "ServerTime",
    "TradeFrame",
    "WalletState",
    "Wallets",
    "decode_acknowledged",
    "decode_batch",
    "decode_envelope",
    "decode_executions",
    "decode_extra_fees",
    "decode_orders",
    "decode_positions",
    "decode_private_frame",
    "decode_time",
    "decode_trade_frame",
    "decode_verdicts",
    "decode_wallets",
    "refusal_of",
]


# -- answers -----------------------------------------------------------------------------------------------


class Envelope(Struct):
    """The answer to any REST request."""

    code: int = field(name="retCode")
    message: str = field(name="retMsg", default="")
    result: Raw = Raw(b"{}")
    verdicts: Raw = field(name="retExtInfo", default=Raw(b"{}"))
    time_ms: int = field(name="time", default=0)


class TradeFrame(Struct):
    """A frame of the websocket by which orders are entered: an answer, to a login, a ping or an order."""

    op: str = ""
    request_id: str = field(name="reqId", default="")
    code: int = field(name="retCode", default=0)
    message: str = field(name="retMsg", default="")
    data: Raw = Raw(b"{}")
    verdicts: Raw = field(name="retExtInfo", default=Raw(b"{}"))
    header: dict[str, Any] = field(default_factory=dict)

    @property
    def headers(self) -> Mapping[str, str]:
        """The same headers that REST has."""
        return {name: value for name, value in self.header.items() if isinstance(value, str)}


class Acknowledged(Struct):
    """What a request about an order is answered with: the exchange has taken it, and no more."""

    order_id: str = field(name="orderId", default="")
    client_id: str = field(name="orderLinkId", default="")


class BatchVerdict(Struct):
    """What is said of one order of a batch."""

    code: int = 0
    message: str = field(name="msg", default="")


class BatchAnswer(Struct):
    """Orders of a batch, as they stood in it."""

    orders: list[Acknowledged] = field(name="list", default_factory=list)


class _Verdicts(Struct):
    verdicts: list[BatchVerdict] = field(name="list", default_factory=list)


class ServerTime(Struct):
    """The exchange's time."""

    nanoseconds: str = field(name="timeNano")


class ApiKeyInfo(Struct):
    """What a key may do."""

    read_only: int = field(name="readOnly", default=0)
    permissions: dict[str, list[str]] = field(default_factory=dict)


class AccountInfo(Struct):
    """How an account is set."""

    unified: int = field(name="unifiedMarginStatus", default=0)
    margin_mode: str = field(name="marginMode", default="")


# -- what streams and lists say alike ------------------------------------------------------------------------


class OrderState(Struct, gc=False):
    """An order, as it is listed and as the stream tells of it."""

    symbol: str
    order_id: str = field(name="orderId")
    status: str = field(name="orderStatus")
    side: str
    size: str = field(name="qty")
    category: str = ""
    client_id: str = field(name="orderLinkId", default="")
    type: str = field(name="orderType", default="Limit")
    price: str = ""
    time_in_force: str = field(name="timeInForce", default="GTC")
    filled: str = field(name="cumExecQty", default="")
    cancel_type: str = field(name="cancelType", default="")
    reject_reason: str = field(name="rejectReason", default="")
    trigger_price: str = field(name="triggerPrice", default="")
    reduce_only: bool = field(name="reduceOnly", default=False)
    position_idx: int = field(name="positionIdx", default=0)
    created_ms: str = field(name="createdTime", default="")
    updated_ms: str = field(name="updatedTime", default="")


class Execution(Struct, gc=False):
    """A trade of the account, or a payment of funding."""

    symbol: str
    id: str = field(name="execId")
    order_id: str = field(name="orderId")
    side: str
    price: str = field(name="execPrice")
    size: str = field(name="execQty")
    time_ms: str = field(name="execTime")
    kind: str = field(name="execType", default="Trade")
    category: str = ""
    client_id: str = field(name="orderLinkId", default="")
    is_maker: bool = field(name="isMaker", default=False)
    fee: str = field(name="execFee", default="")
    fee_asset: str = field(name="feeCurrency", default="")
    extra_fees: Raw = field(name="extraFees", default=Raw(b'""'))
    closed: str = field(name="closedSize", default="")
    realized: str = field(name="execPnl", default="")
    seq: int = 0


class ExtraFee(Struct, gc=False):
    """A fee beside the exchange's own, such as a tax."""

    asset: str = field(name="feeCoin")
    fee: str


class PositionState(Struct, gc=False):
    """A position, as it is listed and as the stream tells of it."""

    symbol: str
    side: str = ""
    size: str = "0"
    category: str = ""
    position_idx: int = field(name="positionIdx", default=0)
    entry_price: str = field(name="entryPrice", default="")
    average_price: str = field(name="avgPrice", default="")
    leverage: str = ""
    updated_ms: str = field(name="updatedTime", default="")


class Coin(Struct, gc=False):
    """What a wallet has of one asset."""

    asset: str = field(name="coin")
    total: str = field(name="walletBalance", default="")
    locked: str = ""


class WalletState(Struct, gc=False):
    """A wallet of the account."""

    kind: str = field(name="accountType", default="")
    coins: list[Coin] = field(name="coin", default_factory=list)


class OrderPage(Struct):
    """A page of orders; ``cursor`` asks for the next, empty on the last."""

    orders: list[OrderState] = field(name="list", default_factory=list)
    cursor: str = field(name="nextPageCursor", default="")


class ExecutionPage(Struct):
    """A page of executions."""

    executions: list[Execution] = field(name="list", default_factory=list)
    cursor: str = field(name="nextPageCursor", default="")


class PositionPage(Struct):
    """A page of positions."""

    positions: list[PositionState] = field(name="list", default_factory=list)
    cursor: str = field(name="nextPageCursor", default="")


class Wallets(Struct):
    """The wallets of an account: one, where it is unified."""

    wallets: list[WalletState] = field(name="list", default_factory=list)


# -- the private websocket -----------------------------------------------------------------------------------


class PrivateFrame(Struct, gc=False):
    """Any frame of the private websocket: of a topic, or the answer to a frame of ours."""

    topic: str = ""
    created_ms: int = field(name="creationTime", default=0)
    data: Raw = Raw()
    op: str = ""
    success: bool | None = None
    message: str = field(name="ret_msg", default="")
    request_id: str = field(name="req_id", default="")


# -- decoding ------------------------------------------------------------------------------------------------

decode_envelope = decoder(Envelope, "answer")
decode_trade_frame = decoder(TradeFrame, "answer about an order")
decode_private_frame = decoder(PrivateFrame, "private frame")
decode_acknowledged = decoder(Acknowledged, "answer about an order")
decode_batch = decoder(BatchAnswer, "answer to a batch")
decode_time = decoder(ServerTime, "server time")
decode_orders = decoder(OrderPage, "orders")
decode_executions = decoder(ExecutionPage, "executions")
decode_positions = decoder(PositionPage, "positions")
decode_wallets = decoder(Wallets, "balances")
_decode_verdicts = decoder(_Verdicts, "answer to a batch")
_decode_fees = decoder(list[ExtraFee], "extra fees")


def decode_verdicts(data: Raw) -> list[BatchVerdict]:
    """Return what is said of each order of a batch."""
    return _decode_verdicts(data).verdicts


def decode_extra_fees(data: Raw) -> list[ExtraFee]:
    """Return the fees beside the exchange's own; lists state them as text, streams as they are."""
    text = bytes(data)
    if text.startswith(b'"'):
        try:
            text = msgspec.json.decode(text, type=str).encode()
        except msgspec.MsgspecError as error:
            raise DecodeError(f"extra fees: {error}") from None
    return _decode_fees(text) if text.startswith(b"[") else []


def refusal_of(body: bytes) -> tuple[int, str]:
    """Read code and words of a refusal; what is not the exchange's own has code 0 and no words.

    What was signed is repeated where the signature is wrong, with the key in it: that is left out.
    """
    try:
        answer = decode_envelope(body)
    except DecodeError:
        return 0, ""
    return answer.code, answer.message.partition("origin_string")[0].rstrip()
