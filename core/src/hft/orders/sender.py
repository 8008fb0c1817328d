"""Hand requests about orders to the exchange's client: noted before, stamped after, no bug let through."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hft.clock import Clock
from hft.errors import OrderError
from hft.latency import Trace, stamp
from hft.orders.counters import OrderCounters
from hft.orders.interfaces import NO_JOURNAL, OrderJournal
from hft.orders.record import Record
from hft.plugin.execution import ApprovedOrder
from hft.types import OrderState, Price, Size

__all__ = ["Sender"]


class Sender:
    """The last step before the client.

    Every request is with the journal as an intention before the client has it. Each method returns ""
    when the request was handed over, otherwise why it certainly was not. What a client raises beside
    `OrderError` leaves nobody knowing what was sent: the order is UNKNOWN then, and ``halt`` is called.
    ``shares_clock`` says that the trace looks at our clock: what it noted a moment ago need not be asked
    again.
    """

    def __init__(self, clock: Clock, counters: OrderCounters, halt: Callable[[str], None]) -> None:
        self.trace = Trace(clock.now_ns)
        self.journal: OrderJournal = NO_JOURNAL
        self.shares_clock = True
        self._now_ns = clock.now_ns
        self._counters = counters
        self._halt = halt

    def use(self, trace: Trace) -> None:
        """Stamp requests by another trace."""
        self.trace = trace
        self.shares_clock = trace.now_ns == self._now_ns

    def place(self, record: Record, approved: ApprovedOrder) -> str:
        """Send a new order."""
        order, journal = record.order, self.journal
        record.requested_ns = order.created_ns
        try:
            if journal is not NO_JOURNAL:
                journal.intend_place(order)
            record.desk.place(approved)
        except OrderError as error:
            return f"not sent: {error}"
        except Exception as error:  # see `_on_bug`
            return self._on_bug(record, "placing", error)
        order.stamps = stamp(self.trace)
        self._counters.sent += 1
        if journal is not NO_JOURNAL:
            journal.order(order)
        return ""

    def place_batch(self, records: Sequence[Record], approved: Sequence[ApprovedOrder]) -> str:
        """Send new orders of one instrument in one message."""
        for record in records:
            record.requested_ns = self._now_ns()
        try:
            for record in records:
                self.journal.intend_place(record.order)
            records[0].desk.client.place_batch(approved)
        except OrderError as error:
            return f"not sent: {error}"
        except Exception as error:  # see `_on_bug`
            for record in records:
                self._on_bug(record, "placing", error)
            return ""
        stamps = stamp(self.trace)
        for record in records:
            record.order.stamps = stamps
            self._counters.sent += 1
            self.journal.order(record.order)
        return ""

    def amend(self, record: Record, approved: ApprovedOrder, price: Price, size: Size) -> str:
        """Send a change of price and whole size."""
        order, journal = record.order, self.journal
        record.requested_ns = self.trace.approved_ns if self.shares_clock else self._now_ns()
        try:
            if journal is not NO_JOURNAL:
                journal.intend_amend(order, price, size)
            record.desk.amend(approved, price, size)
        except OrderError as error:
            return f"not sent: {error}"
        except Exception as error:  # see `_on_bug`
            return self._on_bug(record, "amending", error)
        order.stamps = stamp(self.trace)
        self._counters.amended += 1
        if journal is not NO_JOURNAL:
            journal.order(order)
        return ""

    def cancel(self, record: Record) -> str:
        """Send a cancellation."""
        order, journal = record.order, self.journal
        record.requested_ns = self.trace.decided_ns if self.shares_clock else self._now_ns()
        try:
            if journal is not NO_JOURNAL:
                journal.intend_cancel(order)
            record.desk.cancel(order)
        except OrderError as error:
            return f"not sent: {error}"
        except Exception as error:  # see `_on_bug`
            return self._on_bug(record, "cancelling", error)
        order.stamps = stamp(self.trace)
        self._counters.cancelled += 1
        if journal is not NO_JOURNAL:
            journal.order(order)
        return ""

    def ask(self, record: Record) -> None:
        """Ask what became of an order; where that cannot be sent it is asked again later."""
        record.asked_ns = record.asked_ns or self._now_ns()
        self._counters.queries += 1
        try:
            record.desk.client.query(record.order)
        except OrderError:
            record.asked_ns = 0
        except Exception as error:  # a bug in the plugin
            self._halt(f"{record.desk.instrument.exchange}: execution client failed asking: {error!r}")

    def _on_bug(self, record: Record, doing: str, error: Exception) -> str:
        # A bug in the plugin, which may have sent the request before it failed.
        order = record.order
        order.state = OrderState.UNKNOWN
        record.expose()
        self.journal.order(order)
        self._halt(
            f"{order.instrument.exchange}: execution client failed {doing}: {type(error).__name__}: {error}"
        )
        return ""
