"""A request about orders, from its sending to its end: answered, refused, unanswered or not sent."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Protocol

from hft.clock import Clock
from hft.errors import OrderError, TransportError
from hft.events import OrderReport, ReportKind
from hft.net.spec import Priority
from hft.order import Order
from hft.plugin.execution import ExecutionEvents
from hft.types import Size

__all__ = ["OrderDesk", "OrderMessage", "Ruling"]


class Ruling(enum.Enum):
    """What an answer that is no success proves about a request."""

    REFUSED = "refused"
    """Certainly not carried out."""
    NOT_TAKEN = "not taken"
    """Certainly not carried out, for a reason that has nothing to do with it: it may be sent again."""
    UNKNOWN = "unknown"


class OrderDesk(Protocol):
    """What sends requests about orders; a client may have several."""

    @property
    def events(self) -> ExecutionEvents:
        """Where it is told what became of them."""

    @property
    def clock(self) -> Clock:
        """The client's."""


class OrderMessage(ABC):
    """A request about orders, which says of each what became of it; however it travels."""

    __slots__ = ()

    priority: ClassVar[Priority]
    failed: ClassVar[ReportKind]
    """How it is told that it was not carried out."""

    @property
    @abstractmethod
    def desk(self) -> OrderDesk:
        """What sends it."""

    @property
    @abstractmethod
    def orders(self) -> Sequence[Order]:
        """What it is about."""

    def tell(
        self,
        order: Order,
        kind: ReportKind,
        reason: str = "",
        *,
        code: str = "",
        exchange_order_id: str = "",
        filled: Size | None = None,
        recv_ns: int = 0,
    ) -> None:
        """Tell what became of it for one of the orders; ``recv_ns`` 0: now."""
        desk = self.desk
        desk.events.on_report(
            OrderReport(
                client_order_id=order.client_order_id,
                kind=kind,
                exchange_order_id=exchange_order_id,
                filled=filled,
                code=code,
                reason=reason,
                recv_ns=recv_ns or desk.clock.now_ns(),
            )
        )

    def tell_failed(self, order: Order, reason: str, *, code: str = "", recv_ns: int = 0) -> None:
        """Tell of one of the orders that it certainly was not carried out."""
        self.tell(order, self.failed, reason, code=code, recv_ns=recv_ns)

    def check_wanted(self) -> None:
        """Raise `OrderError` where it is not wanted any more as its turn comes; a cancel always is."""
        if self.failed is ReportKind.CANCEL_REJECTED:
            return
        events = self.desk.events
        for order in self.orders:
            if reason := events.refusal(order):
                raise OrderError(reason)

    def dropped(self, reason: str) -> None:
        """Learn that it waited for its turn and was not sent."""
        self.not_sent(reason)

    def not_sent(self, reason: str) -> None:
        """Tell that it certainly was not sent."""
        for order in self.orders:
            self.tell_failed(order, f"not sent: {reason}")

    def unanswered(self, reason: str) -> None:
        """Tell that nobody knows what became of it."""
        for order in self.orders:
            self.tell(order, ReportKind.UNKNOWN, reason)

    def broken(self, error: TransportError) -> None:
        """Tell that there is no answer, as REST says."""
        if error.sent is False:
            self.not_sent(str(error))
        else:
            self.unanswered(str(error))

    def ruled(self, order: Order, ruling: Ruling, reason: str, *, code: str = "", recv_ns: int = 0) -> None:
        """Tell what an answer other than success proves."""
        if ruling is Ruling.UNKNOWN:
            self.tell(order, ReportKind.UNKNOWN, reason, code=code, recv_ns=recv_ns)
            return
        if ruling is Ruling.NOT_TAKEN:
            reason = f"not sent: {reason}"
        self.tell_failed(order, reason, code=code, recv_ns=recv_ns)
