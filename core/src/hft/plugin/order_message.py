"""A request about orders, from its sending to its end: answered, refused, unanswered or not sent."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from hft.errors import OrderError, TransportError
from hft.events import ReportKind
from hft.net.spec import Priority
from hft.order import Order
from hft.plugin.execution import ExecutionEvents

__all__ = ["OrderMessage", "Ruling"]


class Ruling(enum.Enum):
    """What an answer that is no success proves about a request."""

    REFUSED = "refused"
    """Certainly not carried out."""
    NOT_TAKEN = "not taken"
    """Certainly not carried out, for a reason that has nothing to do with it: it may be sent again."""
    UNKNOWN = "unknown"


class OrderMessage(ABC):
    """A request about orders, which says of each what became of it; however it travels."""

    __slots__ = ()

    priority: ClassVar[Priority]
    failed: ClassVar[ReportKind]
    """How it is told that it was not carried out."""

    @property
    @abstractmethod
    def orders(self) -> Sequence[Order]:
        """What it is about."""

    @abstractmethod
    def tell(self, order: Order, kind: ReportKind, reason: str, *, code: str = "", recv_ns: int = 0) -> None:
        """Tell what became of it for one of the orders; ``recv_ns`` 0: now."""

    def check_wanted(self, events: ExecutionEvents) -> None:
        """Raise `OrderError` where it is not wanted any more as its turn comes; a cancel always is."""
        if self.failed is ReportKind.CANCEL_REJECTED:
            return
        for order in self.orders:
            if reason := events.refusal(order):
                raise OrderError(reason)

    def dropped(self, reason: str) -> None:
        """Learn that it waited for its turn and was not sent."""
        self.not_sent(reason)

    def not_sent(self, reason: str) -> None:
        """Tell that it certainly was not sent."""
        for order in self.orders:
            self.tell(order, self.failed, f"not sent: {reason}")

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
        self.tell(order, self.failed, reason, code=code, recv_ns=recv_ns)
