"""Plugin-based framework for high-frequency crypto trading.

Everything a plugin needs is imported from here: ``from hft import Strategy, hookimpl, option``.
"""

from __future__ import annotations

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
    TradingHalted,
    TransportError,
    UsageError,
)
from hft.events import Fill, MarkPrice, OrderReport, Quote, ReportKind, Trade
from hft.instrument import Instrument, InstrumentId
from hft.market import Channel, Market, MarketCounters
from hft.net.spec import ConnectionSpec, RateLimit, Request
from hft.order import Order
from hft.plugin.config import option
from hft.plugin.execution import ApprovedOrder, Capabilities, ExecutionClient, ExecutionEvents
from hft.plugin.feed import RecordedFeed
from hft.plugin.hookspecs import API_VERSION, hookimpl
from hft.plugin.market_data import Feed, MarketDataStream
from hft.plugin.risk import APPROVED, Approved, Refused, RiskRule, RiskView, Verdict
from hft.plugin.simulator import Account, Endpoints, Simulator, SimulatorConfig
from hft.plugin.strategy import Strategy, Trading
from hft.secret import Secret
from hft.synchroniser import Continuity, Step, Synchroniser
from hft.types import (
    BookState,
    Duration,
    InstrumentKind,
    Liquidity,
    OrderState,
    OrderType,
    Price,
    Side,
    Size,
    TimeInForce,
)

__all__ = [
    "API_VERSION",
    "APPROVED",
    "Account",
    "Approved",
    "ApprovedOrder",
    "BookState",
    "Capabilities",
    "CaptureError",
    "Chain",
    "Channel",
    "Clock",
    "ConnectionSpec",
    "Continuity",
    "DataError",
    "DecodeError",
    "DepthLayout",
    "DepthMessage",
    "DepthPart",
    "DepthPath",
    "DepthPaths",
    "Duration",
    "Endpoints",
    "ExecutionClient",
    "ExecutionEvents",
    "Feed",
    "Fill",
    "GridError",
    "HftError",
    "Instrument",
    "InstrumentId",
    "InstrumentKind",
    "JsonSlice",
    "Level",
    "Liquidity",
    "MarkPrice",
    "Market",
    "MarketCounters",
    "MarketDataStream",
    "Order",
    "OrderBook",
    "OrderError",
    "OrderReport",
    "OrderState",
    "OrderType",
    "PluginError",
    "Price",
    "ProfileError",
    "Quote",
    "RateLimit",
    "RecordedFeed",
    "Refused",
    "ReportKind",
    "Request",
    "RiskRule",
    "RiskView",
    "Secret",
    "Side",
    "SimulatedClock",
    "Simulator",
    "SimulatorConfig",
    "Size",
    "Step",
    "Strategy",
    "Synchroniser",
    "SystemClock",
    "TimeInForce",
    "Timer",
    "Trade",
    "Trading",
    "TradingHalted",
    "TransportError",
    "UsageError",
    "Verdict",
    "hookimpl",
    "new_paths",
    "option",
]
