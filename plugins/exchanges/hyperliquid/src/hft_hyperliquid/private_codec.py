"""Bytes of private feeds and of answers about the account into typed messages; pure.

Field names are the wire's, spelled out. Sources: the exchange's "Exchange endpoint", "Info endpoint" and
"Websocket" pages (2026).
"""

from __future__ import annotations

from typing import Any

from msgspec import Raw, Struct, field

from hft import DecodeError, decoder
from hft_hyperliquid.codec import Milliseconds

__all__ = [
    "ActionAnswer",
    "ActiveAsset",
    "Agent",
    "Clearinghouse",
    "Fill",
    "FundingEntry",
    "FundingPaid",
    "ListedOrder",
    "Named",
    "OrderStatusAnswer",
    "OrderUpdate",
    "Post",
    "RateUsage",
    "Role",
    "SpotBalances",
    "Status",
    "UserFills",
    "UserFundings",
    "decode_action_answer",
    "decode_post",
    "decode_statuses",
]


# -- orders ------------------------------------------------------------------------------------------------


class ListedOrder(Struct):
    """An order as it is listed, asked for or told of; ``size`` is what is left of ``original_size``."""

    coin: str
    side: str
    limit_price: str = field(name="limitPx")
    size: str = field(name="sz")
    order_id: int = field(name="oid")
    created_ms: Milliseconds = field(name="timestamp")
    original_size: str = field(name="origSz")
    cloid: str | None = None
    tif: str | None = None
    type: str = field(name="orderType", default="Limit")
    reduce_only: bool | None = field(name="reduceOnly", default=None)
    is_trigger: bool = field(name="isTrigger", default=False)
    trigger_price: str | None = field(name="triggerPx", default=None)


class OrderUpdate(Struct):
    """What happened to an order."""

    order: ListedOrder
    status: str
    when_ms: Milliseconds = field(name="statusTimestamp")


class OrderStatusAnswer(Struct):
    """The answer to ``orderStatus``; without ``order`` the exchange knows none."""

    status: str
    order: OrderUpdate | None = None


# -- money -------------------------------------------------------------------------------------------------


class Liquidation(Struct):
    """What stands on both sides of a liquidation's trades."""

    user: str = field(name="liquidatedUser", default="")


class Fill(Struct):
    """A trade of the account; ``fee`` is negative where it is a rebate."""

    coin: str
    price: str = field(name="px")
    size: str = field(name="sz")
    side: str
    time_ms: Milliseconds = field(name="time")
    order_id: int = field(name="oid")
    is_taker: bool = field(name="crossed")
    fee: str
    trade_id: int = field(name="tid", default=0)
    fee_token: str = field(name="feeToken", default="USDC")
    realized: str = field(name="closedPnl", default="")
    direction: str = field(name="dir", default="")
    cloid: str | None = None
    liquidation: Liquidation | None = None


class UserFills(Struct):
    """A frame of ``userFills``; the first one of a subscription repeats the past."""

    fills: list[Fill]
    is_snapshot: bool | None = field(name="isSnapshot", default=None)


class FundingEntry(Struct):
    """A funding payment; ``usdc`` is negative where it was paid."""

    coin: str
    usdc: str
    time_ms: Milliseconds = field(name="time", default=0)


class FundingPaid(Struct):
    """A row of ``userFunding``."""

    time_ms: Milliseconds = field(name="time")
    delta: FundingEntry


class UserFundings(Struct):
    """A frame of ``userFundings``."""

    fundings: list[FundingEntry]
    is_snapshot: bool | None = field(name="isSnapshot", default=None)


# -- the account -------------------------------------------------------------------------------------------


class _Position(Struct):
    coin: str
    size: str = field(name="szi")
    entry_price: str | None = field(name="entryPx", default=None)
    unrealised: str = field(name="unrealizedPnl", default="0")


class _AssetPosition(Struct):
    position: _Position


class _Margin(Struct):
    value: str = field(name="accountValue")


class Clearinghouse(Struct):
    """The account of perpetuals; its value counts what open positions would bring."""

    margin: _Margin = field(name="marginSummary")
    positions: list[_AssetPosition] = field(name="assetPositions", default_factory=list)
    time_ms: Milliseconds = field(name="time", default=0)


class _SpotBalance(Struct):
    coin: str
    total: str
    hold: str = "0"


class SpotBalances(Struct):
    """The account of spot."""

    balances: list[_SpotBalance]


class _RoleData(Struct):
    user: str = ""
    master: str = ""


class Role(Struct):
    """What an address is to the exchange."""

    role: str
    data: _RoleData = field(default_factory=_RoleData)


class Agent(Struct):
    """An API wallet that has a name."""

    address: str
    valid_until_ms: Milliseconds = field(name="validUntil")


class _Leverage(Struct):
    value: int


class ActiveAsset(Struct):
    """How an account is set for one perpetual."""

    leverage: _Leverage


class RateUsage(Struct):
    """How much of its budget of actions an account has used."""

    used: int = field(name="nRequestsUsed")
    cap: int = field(name="nRequestsCap")
    surplus: int = field(name="nRequestsSurplus", default=0)
    volume: str = field(name="cumVlm", default="0")


# -- answers to actions --------------------------------------------------------------------------------------


class Named(Struct):
    """An order within an answer, by its ids."""

    order_id: int = field(name="oid")
    cloid: str | None = None
    filled: str | None = field(name="totalSz", default=None)


class Status(Struct):
    """What became of one order of an action; all None where it waits for something else."""

    resting: Named | None = None
    filled: Named | None = None
    error: str | None = None


class _Data(Struct):
    statuses: list[Raw] = field(default_factory=list)


class _Response(Struct):
    type: str
    data: _Data = field(default_factory=_Data)


class ActionAnswer(Struct):
    """The answer to an action: ``ok`` and what became of it, or ``err`` and why not."""

    status: str
    response: Raw


class _PostResponse(Struct):
    type: str
    payload: Raw


class _PostData(Struct):
    id: int
    response: _PostResponse


class Post(Struct):
    """The answer to a request over the websocket: its ``kind`` is ``action`` or ``error``."""

    id: int
    kind: str
    payload: bytes


decode_action_answer = decoder(ActionAnswer, "answer to an action")
_decode_response = decoder(_Response, "answer to an action")
_decode_text = decoder(str, "answer to an action")
_decode_post = decoder(_PostData, "post")
_STATUS: Any = Status | str  # a union is no class
_decode_status = decoder(_STATUS, "answer to an action")


def decode_post(data: Raw) -> Post:
    """Read the data of a ``post`` frame."""
    post = _decode_post(data)
    return Post(post.id, post.response.type, bytes(post.response.payload))


def decode_statuses(answer: ActionAnswer) -> list[Status] | str:
    """Return what became of each order, or why the whole was refused.

    ``success`` and what waits for a trigger or for another order are a `Status` without anything. Empty
    where the action is about no orders.
    """
    if answer.status != "ok":
        return _decode_text(answer.response)
    found = map(_decode_status, _decode_response(answer.response).data.statuses)
    statuses = [Status() if isinstance(each, str) else each for each in found]
    # Without it an order would count as one that ended without a trade.
    if any(each.filled is not None and each.filled.filled is None for each in statuses):
        raise DecodeError("answer to an action: filled without totalSz")
    return statuses
