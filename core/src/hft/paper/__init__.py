"""Simulated fills: the model that says when an order fills, and the client that trades by it."""

from __future__ import annotations

from hft.paper.config import FeeTier, PaperConfig, QueueModelName
from hft.paper.execution import PaperExecution
from hft.paper.fees import FeeSchedule
from hft.paper.fill_model import Arrival, FillModel, Match, Outcome
from hft.paper.funding import FundingRates, new_funding_rates
from hft.paper.latency import LatencyModel, new_latency_model
from hft.paper.queue import L3Queue, LogQueue, PowerQueue, QueueModel, RiskAverseQueue, new_queue_model
from hft.paper.statistics import OrderStatistics

__all__ = [
    "Arrival",
    "FeeSchedule",
    "FeeTier",
    "FillModel",
    "FundingRates",
    "L3Queue",
    "LatencyModel",
    "LogQueue",
    "Match",
    "OrderStatistics",
    "Outcome",
    "PaperConfig",
    "PaperExecution",
    "PowerQueue",
    "QueueModel",
    "QueueModelName",
    "RiskAverseQueue",
    "new_funding_rates",
    "new_latency_model",
    "new_queue_model",
]
