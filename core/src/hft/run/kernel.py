"""Build a run's components from its profile and join them; from then on they call each other directly."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from decimal import Decimal

from hft.clock import Clock
from hft.errors import UsageError
from hft.instrument import Instrument, InstrumentId
from hft.latency import TickToOrder
from hft.ledger import Ledger
from hft.market import Channel, Market
from hft.orders import OrderManager, StrategyTrading, wire_strategy
from hft.paper import PaperExecution
from hft.profile import Profile, StrategyEntry
from hft.risk import LiveRiskView, RiskEngine
from hft.run.log_ring import LogRing
from hft.run.summary import CurrencyTotals, LatencySummary, PositionSummary, Summary
from hft.run.wanted import wanted_instruments
from hft.run.watchdog import Watchdog

__all__ = ["Kernel"]

_DRAIN_LOG_NS = 50_000_000


class Kernel:
    """Everything of a run that does not depend on where the market data comes from.

    ``wanted`` says which instruments the profile needs; `wire` takes them and joins the components;
    between `start` and `stop` the markets' events drive everything.
    """
