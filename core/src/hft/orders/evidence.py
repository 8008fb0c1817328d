"""What is told of our orders, by whomever and however often, becomes their state."""

from __future__ import annotations

import random
from collections.abc import Callable

from hft.clock import NS_PER_S, Clock
from hft.events import BalanceReport, Fill, Funding, OrderReport, PositionReport, ReportKind
from hft.latency import Trace, acknowledge
from hft.ledger.ledger import Ledger
from hft.order import Order
from hft.orders.counters import OrderCounters
from hft.orders.doubts import PATIENCE_NS, Doubts
from hft.orders.ids import ClientOrderIds
from hft.orders.interfaces import NO_JOURNAL, OrderJournal
from hft.orders.record import Record
from hft.orders.sender import Sender
from hft.orders.states import WAITING, Event, edge_of, event_of, follow, has_ended, largest_size
from hft.orders.store import OrderStore
from hft.plugin.hearer import Hearer
from hft.risk.engine import RiskGate
from hft.types import OrderState, Price, Size

__all__ = ["OrderEvidence"]

_EXPLAINED_NS = NS_PER_S
"""What contradicts what we know of an order is explained this soon by a fill or report under way."""

# A tuple: members of an enum are found in it by identity, in a set by a hash that is a Python call.
_UNANSWERED = (OrderState.PENDING_NEW, OrderState.PENDING_REPLACE, OrderState.PENDING_CANCEL)


# Bound once: a member of an enum is looked up in 40 ns where that is compiled.
_ACCEPTED = Event.ACCEPTED
_CANCELED = Event.CANCELED
_CANCEL_REJECTED = Event.CANCEL_REJECTED
_EXPIRED = Event.EXPIRED
_REPLACED = Event.REPLACED
_REPLACE_REJECTED = Event.REPLACE_REJECTED
_NOT_FOUND = Event.NOT_FOUND
_REJECTED = Event.REJECTED
_FILL = Event.FILL
_LAST_FILL = Event.LAST_FILL
_PENDING_CANCEL = OrderState.PENDING_CANCEL
_UNKNOWN = OrderState.UNKNOWN
_ENDED_CANCELED = OrderState.CANCELED
_ENDED_REJECTED = OrderState.REJECTED


class OrderEvidence(Hearer):
    """Takes what exchanges say of our orders (`ExecutionEvents`): late, twice or out of order.

    What the exchange says counts and nothing else does: silence makes an order UNKNOWN, and it is asked about
    until there is an answer. It sends nothing but those questions; what follows from an answer (a cancel
    that waited for it, the successor of an order) is left to whoever derives from it.
    """

    def __init__(
        self, clock: Clock, ids: ClientOrderIds, ledger: Ledger, *, warn: Callable[[str, str], None]
    ) -> None:
        self.counters = OrderCounters()
        self.halted = ""
        self.risk = RiskGate()
        self.store = OrderStore()
        self._clock = clock
        self._ids = ids
        self._ledger = ledger
        self._warn = warn
        self._refusal = ""
        self._sender = Sender(clock, self.counters, self.halt)
        self._doubts = Doubts(clock, random.Random(f"{ids.prefix} doubts"), self._sender.ask)

    @property
    def trace(self) -> Trace:
        """What stamps the requests."""
        return self._sender.trace

    @trace.setter
    def trace(self, trace: Trace) -> None:
        self._sender.use(trace)

    @property
    def journal(self) -> OrderJournal:
        """What takes down requests, orders and fills."""
        return self._sender.journal

    @journal.setter
    def journal(self, journal: OrderJournal) -> None:
        self._sender.journal = journal

    # -- being told ------------------------------------------------------------------------------

    def refusal(self, order: Order) -> str:
        record = self.store.find_open(order.client_order_id)
        if record is None or record.cancel_wanted or order.state not in WAITING:
            return "it is not wanted any more"
        # What closes a position is sent also when trading is halted.
        stopped = "" if record.closes else self._refusal or record.owner.refusal
        return stopped or record.desk.closed

    def on_ready(self, exchange: str) -> None:
        for desk in self.store.desks_of(exchange):
            desk.offline = ""
        self._doubts.ask_now()

    def on_lost(self, exchange: str, reason: str) -> None:
        for desk in self.store.desks_of(exchange):
            desk.offline = f"exchange: {exchange} cannot be traded on now: {reason}"

    def on_funding(self, funding: Funding) -> None:
        self._ledger.on_funding(funding)

    def on_balance(self, balance: BalanceReport) -> None:
        """Nothing: whoever follows the account takes it before."""

    def on_position(self, position: PositionReport) -> None:
        """Nothing, as above."""

    def on_report(self, report: OrderReport) -> None:
        event = event_of(report.kind)
        record = self.store.find_open(report.client_order_id)
        if record is None:
            self._on_report_without_order(report, event)
            return
        if event is _NOT_FOUND and not self._is_proof(record, report):
            return
        record.asked_ns = 0
        if record.is_stale(event, report):
            self.counters.duplicates += 1
            return
        order = record.order
        before = order.state
        edge = edge_of(before, event)
        if edge is None or (event is _REJECTED and order.acknowledged):
            self._on_illegal(order, event)
            return
        if event is _CANCEL_REJECTED and record.successor is not None:
            event = _REPLACE_REJECTED
            edge = edge_of(before, event) or before
        answers = event is _ACCEPTED or event is _REJECTED or event is _REPLACED or event is _CANCELED
        if answers and order.stamps is not None:
            acknowledge(self._sender.trace, order.stamps, report.recv_ns or self._clock.now_ns())
        record.take(report, event)
        if (event is _CANCELED or event is _EXPIRED) and (report.filled or 0) > order.filled:
            record.held, record.held_filled = event, report.filled or 0
            order.state = _PENDING_CANCEL
            record.expose()
            self._note(order)
            self._doubts.add(record, delay_ns=_EXPLAINED_NS)
            return
        order.state = state = follow(order, edge)
        successor = record.successor
        if has_ended(state):
            self.store.finish(record)
            if state is _ENDED_REJECTED:
                self.counters.refuse("exchange")
                what = f"{order.instrument}: the exchange refused an order: {order.reason}"
                self._warn(f"rejected {order.reason[:40]}", what)
        else:
            if state is _UNKNOWN:
                self._doubts.add(record)
            elif event is _CANCEL_REJECTED or event is _REPLACE_REJECTED or record.is_suspect:
                record.is_suspect = True
                self._doubts.add(record, delay_ns=_EXPLAINED_NS)
            self._send_waiting(record)
        if state is not before or event is _REPLACED:
            self._note(order)
            record.owner.on_order(order)
        if successor is not None and state is _ENDED_CANCELED:
            price, size = successor
            self._place_successor(record, price, size)

    def on_fill(self, fill: Fill) -> None:
        record = self.store.find(fill.client_order_id)
        if record is None or record.desk.instrument is not fill.instrument:
            ours = record is not None or self._ids.owns_profile(fill.client_order_id) or fill.exchange_made
            if not ours or fill.instrument not in self.store.desks:
                self._on_foreign(fill.client_order_id, "fill")
                return
        try:
            if not self._ledger.on_fill(fill):
                self.counters.duplicates += 1
                return
        except Exception as error:
            # The position is wrong from here on, and whoever called us might take it for his fault.
            what = f"{fill.instrument}: fill {fill.trade_id!r} cannot be booked"
            self.halt(f"{what}: {type(error).__name__}: {error}")
        self.counters.fills += 1
        journal = self._sender.journal
        if journal is not NO_JOURNAL:
            journal.fill(fill)
        self.risk.on_fill(fill)
        if fill.exchange_made:
            size = fill.instrument.format_size(fill.side.sign * fill.size)
            self.halt(f"{fill.instrument}: the exchange traded {size} for us by itself, as in a liquidation")
        if record is None:
            if not fill.exchange_made and self._ids.owns(fill.client_order_id):
                self._on_foreign(fill.client_order_id, "fill of a forgotten order, booked")
            return
        order = record.order
        before = order.state
        order.filled = filled = order.filled + fill.size  # type: ignore[assignment]  # Size() is a call
        order.acknowledged = True
        largest = largest_size(order)
        event = _LAST_FILL if filled >= largest else _FILL
        edge = edge_of(before, event)
        if edge is None or filled > largest:
            # The money moved, whatever the table says: it is booked, and somebody has to look.
            self._on_illegal(order, event)
        if edge is not None:
            if record.held is not None and event is _FILL and filled >= record.held_filled:
                edge = edge_of(before, record.held) or edge
            order.state = follow(order, edge)
        state = order.state
        if not has_ended(before):
            if has_ended(state):
                self.store.finish(record)
            else:
                record.expose()
                self._send_waiting(record)
        self._note(order)
        record.owner.on_fill(fill)
        if state is not before:
            record.owner.on_order(order)

    # -- doubts ----------------------------------------------------------------------------------

    def doubt(self, order: Order) -> None:
        """Ask what became of an order that the exchange does not list as we have it."""
        record = self.store.find_open(order.client_order_id)
        if record is not None:
            record.is_suspect = True
            self._doubts.add(record)

    def doubt_silent(self) -> None:
        """Ask about requests that have gone without an answer for longer than any should."""
        since_ns = self._clock.now_ns() - PATIENCE_NS
        for record in self.store.all_open():
            if record.order.state in _UNANSWERED and record.requested_ns < since_ns:
                self._doubts.add(record)

    def _is_proof(self, record: Record, report: OrderReport) -> bool:
        """Say whether not finding an order proves that it does not exist: it cannot be on its way any more.

        When it was made counts, also in an earlier run: what was asked about it since then makes none. A
        question may have waited long for its turn; where its client does not say, the oldest that has no
        answer yet is meant.
        """
        asked_ns, record.asked_ns = report.asked_ns or record.asked_ns, 0
        validity_ns = record.desk.capabilities.request_validity_ns
        return bool(asked_ns) and asked_ns - record.order.created_ns >= validity_ns

    # -- what fits no order of ours ------------------------------------------------------------------

    def _on_report_without_order(self, report: OrderReport, event: Event) -> None:
        record = self.store.find_finished(report.client_order_id)
        if record is not None:
            if edge_of(record.order.state, event) is None:
                self._on_illegal(record.order, event)
            else:
                self.counters.duplicates += 1
        elif not self._ids.owns_profile(report.client_order_id):
            self._on_foreign(report.client_order_id, report.kind.value)
        elif report.kind is ReportKind.ACCEPTED and self._ids.owns(report.client_order_id):
            self._on_foreign(report.client_order_id, "accepted, but nobody here placed it")
        else:
            self.counters.duplicates += 1

    def _note(self, order: Order) -> None:
        journal = self._sender.journal
        if journal is not NO_JOURNAL:
            journal.order(order)

    def _on_illegal(self, order: Order, event: Event) -> None:
        self.counters.illegal += 1
        self._warn(
            f"illegal {event.value}",
            f"{order.instrument}: order {order.client_order_id} is {order.state.value}"
            f" ({order.filled} of {order.size} lots filled), cannot take {event.value!r}",
        )

    def _on_foreign(self, client_order_id: str, what: str) -> None:
        self.counters.foreign += 1
        self._warn(f"foreign {what}", f"order {client_order_id!r} is not of this run: {what}")

    # -- what follows is asked for elsewhere --------------------------------------------------------

    def halt(self, reason: str) -> None:
        """Refuse every order from now on and cancel those that are open; the first reason stays."""
        raise NotImplementedError

    def _send_waiting(self, record: Record) -> None:
        """Send what waited until the exchange had acknowledged the order."""
        raise NotImplementedError

    def _place_successor(self, record: Record, price: Price, size: Size) -> None:
        """Place what follows a cancelled order, where the exchange cannot amend."""
        raise NotImplementedError
