"""What the simulators of all exchanges share: the world that trades, and the server around it."""

from __future__ import annotations

from hft.sim.campaign import FaultPlaces, random_faults
from hft.sim.fault import Fault, FaultKind
from hft.sim.faults import Faults
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
from hft.sim.skew import SkewedClock
from hft.sim.world import World

__all__ = [
    "Execution",
    "Fault",
    "FaultKind",
    "FaultPlaces",
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
    "SkewedClock",
    "Step",
    "Subscriber",
    "SyntheticMarket",
    "World",
    "WorldMarket",
    "random_faults",
    "serve",
]
