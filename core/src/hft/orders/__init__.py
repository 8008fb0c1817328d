"""Orders: their states, who owns them, and how strategies place them."""

from __future__ import annotations

from hft.orders.counters import OrderCounters
from hft.orders.flattener import Flattener
from hft.orders.guard import Guard
from hft.orders.ids import ClientOrderIds
from hft.orders.interfaces import Ledger, OrderJournal, Owner
from hft.orders.manager import OrderManager
from hft.orders.quoter import Quoter
from hft.orders.self_trade import SelfTradeGuard, SelfTradePolicy
from hft.orders.trading import StrategyTrading
from hft.orders.wiring import WiredStrategy, wire_strategy

__all__ = [
    "ClientOrderIds",
    "Flattener",
    "Guard",
    "Ledger",
    "OrderCounters",
    "OrderJournal",
    "OrderManager",
    "Owner",
    "Quoter",
    "SelfTradeGuard",
    "SelfTradePolicy",
    "StrategyTrading",
    "WiredStrategy",
    "wire_strategy",
]
