"""The interface of execution clients: our orders on one exchange."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, NewType

import attrs

from hft.clock import Clock
from hft.events import Fill, OrderReport
from hft.order import Order
from hft.plugin.config import ConfigT, Configured
from hft.types import OrderType, Price, Size, TimeInForce

__all__ = ["ApprovedOrder", "Capabilities", "ExecutionClient", "ExecutionEvents"]

ApprovedOrder = NewType("ApprovedOrder", Order)
"""An order that every risk rule has approved; only the risk engine makes one, only these are sent."""


@attrs.frozen(kw_only=True)
class Capabilities:
    """What an exchange can do, declared so that the kernel need not know which exchange it is.

    ``amend`` changes price and size of a resting order in one message;
    ``amend_keeps_priority`` says whether making it smaller keeps its place in the queue.
    """

    amend: bool = False
    amend_keeps_priority: bool = False
    post_only: bool = True
    reduce_only: bool = False
    order_types: frozenset[OrderType] = frozenset({OrderType.LIMIT, OrderType.MARKET})
    times_in_force: frozenset[TimeInForce] = frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK})


class ExecutionEvents(ABC):
    """Where an execution client says what became of our orders: the order manager."""

    @abstractmethod
    def on_report(self, report: OrderReport) -> None:
        """Take evidence about an order; repeated and late reports are expected."""

    @abstractmethod
    def on_fill(self, fill: Fill) -> None:
        """Take a fill; one ``trade_id`` is booked once, however often it is told."""


class ExecutionClient(Configured[ConfigT], ABC):
    """Places, amends, cancels and queries our orders on one exchange.

    The calls are synchronous and return once the bytes are handed to the socket: they run at the
    end of the hot path. What became of an order is told to ``events`` later, never by a return
    value or an exception: a request that timed out or whose connection broke is reported as
    `ReportKind.UNKNOWN`, never as a rejection. A client never retries placing an order by itself.

    ::

        def place(self, order):
            self.socket.send(codec.place(order))        # the answer comes by on_frame

        def on_frame(self, data, recv_ns):
            self.events.on_report(codec.report(data, recv_ns))
    """

    capabilities: ClassVar[Capabilities] = Capabilities()

    def __init__(self, config: ConfigT, events: ExecutionEvents, clock: Clock) -> None:
        self.config = config
        self.events = events
        self.clock = clock

    @abstractmethod
    def place(self, order: ApprovedOrder) -> None:
        """Send a new order; ``order.client_order_id`` identifies it from here on."""

    @abstractmethod
    def amend(self, order: ApprovedOrder, price: Price, size: Size) -> None:
        """Change price and total size of an open order (needs ``capabilities.amend``)."""

    @abstractmethod
    def cancel(self, order: Order) -> None:
        """Ask for an order to be cancelled."""

    @abstractmethod
    def query(self, order: Order) -> None:
        """Ask what became of an order; the answer comes as reports and fills."""

    async def start(self) -> None:
        """Connect and log in; raise `UsageError` if the credentials cannot work."""

    async def stop(self) -> None:
        """Close every connection; orders are cancelled by the kernel before."""
