"""Simulated fills: the model that says when an order fills, and the client that trades by it."""

from __future__ import annotations

from hft.paper.config import PaperConfig, QueueModelName
from hft.paper.execution import PaperExecution
from hft.paper.fill_model import Arrival, FillModel, Match, Outcome
from hft.paper.queue import QueueModel, RiskAverseQueue, new_queue_model

__all__ = [
    "Arrival",
    "FillModel",
    "Match",
    "Outcome",
    "PaperConfig",
    "PaperExecution",
    "QueueModel",
    "QueueModelName",
    "RiskAverseQueue",
    "new_queue_model",
]
