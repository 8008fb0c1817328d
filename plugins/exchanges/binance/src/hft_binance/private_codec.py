"""Bytes of the private streams and of answers about orders into typed messages; pure.

Field names are the wire's, spelled out. Sources: the exchange's "User data stream" and "Trading requests"
pages of both products (2026).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Raw, Struct, field

from hft import DecodeError, decoder

__all__ = [
    "AccountPosition",
    "AccountUpdate",
    "AlgoOrder",
    "AlgoUpdate",
    "AmendAnswer",
    "Answer",
    "AnswerFill",
    "ApiError",
    "BatchEntry",
    "ConfigUpdate",
    "ExecutionReport",
    "FuturesConfig",
    "FuturesOrder",
    "FuturesWallet",
    "Income",
    "KeyExpired",
    "LimitCount",
    "MarginCall",
    "OrderAnswer",
    "OrderTradeUpdate",
    "OwnTrade",
    "PositionRisk",
    "Restrictions",
    "Shutdown",
    "SpotAccount",
    "SpotFrame",
    "SymbolConfig",
    "Terminated",
    "UserEvent",
    "decode_algo_order",
    "decode_amend_answer",
    "decode_answer",
    "decode_batch",
    "decode_error",
    "decode_event",
    "decode_limits",
    "decode_listen_key",
    "decode_order_answer",
    "decode_spot_frame",
    "decode_time",
    "event_name",
]


# -- answers -----------------------------------------------------------------------------------------------


class RetryAfter(Struct):
    """Until when the exchange wants to be left alone, by its own clock."""

    server_ms: int = field(name="serverTime", default=0)
    retry_ms: int = field(name="retryAfter", default=0)


class ApiError(Struct):
    """A refusal, by the exchange's code and words."""

    code: int = 0
    msg: str = ""
    data: RetryAfter | None = None


class LimitCount(Struct, gc=False):
    """How much of a limit is used, as answers of the websocket API tell."""

    kind: str = field(name="rateLimitType", default="")
    interval: str = ""
    interval_num: int = field(name="intervalNum", default=0)
    limit: int = 0
    count: int = 0


class Answer(Struct):
    """A frame of the websocket API: the answer to request ``id``, or an event."""

    id: str | int | None = None
    status: int = 0
    result: Raw = Raw()
    error: ApiError = field(default_factory=ApiError)
    limits: list[LimitCount] = field(name="rateLimits", default_factory=list)
    event: Raw = Raw()


class AnswerFill(Struct):
    """A trade within spot's answer to a new order."""

    price: str
    size: str = field(name="qty")
    fee: str = field(name="commission")
    fee_asset: str = field(name="commissionAsset")
    trade_id: int = field(name="tradeId")


class OrderAnswer(Struct):
    """What either product says of an order: when it is placed, cancelled, changed, asked for, listed."""

    order_id: int = field(name="orderId")
    symbol: str = ""
    client_id: str = field(name="clientOrderId", default="")
    original_client_id: str = field(name="origClientOrderId", default="")
    status: str = ""
    side: str = ""
    type: str = ""
    original_type: str = field(name="origType", default="")
    time_in_force: str = field(name="timeInForce", default="GTC")
    price: str = "0"
    size: str = field(name="origQty", default="")
    filled: str = field(name="executedQty", default="")
    stop_price: str = field(name="stopPrice", default="0")
    reduce_only: bool = field(name="reduceOnly", default=False)
    position_side: str = field(name="positionSide", default="BOTH")
    transact_ms: int = field(name="transactTime", default=0)
    update_ms: int = field(name="updateTime", default=0)
    created_ms: int = field(name="time", default=0)
    fills: list[AnswerFill] = field(default_factory=list)

    @property
    def id_of_order(self) -> str:
        """The client id of the order; an answer to a cancel on spot has the request's own beside it."""
        return self.original_client_id or self.client_id

    @property
    def when_ms(self) -> int:
        """When what is told happened."""
        return self.transact_ms or self.update_ms


class AmendedOrder(Struct):
    """Spot's order after an amendment."""

    order_id: int = field(name="orderId")
    price: str
    size: str = field(name="qty")
    filled: str = field(name="executedQty")
    status: str


class AmendAnswer(Struct):
    """Spot's answer to an amendment."""

    transact_ms: int = field(name="transactTime")
    order: AmendedOrder = field(name="amendedOrder")


class AlgoOrder(Struct):
    """A conditional order of futures, as its requests are answered and as it is listed."""

    algo_id: int = field(name="algoId")
    client_id: str = field(name="clientAlgoId", default="")
    symbol: str = ""
    status: str = field(name="algoStatus", default="")
    type: str = field(name="orderType", default="")
    side: str = ""
    position_side: str = field(name="positionSide", default="BOTH")
    time_in_force: str = field(name="timeInForce", default="GTC")
    size: str = field(name="quantity", default="")
    price: str | None = "0"
    trigger_price: str | None = field(name="triggerPrice", default="0")
    reduce_only: bool = field(name="reduceOnly", default=False)
    order_id: str | int | None = field(name="actualOrderId", default=None)
    created_ms: int = field(name="createTime", default=0)
    update_ms: int = field(name="updateTime", default=0)


class OwnTrade(Struct):
    """A trade of the account as either product lists it."""

    id: int
    order_id: int = field(name="orderId")
    price: str
    size: str = field(name="qty")
    fee: str = field(name="commission")
    fee_asset: str = field(name="commissionAsset")
    time_ms: int = field(name="time")
    spot_buyer: bool | None = field(name="isBuyer", default=None)
    spot_maker: bool = field(name="isMaker", default=False)
    buyer: bool = False
    maker: bool = False
    position_side: str = field(name="positionSide", default="BOTH")
    realized: str | None = field(name="realizedPnl", default=None)

    @property
    def is_buy(self) -> bool:
        """Whether the account bought."""
        return self.buyer if self.spot_buyer is None else self.spot_buyer

    @property
    def is_maker(self) -> bool:
        """Whether the account's order rested in the book."""
        return self.maker or self.spot_maker


class SpotHolding(Struct):
    """One asset as spot lists it."""

    asset: str
    free: str
    locked: str


class SpotAccount(Struct):
    """The spot account."""

    can_trade: bool = field(name="canTrade", default=True)
    update_ms: int = field(name="updateTime", default=0)
    balances: list[SpotHolding] = field(default_factory=list)


class FuturesWallet(Struct):
    """One asset as futures list it."""

    asset: str
    total: str = field(name="balance")
    update_ms: int = field(name="updateTime", default=0)


class PositionRisk(Struct):
    """One position as futures list it."""

    symbol: str
    amount: str = field(name="positionAmt")
    entry_price: str = field(name="entryPrice")
    side: str = field(name="positionSide", default="BOTH")
    update_ms: int = field(name="updateTime", default=0)


class Income(Struct):
    """One booking of a futures account."""

    id: int | str = field(name="tranId")
    amount: str = field(name="income")
    asset: str
    time_ms: int = field(name="time")


class FuturesConfig(Struct):
    """How a futures account is set."""

    can_trade: bool = field(name="canTrade", default=True)
    hedge: bool = field(name="dualSidePosition", default=False)
    multi_assets: bool | None = field(name="multiAssetsMargin", default=None)


class SymbolConfig(Struct):
    """How a futures account is set for one symbol."""

    symbol: str
    leverage: int


class Restrictions(Struct):
    """What a key may do."""

    withdrawals: bool = field(name="enableWithdrawals", default=False)
    spot: bool = field(name="enableSpotAndMarginTrading", default=True)
    futures: bool = field(name="enableFutures", default=True)


# -- events ------------------------------------------------------------------------------------------------


class ExecutionReport(Struct, tag_field="e", tag="executionReport", gc=False):
    """What happened to an order on spot."""

    symbol: str = field(name="s")
    client_id: str = field(name="c")
    original_client_id: str = field(name="C")
    side: str = field(name="S")
    execution: str = field(name="x")
    status: str = field(name="X")
    reject_reason: str = field(name="r")
    order_id: int = field(name="i")
    size: str = field(name="q")
    price: str = field(name="p")
    last_size: str = field(name="l")
    filled: str = field(name="z")
    last_price: str = field(name="L")
    trade_id: int = field(name="t")
    transact_ms: int = field(name="T")
    is_maker: bool = field(name="m")
    fee: str | None = field(name="n", default=None)
    fee_asset: str | None = field(name="N", default=None)
    expiry_reason: str = field(name="eR", default="")


class SpotBalance(Struct, gc=False):
    """One asset of a spot account."""

    asset: str = field(name="a")
    free: str = field(name="f")
    locked: str = field(name="l")


class AccountPosition(Struct, tag_field="e", tag="outboundAccountPosition", gc=False):
    """Balances of spot that may have changed."""

    update_ms: int = field(name="u")
    balances: list[SpotBalance] = field(name="B")


class Terminated(Struct, tag_field="e", tag="eventStreamTerminated", gc=False):
    """The subscription to spot's user data is over."""


class Shutdown(Struct, tag_field="e", tag="serverShutdown", gc=False):
    """The server is about to close the connection."""


class BalanceUpdate(Struct, tag_field="e", tag="balanceUpdate", gc=False):
    """A deposit, withdrawal or transfer; the balances come with `AccountPosition`."""


class ListStatus(Struct, tag_field="e", tag="listStatus", gc=False):
    """Something happened to an order list; we place none."""


class ExternalLock(Struct, tag_field="e", tag="externalLockUpdate", gc=False):
    """Something outside of trading locked a balance; `AccountPosition` has it as well."""


class FuturesOrder(Struct, gc=False):
    """The order within an `OrderTradeUpdate`."""

    symbol: str = field(name="s")
    client_id: str = field(name="c")
    side: str = field(name="S")
    execution: str = field(name="x")
    status: str = field(name="X")
    order_id: int = field(name="i")
    size: str = field(name="q")
    price: str = field(name="p")
    last_size: str = field(name="l")
    filled: str = field(name="z")
    last_price: str = field(name="L")
    trade_id: int = field(name="t")
    is_maker: bool = field(name="m")
    position_side: str = field(name="ps")
    realized: str | None = field(name="rp", default=None)
    fee: str | None = field(name="n", default=None)
    fee_asset: str | None = field(name="N", default=None)
    expiry_reason: str | None = field(name="er", default=None)


class OrderTradeUpdate(Struct, tag_field="e", tag="ORDER_TRADE_UPDATE", gc=False):
    """What happened to an order of futures."""

    transact_ms: int = field(name="T")
    order: FuturesOrder = field(name="o")


class FuturesBalance(Struct, gc=False):
    """One asset of a futures account."""

    asset: str = field(name="a")
    wallet: str = field(name="wb")


class FuturesPosition(Struct, gc=False):
    """One position of a futures account."""

    symbol: str = field(name="s")
    amount: str = field(name="pa")
    entry_price: str = field(name="ep")
    side: str = field(name="ps")


class AccountChange(Struct, gc=False):
    """What changed in a futures account, and why."""

    reason: str = field(name="m")
    balances: list[FuturesBalance] = field(name="B", default_factory=list)
    positions: list[FuturesPosition] = field(name="P", default_factory=list)


class AccountUpdate(Struct, tag_field="e", tag="ACCOUNT_UPDATE", gc=False):
    """Balances and positions of futures that changed."""

    transact_ms: int = field(name="T")
    change: AccountChange = field(name="a")


class AlgoState(Struct, gc=False):
    """The conditional order within an `AlgoUpdate`; ``order_id`` is that of the order it became."""

    client_id: str = field(name="caid")
    algo_id: int = field(name="aid")
    symbol: str = field(name="s")
    status: str = field(name="X")
    size: str = field(name="q")
    order_id: str | int = field(name="ai", default="")
    filled: str = field(name="aq", default="")
    reject_reason: str = field(name="rm", default="")


class AlgoUpdate(Struct, tag_field="e", tag="ALGO_UPDATE", gc=False):
    """What happened to a conditional order of futures."""

    transact_ms: int = field(name="T")
    order: AlgoState = field(name="o")


class KeyExpired(Struct, tag_field="e", tag="listenKeyExpired", gc=False):
    """Nothing more comes by this listen key."""


class ConfigUpdate(Struct, tag_field="e", tag="ACCOUNT_CONFIG_UPDATE", gc=False):
    """Somebody changed leverage or asset mode."""

    leverage: dict[str, Any] = field(name="ac", default_factory=dict)
    account: dict[str, Any] = field(name="ai", default_factory=dict)


class MarginCall(Struct, tag_field="e", tag="MARGIN_CALL", gc=False):
    """A position is near its liquidation."""

    positions: list[dict[str, Any]] = field(name="p", default_factory=list)


class FuturesTrade(Struct, tag_field="e", tag="TRADE_LITE", gc=False):
    """A fill without its fee; `OrderTradeUpdate` tells the same one with it."""


UserEvent = (
    ExecutionReport
    | AccountPosition
    | Terminated
    | BalanceUpdate
    | ListStatus
    | ExternalLock
    | OrderTradeUpdate
    | AccountUpdate
    | AlgoUpdate
    | FuturesTrade
    | KeyExpired
    | ConfigUpdate
    | MarginCall
    | Shutdown
)
"""What the private streams of both products tell."""


class SpotFrame(Struct, gc=False):
    """A frame of spot's user data by the websocket API: an event, or the answer to request ``id``."""

    event: UserEvent | None = None
    id: str | int | None = None
    status: int = 0
    error: ApiError | None = None


class _Named(Struct, gc=False):
    e: str = ""
    event: Raw = Raw()


# -- decoding ----------------------------------------------------------------------------------------------


class BatchEntry(OrderAnswer):
    """One order of an answer to a batch: what became of it, or why it was refused."""

    order_id: int = field(name="orderId", default=0)
    code: int = 0
    msg: str = ""


class ServerTime(Struct):
    """The exchange's time."""

    server_ms: int = field(name="serverTime")


class ListenKey(Struct):
    """The key of a private stream."""

    key: str = field(name="listenKey")


class Announced(Struct):
    """The limits within ``exchangeInfo``."""

    limits: list[LimitCount] = field(name="rateLimits", default_factory=list)


decode_limits = decoder(Announced, "exchangeInfo")
decode_listen_key = decoder(ListenKey, "listen key")
decode_time = decoder(ServerTime, "server time")
decode_answer = decoder(Answer, "answer")
decode_order_answer = decoder(OrderAnswer, "answer about an order")
decode_amend_answer = decoder(AmendAnswer, "answer to an amendment")
decode_algo_order = decoder(AlgoOrder, "answer about a conditional order")
decode_batch = decoder(list[BatchEntry], "answer to a batch")
decode_spot_frame = decoder(SpotFrame, "user data")
# A union is no `type` to the type checker, whatever msgspec makes of it.
decode_event: Callable[[bytes | Raw], UserEvent] = decoder(UserEvent, "user data")  # type: ignore[arg-type]
_decode_name = decoder(_Named, "user data")
_decode_error = decoder(ApiError, "refusal")


def decode_error(body: bytes) -> ApiError:
    """Read a refusal; one that is not the exchange's own has code 0 and no words."""
    try:
        return _decode_error(body)
    except DecodeError:
        return ApiError()


def event_name(data: bytes) -> str:
    """Return the name of a frame's event, empty where it is none; raise `DecodeError` if it is no object."""
    named = _decode_name(data)
    if not named.e and bytes(named.event).startswith(b"{"):
        named = _decode_name(named.event)
    return named.e
