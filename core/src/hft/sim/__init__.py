"""What the simulators of all exchanges share: the world that trades, and the server around it."""

from __future__ import annotations

from hft.sim.faults import Fault, FaultKind, Faults
from hft.sim.hub import Hub, Subscriber
from hft.sim.market import (
    Mark,
    PublicTrade,
    RecordedMarket,
    SessionStatistics,
    Step,
    SyntheticMarket,
    WorldMarket,
)
from hft.sim.matching import Execution, MatchingEngine, RestingOrder
from hft.sim.outbox import Outbox, OutboxCounters
from hft.sim.playback import Playback
from hft.sim.server import serve
from hft.sim.world import World

__all__ = [
    "Execution",
    "Fault",
    "FaultKind",
    "Faults",
    "Hub",
    "Mark",
    "MatchingEngine",
    "Outbox",
    "OutboxCounters",
    "Playback",
    "PublicTrade",
    "RecordedMarket",
    "RestingOrder",
    "SessionStatistics",
    "Step",
    "Subscriber",
    "SyntheticMarket",
    "World",
    "WorldMarket",
    "serve",
]
