"""What the simulators of all exchanges share: the world that trades, and the server around it."""

from __future__ import annotations

from hft.sim.account import DeskAccount
from hft.sim.archive import Archive, fill_record, order_record
from hft.sim.campaign import FaultPlaces, random_fault, random_faults
from hft.sim.desk import Desk, DeskListener
from hft.sim.event_order import EventOrder, EventQueue
from hft.sim.fault import Fault, FaultKind
from hft.sim.faults import Faults
from hft.sim.fees import FeeRates, rounded
from hft.sim.filters import Filters, lots_of, ticks_of
from hft.sim.hub import Hub, Subscriber
from hft.sim.linear import LinearDesk, MoneyListener
from hft.sim.liquidation import Liquidations
from hft.sim.margin import Income, IncomeKind, MarginAccount
from hft.sim.market import (
    Mark,
    PublicTrade,
    RecordedMarket,
    SessionStatistics,
    Step,
    SyntheticMarket,
    WorldMarket,
)
from hft.sim.matching import Execution, MatchingEngine, Prevention, RestingOrder, SelfTrade
from hft.sim.orders import ClientOrder, EndReason, Fill, Leg, OrderEvent, Trigger, TriggerPrice
from hft.sim.outbox import Outbox, OutboxCounters
from hft.sim.playback import Playback
from hft.sim.positions import Position
from hft.sim.refusals import Reason, Refused
from hft.sim.server import serve
from hft.sim.skew import SkewedClock
from hft.sim.sockets import ClientConnection, SocketCounters, SocketServer
from hft.sim.spot import SpotAccount, SpotDesk, TransferListener
from hft.sim.triggers import Triggers
from hft.sim.truth import Truth
from hft.sim.wallet import Wallet
from hft.sim.world import World

__all__ = [
    "Archive",
    "ClientConnection",
    "ClientOrder",
    "Desk",
    "DeskAccount",
    "DeskListener",
    "EndReason",
    "EventOrder",
    "EventQueue",
    "Execution",
    "Fault",
    "FaultKind",
    "FaultPlaces",
    "Faults",
    "FeeRates",
    "Fill",
    "Filters",
    "Hub",
    "Income",
    "IncomeKind",
    "Leg",
    "LinearDesk",
    "Liquidations",
    "MarginAccount",
    "Mark",
    "MatchingEngine",
    "MoneyListener",
    "OrderEvent",
    "Outbox",
    "OutboxCounters",
    "Playback",
    "Position",
    "Prevention",
    "PublicTrade",
    "Reason",
    "RecordedMarket",
    "Refused",
    "RestingOrder",
    "SelfTrade",
    "SessionStatistics",
    "SkewedClock",
    "SocketCounters",
    "SocketServer",
    "SpotAccount",
    "SpotDesk",
    "Step",
    "Subscriber",
    "SyntheticMarket",
    "TransferListener",
    "Trigger",
    "TriggerPrice",
    "Triggers",
    "Truth",
    "Wallet",
    "World",
    "WorldMarket",
    "fill_record",
    "lots_of",
    "order_record",
    "random_fault",
    "random_faults",
    "rounded",
    "serve",
    "ticks_of",
]
