"""The order manager: every order of the process, from the strategy's wish to its final state."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from hft.clock import Clock, Timer
from hft.errors import OrderError, UsageError
from hft.events import Fill, OrderReport
from hft.instrument import Instrument
from hft.latency import Trace
from hft.market import Market
from hft.net.backoff import Backoff
from hft.order import Order
from hft.orders.counters import OrderCounters
from hft.orders.desk import Desk
from hft.orders.ids import ClientOrderIds
from hft.orders.interfaces import ClosedGate, Ledger, Owner, RiskGate
from hft.orders.record import Record
from hft.orders.states import EDGES, EVENT_OF_REPORT, Event, next_state, supported_state
from hft.plugin.execution import ExecutionClient, ExecutionEvents
from hft.plugin.risk import Refused
from hft.types import OrderState, OrderType, Price, Side, Size, TimeInForce

__all__ = ["OrderManager"]

_FINISHED_KEPT = 10_000
"""Finished orders kept for fills and reports that come late."""

_NOTICE_NS = 1_000
"""A refusal is told this much later: never from inside the call, and never at the same instant, or a
strategy that answers it with the same order would hold a simulated clock for ever."""

# Tuples: members of an enum are found in them by identity, in a set by a hash that is a Python call.
_NOT_AMENDABLE = (OrderState.PENDING_CANCEL, OrderState.UNKNOWN)
_ANSWERS = (Event.ACCEPTED, Event.REJECTED, Event.REPLACED, Event.CANCELED)
_WAITING = (OrderState.PENDING_NEW, OrderState.PENDING_REPLACE)


def _ignore(_: Any) -> None:
    """Stand in for a callback that nobody set."""


class OrderManager(ExecutionEvents):
    """Owns all orders of the process, and is where execution clients tell what became of them.

    Set up by `add_exchange`, `add_market` and ``risk``. `place`, `amend` and `cancel` run at the end of
    the hot path: they return when the bytes are handed to the socket. An owner's ``on_order`` and
    ``on_fill`` are called last, when ledger and orders agree, and never from inside a call of its own:
    what the kernel or a risk rule refuses is the order itself in state REJECTED, and told shortly after.

    ``on_halt(reason)`` is called once when trading halts. ``trace`` stamps the order of each request that was
    handed to a client. ``warn`` takes a key, by which the caller may limit the rate, and a line.
    """

    def __init__(
        self, clock: Clock, ids: ClientOrderIds, ledger: Ledger, *, warn: Callable[[str, str], None]
    ) -> None:
        self.counters = OrderCounters()
        self.halted = ""
        self.risk: RiskGate = ClosedGate()
        self.trace = Trace(clock.now_ns)
        self.on_halt: Callable[[str], None] = _ignore
        self._clock = clock
        self._ids = ids
        self._ledger = ledger
        self._warn = warn
        self._refusal = ""
        self._clients: dict[str, ExecutionClient[Any]] = {}
        self._desks: dict[Instrument, Desk] = {}
        self._records: dict[str, Record] = {}
        self._finished: dict[str, Record] = {}
        self._notices: list[tuple[Owner, Order]] = []
        self._again: Timer | None = None
        self._backoff = Backoff(random.Random(ids.prefix), initial_ns=50_000_000, maximum_ns=5_000_000_000)

    # -- setting up ------------------------------------------------------------------------------

    def add_exchange(self, key: str, client: ExecutionClient[Any]) -> None:
        """Send the orders of this exchange key through ``client``."""
        self._clients[key] = client

    def add_market(self, market: Market) -> None:
        """Trade this market, through the client of its exchange; raise `UsageError` if it has none."""
        key = market.instrument.exchange
        client = self._clients.get(key)
        if client is None:
            raise UsageError(f"{market.instrument}: exchange {key!r} has no execution client")
        self._desks[market.instrument] = Desk(market, client)

    # -- reading ---------------------------------------------------------------------------------

    @property
    def open_count(self) -> int:
        """How many orders may still trade."""
        return len(self._records)

    def open_orders(self, instrument: Instrument) -> list[Order]:
        """Return the orders of an instrument that may still trade, oldest first."""
        return [record.order for record in self._desks[instrument].records.values()]

    def open_count_of(self, instrument: Instrument) -> int:
        """Return how many orders of an instrument may still trade."""
        return len(self._desks[instrument].records)

    def exposure(self, instrument: Instrument, side: Side) -> int:
        """Return the lots of a side that may still trade, of an amendment the larger of both sizes."""
        return self._desks[instrument].exposure(side)

    def exposures(self, instrument: Instrument) -> tuple[int, int]:
        """Return the lots of both sides that may still trade, buys first."""
        desk = self._desks[instrument]
        return desk.buys, desk.sells

    def exposure_of(self, client_order_id: str) -> int:
        """Return the lots of one order that may still trade, 0 if there is no such open order."""
        record = self._records.get(client_order_id)
        return 0 if record is None else record.exposure

    def can_amend(self, instrument: Instrument) -> bool:
        """Say whether the exchange changes a resting order in one message."""
        return self._desks[instrument].client.capabilities.amend

    # -- asking ----------------------------------------------------------------------------------

    def place(
        self,
        owner: Owner,
        instrument: Instrument,
        side: Side,
        size: Size,
        price: Price | None = None,
        *,
        type: OrderType = OrderType.LIMIT,
        time_in_force: TimeInForce = TimeInForce.GTC,
        post_only: bool = False,
        reduce_only: bool = False,
        replaces: str = "",
    ) -> Order:
        """Send a new order if nothing speaks against it; otherwise return it in state REJECTED."""
        trace = self.trace
        trace.decided_ns = trace.now_ns()
        order = Order(
            client_order_id=self._ids.next(),
            strategy=owner.name,
            instrument=instrument,
            side=side,
            size=size,
            price=price,
            type=type,
            time_in_force=time_in_force,
            post_only=post_only,
            reduce_only=reduce_only,
            replaces=replaces,
            created_ns=self._clock.now_ns(),
        )
        desk = self._desks[instrument]
        reason = (
            self._refusal
            or owner.refusal
            or desk.refusal(side, price, size, reduce_only)
            or desk.unsupported(order)
        )
        if reason:
            return self._refuse(order, owner, reason)
        verdict = self.risk.approve(order)
        if isinstance(verdict, Refused):
            return self._refuse(order, owner, verdict.reason)
        trace.approved_ns = trace.now_ns()
        record = Record(order, desk, owner)
        self._records[order.client_order_id] = desk.records[order.client_order_id] = record
        record.expose()
        try:
            desk.client.place(verdict)
        except OrderError as error:
            order.state = OrderState.REJECTED
            self._finish(record)
            return self._refuse(order, owner, f"not sent: {error}")
        except Exception as error:
            self._on_client_bug(record, "placing", error)
            return order
        order.stamps = trace.sent()
        self.counters.sent += 1
        return order

    def amend(self, order: Order, price: Price, size: Size) -> bool:
        """Change price and total size of an open order; return False if that is refused.

        Natively where the exchange can, otherwise the order is cancelled and, once the exchange has
        confirmed that, placed anew for what is left. Waits while the order is unacknowledged or
        another amendment is under way; of several the newest counts.
        """
        record = self._records.get(order.client_order_id)
        if record is None or record.cancel_wanted or order.state in _NOT_AMENDABLE:
            self.counters.refuse(f"amend: order is {order.state.value}")
            return False
        if order.state in _WAITING:
            record.amend_wanted = (price, size)
            return True
        return self._amend_now(record, price, size)

    def cancel(self, order: Order) -> None:
        """Cancel an order; waits while it is unacknowledged, does nothing if it is final or going."""
        record = self._records.get(order.client_order_id)
        if record is None or order.state is OrderState.PENDING_CANCEL:
            return
        record.amend_wanted = None
        if order.state is OrderState.PENDING_NEW:
            record.cancel_wanted = True
        elif record.successor is not None:
            # Its cancel is under way already: it is enough that nothing follows.
            record.drop_amendment()
            order.state = OrderState.PENDING_CANCEL
            record.expose()
        else:
            if order.state is OrderState.UNKNOWN:
                # Sent, but no evidence: should the order turn out to be open, it is sent again.
                record.cancel_wanted = True
            else:
                order.state = OrderState.PENDING_CANCEL
            self._cancel_now(record)

    def cancel_all(self, strategy: str | None = None, instrument: Instrument | None = None) -> int:
        """Cancel the open orders of a strategy, an instrument, or all; return how many there are.

        A cancel that is refused or cannot be sent is sent again, with back-off, until the order is gone.
        """
        records = [
            record
            for record in self._records.values()
            if (strategy is None or record.order.strategy == strategy)
            and (instrument is None or record.order.instrument is instrument)
        ]
        if self._again is None:
            self._backoff.reset()
        for record in records:
            record.unwanted = True
            self.cancel(record.order)
        return len(records)

    def halt(self, reason: str) -> None:
        """Refuse every order from now on and cancel those that are open; the first reason stays."""
        if self.halted:
            return
        self.halted = reason
        self._refusal = f"halted: {reason}"
        self.cancel_all()
        self.on_halt(reason)

    def stop(self) -> None:
        """Refuse every order from now on because the run ends, and cancel those that are open."""
        self._refusal = self._refusal or "stopping: the run ends"
        self.cancel_all()

    # -- being told ------------------------------------------------------------------------------

    def on_report(self, report: OrderReport) -> None:
        event = EVENT_OF_REPORT[report.kind]
        record = self._records.get(report.client_order_id)
        if record is None:
            self._on_report_without_order(report, event)
            return
        if record.is_stale(event, report):
            self.counters.duplicates += 1
            return
        order = record.order
        if event not in EDGES[order.state] or (event is Event.REJECTED and record.acknowledged):
            self._on_illegal(order, event)
            return
        if event is Event.CANCEL_REJECTED and record.successor is not None:
            event = Event.REPLACE_REJECTED
        before = order.state
        if event in _ANSWERS and order.stamps is not None:
            self.trace.acknowledged(order.stamps, report.recv_ns or self._clock.now_ns())
        record.take(report, event)
        if (event is Event.CANCELED or event is Event.EXPIRED) and (report.filled or 0) > order.filled:
            record.held, record.held_filled = event, report.filled or 0
            order.state = OrderState.PENDING_CANCEL
            record.expose()
            return
        order.state = state = next_state(order, event) or before
        successor = record.successor
        if state.is_final:
            self._finish(record)
        else:
            record.expose()
            self._send_waiting(record)
        if state is not before or event is Event.REPLACED:
            record.owner.on_order(order)
        if successor is not None and state is OrderState.CANCELED:
            self._place_successor(record, *successor)

    def on_fill(self, fill: Fill) -> None:
        desk = self._desks.get(fill.instrument)
        record = self._records.get(fill.client_order_id) or self._finished.get(fill.client_order_id)
        if desk is None or (record is None and not self._ids.owns(fill.client_order_id)):
            self._on_foreign(fill.client_order_id, "fill")
            return
        if not desk.is_new_trade(fill):
            self.counters.duplicates += 1
            return
        self.counters.fills += 1
        try:
            self._ledger.on_fill(fill)
        except Exception as error:
            # The position is wrong from here on, and whoever called us might take it for his fault.
            what = f"{fill.instrument}: fill {fill.trade_id!r} cannot be booked"
            self.halt(f"{what}: {type(error).__name__}: {error}")
        if record is None:
            self._on_foreign(fill.client_order_id, "fill of a forgotten order, booked")
            return
        order = record.order
        before = order.state
        order.filled = Size(order.filled + fill.size)
        record.acknowledged = True
        event = Event.LAST_FILL if order.filled >= order.largest_size else Event.FILL
        state = next_state(order, event)
        if state is None or order.filled > order.largest_size:
            # The money moved, whatever the table says: it is booked, and somebody has to look.
            self._on_illegal(order, event)
        if state is not None:
            if record.held is not None and event is Event.FILL and order.filled >= record.held_filled:
                state = next_state(order, record.held) or state
            order.state = state
        if not before.is_final:
            if order.state.is_final:
                self._finish(record)
            else:
                record.expose()
                self._send_waiting(record)
        record.owner.on_fill(fill)
        if state is not None and state is not before:
            record.owner.on_order(order)

    # -- what follows from what was told ---------------------------------------------------------

    def _send_waiting(self, record: Record) -> None:
        order = record.order
        if order.state is not OrderState.NEW and order.state is not OrderState.PARTIALLY_FILLED:
            return
        if record.cancel_wanted:
            record.cancel_wanted = False
            order.state = OrderState.PENDING_CANCEL
            self._cancel_now(record)
        elif record.unwanted:
            self._cancel_later()
        elif record.amend_wanted is not None:
            price, size = record.amend_wanted
            record.amend_wanted = None
            self._amend_now(record, price, size)

    def _place_successor(self, record: Record, price: Price, size: Size) -> None:
        order = record.order
        left = size - order.filled
        if left <= 0:
            return
        successor = self.place(
            record.owner,
            order.instrument,
            order.side,
            Size(left),
            price,
            type=order.type,
            time_in_force=order.time_in_force,
            post_only=order.post_only,
            reduce_only=order.reduce_only,
            replaces=order.client_order_id,
        )
        if not successor.state.is_final:
            # Its owner did not place it, and has not seen it yet.
            record.owner.on_order(successor)

    def _finish(self, record: Record) -> None:
        order = record.order
        record.drop_amendment()
        record.expose()
        del self._records[order.client_order_id], record.desk.records[order.client_order_id]
        self._finished[order.client_order_id] = record
        if len(self._finished) > _FINISHED_KEPT:
            del self._finished[next(iter(self._finished))]

    def _on_report_without_order(self, report: OrderReport, event: Event) -> None:
        record = self._finished.get(report.client_order_id)
        if record is not None:
            if event not in EDGES[record.order.state]:
                self._on_illegal(record.order, event)
            else:
                self.counters.duplicates += 1
        elif not self._ids.owns(report.client_order_id):
            self._on_foreign(report.client_order_id, report.kind.value)
        else:
            self.counters.duplicates += 1

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

    # -- sending ---------------------------------------------------------------------------------

    def _cancel_later(self) -> None:
        """Cancel again, after a while, what must go and is open still."""
        if self._again is None:
            # The first delay of a back-off is none, but this is the second attempt already.
            delay_ns = self._backoff.next_ns() or self._backoff.next_ns()
            self._again = self._clock.call_later(delay_ns, self._cancel_again)

    def _cancel_again(self) -> None:
        self._again = None
        for order in [record.order for record in self._records.values() if record.unwanted]:
            self.cancel(order)

    def _amend_now(self, record: Record, price: Price, size: Size) -> bool:
        trace = self.trace
        trace.decided_ns = trace.now_ns()
        order, desk = record.order, record.desk
        if (price, size) == (order.price, order.size):
            return True
        reason = self._refusal or record.owner.refusal
        if not reason and size <= order.filled:
            reason = f"amend: {order.instrument.format_size(order.filled)} is filled already"
        if not reason and order.type is not OrderType.LIMIT:
            reason = f"amend: a {order.type.value} order cannot be amended"
        reason = reason or desk.refusal(order.side, price, size, order.reduce_only)
        if reason:
            return self._refuse_amendment(record, reason)
        verdict = self.risk.approve_amendment(order, price, size)
        if isinstance(verdict, Refused):
            return self._refuse_amendment(record, verdict.reason)
        trace.approved_ns = trace.now_ns()
        order.state = OrderState.PENDING_REPLACE
        order.pending_price, order.pending_size = price, size
        record.expose()
        if not desk.client.capabilities.amend:
            record.successor = (price, size)
            self._cancel_now(record)
            return True
        try:
            desk.client.amend(verdict, price, size)
        except OrderError as error:
            self._on_not_sent(record, error)
            return False
        except Exception as error:
            self._on_client_bug(record, "amending", error)
            return False
        order.stamps = trace.sent()
        self.counters.amended += 1
        return True

    def _cancel_now(self, record: Record) -> None:
        trace = self.trace
        trace.decided_ns, trace.approved_ns = trace.now_ns(), 0
        try:
            record.desk.client.cancel(record.order)
        except OrderError as error:
            self._on_not_sent(record, error)
        except Exception as error:
            self._on_client_bug(record, "cancelling", error)
        else:
            record.order.stamps = trace.sent()
            self.counters.cancelled += 1

    def _on_not_sent(self, record: Record, error: OrderError) -> None:
        """Take back a change or cancel that the client did not send."""
        order = record.order
        record.drop_amendment()
        order.reason = f"not sent: {error}"
        self.counters.refuse(order.reason)
        if order.state is not OrderState.UNKNOWN:
            order.state = supported_state(order)
        record.expose()
        if record.unwanted:
            self._cancel_later()
        self._tell_later(record.owner, order)

    def _on_client_bug(self, record: Record, doing: str, error: Exception) -> None:
        """Nothing is known of a request whose client failed half way, and it must not go on."""
        order = record.order
        order.state = OrderState.UNKNOWN
        record.expose()
        self.halt(
            f"{order.instrument.exchange}: execution client failed {doing}: {type(error).__name__}: {error}"
        )

    def _refuse(self, order: Order, owner: Owner, reason: str) -> Order:
        order.state = OrderState.REJECTED
        order.reason = reason
        self.counters.refuse(reason)
        self._tell_later(owner, order)
        return order

    def _refuse_amendment(self, record: Record, reason: str) -> bool:
        record.order.reason = reason
        self.counters.refuse(reason)
        self._tell_later(record.owner, record.order)
        return False

    def _tell_later(self, owner: Owner, order: Order) -> None:
        if not self._notices:
            self._clock.call_later(_NOTICE_NS, self._tell)
        self._notices.append((owner, order))

    def _tell(self) -> None:
        notices, self._notices = self._notices, []
        for owner, order in notices:
            owner.on_order(order)
