"""Plugin-based framework for high-frequency crypto trading.

Everything a plugin needs is imported from here: ``from hft import Strategy, hookimpl, option``.
"""

from __future__ import annotations

import hft._compiled  # isort: skip  # noqa: F401  # before all that it is to find

from hft.book import Chain, DepthLayout, DepthMessage, DepthPart, JsonSlice, Level, OrderBook
from hft.clock import Clock, SimulatedClock, SystemClock, Timer
from hft.depth_path import DepthPath, DepthPaths, new_paths
from hft.errors import (
    CaptureError,
    DataError,
    DecodeError,
    GridError,
    HftError,
    OrderError,
    PluginError,
    ProfileError,
    RequestRefused,
    TradingHalted,
    TransportError,
    UsageError,
)
from hft.events import (
    BalanceReport,
    Fill,
    Funding,
    MarkPrice,
    OrderReport,
    PositionReport,
    Quote,
    ReportKind,
    Trade,
)
from hft.instrument import Instrument, InstrumentId
from hft.market import Channel, Market, MarketCounters
from hft.money import Amount, Money, amount_to_decimal, to_amount
from hft.net.backoff import Backoff
from hft.net.clock_offset import ClockOffset
from hft.net.hmac_key import HmacKey
from hft.net.spec import (
    ConnectionSpec,
    Costs,
    HttpRequest,
    Priority,
    RateLimit,
    Request,
    RestAnswer,
    RestCall,
)
from hft.order import Order, OrderRequest
from hft.plugin.config import option
from hft.plugin.decoding import booked_price, decoder, reading
from hft.plugin.exchange_time import ExchangeTime
from hft.plugin.execution import ApprovedOrder, Capabilities, ExecutionClient, ExecutionEvents, OrderStatus
from hft.plugin.feed import RecordedFeed
from hft.plugin.funding_search import FundingSearch
from hft.plugin.hookspecs import API_VERSION, hookimpl
from hft.plugin.link import Link
from hft.plugin.login import Login
from hft.plugin.market_data import Feed, MarketDataStream
from hft.plugin.order_message import OrderDesk, OrderMessage, Ruling
from hft.plugin.pending import PendingRequests
from hft.plugin.questions import KnownOrder, NoSuchOrder, OrderQuestions, all_done, asking, persistently
from hft.plugin.request_socket import RequestSocket, SocketRequest
from hft.plugin.risk import (
    APPROVED,
    Approved,
    Halt,
    KernelRefusal,
    Refusal,
    Refused,
    Review,
    RiskRule,
    RiskView,
    Verdict,
)
from hft.plugin.routing import ParentOrder, ParentState, RoutingStyle
from hft.plugin.simulator import Account, Endpoints, Simulator, SimulatorConfig
from hft.plugin.strategy import Strategy, Trading
from hft.plugin.trading_options import OrderEntry, PositionMode
from hft.recent import Recent
from hft.secret import Secret
from hft.seen import Seen
from hft.synchroniser import Continuity, Step, Synchroniser
from hft.trade_ids import TradeIds
from hft.types import (
    BookState,
    Duration,
    InstrumentKind,
    Liquidity,
    OrderState,
    OrderType,
    PositionSide,
    Price,
    Side,
    Size,
    TimeInForce,
)

__all__ = [
    "API_VERSION",
    "APPROVED",
    "Account",
    "Amount",
    "Approved",
    "ApprovedOrder",
    "Backoff",
    "BalanceReport",
    "BookState",
    "Capabilities",
    "CaptureError",
    "Chain",
    "Channel",
    "Clock",
    "ClockOffset",
    "ConnectionSpec",
    "Continuity",
    "Costs",
    "DataError",
    "DecodeError",
    "DepthLayout",
    "DepthMessage",
    "DepthPart",
    "DepthPath",
    "DepthPaths",
    "Duration",
    "Endpoints",
    "ExchangeTime",
    "ExecutionClient",
    "ExecutionEvents",
    "Feed",
    "Fill",
    "Funding",
    "FundingSearch",
    "GridError",
    "Halt",
    "HftError",
    "HmacKey",
    "HttpRequest",
    "Instrument",
    "InstrumentId",
    "InstrumentKind",
    "JsonSlice",
    "KernelRefusal",
    "KnownOrder",
    "Level",
    "Link",
    "Liquidity",
    "Login",
    "MarkPrice",
    "Market",
    "MarketCounters",
    "MarketDataStream",
    "Money",
    "NoSuchOrder",
    "Order",
    "OrderBook",
    "OrderDesk",
    "OrderEntry",
    "OrderError",
    "OrderMessage",
    "OrderQuestions",
    "OrderReport",
    "OrderRequest",
    "OrderState",
    "OrderStatus",
    "OrderType",
    "ParentOrder",
    "ParentState",
    "PendingRequests",
    "PluginError",
    "PositionMode",
    "PositionReport",
    "PositionSide",
    "Price",
    "Priority",
    "ProfileError",
    "Quote",
    "RateLimit",
    "Recent",
    "RecordedFeed",
    "Refusal",
    "Refused",
    "ReportKind",
    "Request",
    "RequestRefused",
    "RequestSocket",
    "RestAnswer",
    "RestCall",
    "Review",
    "RiskRule",
    "RiskView",
    "RoutingStyle",
    "Ruling",
    "Secret",
    "Seen",
    "Side",
    "SimulatedClock",
    "Simulator",
    "SimulatorConfig",
    "Size",
    "SocketRequest",
    "Step",
    "Strategy",
    "Synchroniser",
    "SystemClock",
    "TimeInForce",
    "Timer",
    "Trade",
    "TradeIds",
    "Trading",
    "TradingHalted",
    "TransportError",
    "UsageError",
    "Verdict",
    "all_done",
    "amount_to_decimal",
    "asking",
    "booked_price",
    "decoder",
    "hookimpl",
    "new_paths",
    "option",
    "persistently",
    "reading",
    "to_amount",
]
