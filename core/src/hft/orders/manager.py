"""The order manager: every order of the process, from the strategy's wish to its final state."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from hft.clock import Clock, Timer
from hft.instrument import Instrument
from hft.ledger import Ledger
from hft.market import Market
from hft.net.backoff import Backoff
from hft.order import Order, OrderRequest
from hft.orders.desk import Desk
from hft.orders.evidence import OrderEvidence
from hft.orders.ids import ClientOrderIds
from hft.orders.notices import Notices
from hft.orders.owner import Owner
from hft.orders.record import Record, new_record
from hft.orders.self_trade import SelfTradeGuard, SelfTradePolicy
from hft.orders.states import supported_state
from hft.plugin.execution import ApprovedOrder, ExecutionClient
from hft.plugin.risk import Refused
from hft.primitives import copied
from hft.types import OrderState, OrderType, PositionSide, Price, Side, Size, TimeInForce

__all__ = ["OrderManager"]

# Bound once: a member of an enum is looked up in 40 ns where that is compiled.
_NEW = OrderState.NEW
_PARTIALLY_FILLED = OrderState.PARTIALLY_FILLED
_PENDING_NEW = OrderState.PENDING_NEW
_PENDING_CANCEL = OrderState.PENDING_CANCEL
_PENDING_REPLACE = OrderState.PENDING_REPLACE
_UNKNOWN = OrderState.UNKNOWN
_LIMIT = OrderType.LIMIT
_BUY = Side.BUY


def _ignore(_: Any) -> None:
    """Stand in for a callback that nobody set."""


class OrderManager(OrderEvidence):
    """Owns all orders of the process: asks for what owners want, and brings it in step with the evidence.

    Set up by `add_exchange`, `add_market` and ``risk``. `place`, `amend` and `cancel` run at the end of
    the hot path: they return when the bytes are handed to the socket. An owner's ``on_order`` and
    ``on_fill`` are called last, when ledger and orders agree, and never from inside a call of its own:
    what the kernel or a risk rule refuses is the order itself in state REJECTED, and told shortly after.

    ``on_halt(reason)`` is called once when trading halts. ``trace`` stamps the order of each request that was
    handed to a client, ``journal`` takes down what must outlive the process. ``warn`` takes a key, by which
    the caller may limit the rate, and a line.
    """

    def __init__(
        self, clock: Clock, ids: ClientOrderIds, ledger: Ledger, *, warn: Callable[[str, str], None]
    ) -> None:
        super().__init__(clock, ids, ledger, warn=warn)
        self.self_trade = SelfTradeGuard(SelfTradePolicy.REFUSE, self.cancel)
        self.on_halt: Callable[[str], None] = _ignore
        self._now_ns = clock.now_ns
        self._notices = Notices(clock)
        self._again: Timer | None = None
        self._backoff = Backoff(random.Random(ids.prefix), initial_ns=50_000_000, maximum_ns=5_000_000_000)

    # -- setting up ------------------------------------------------------------------------------

    def add_exchange(self, key: str, client: ExecutionClient[Any]) -> None:
        """Send the orders of this exchange key through ``client``."""
        self.store.add_exchange(key, client)

    def add_market(self, market: Market) -> None:
        """Trade this market, through the client of its exchange; raise `UsageError` if it has none."""
        self.store.add_market(market)

    def adopt(self, order: Order, owner: Owner) -> None:
        """Take over an open order of an earlier run, as the journal or the exchange has it."""
        record = new_record(order, self.store.desks[order.instrument], owner)
        known = order.state is not _UNKNOWN
        order.acknowledged = bool(known or order.filled or order.exchange_order_id)
        self.store.add(record)
        self.counters.adopted += 1
        self.journal.order(order)
        if order.state is _UNKNOWN:
            self._doubts.add(record)

    def remember(self, order: Order, owner: Owner) -> None:
        """Know an order of an earlier run that has ended, for what is told of it late."""
        self.store.remember(new_record(order, self.store.desks[order.instrument], owner))

    # -- reading ---------------------------------------------------------------------------------

    @property
    def open_count(self) -> int:
        """How many orders may still trade."""
        return self.store.open_count

    def open_orders(self, instrument: Instrument) -> list[Order]:
        """Return the orders of an instrument that may still trade, oldest first."""
        return self.store.open_orders(instrument)

    def open_count_of(self, instrument: Instrument) -> int:
        """Return how many orders of an instrument may still trade."""
        return len(self.store.desks[instrument].records)

    def exposure(self, instrument: Instrument, side: Side) -> int:
        """Return the lots of a side that may still trade, of an amendment the larger of both sizes."""
        desk = self.store.desks[instrument]
        return desk.buys if side is _BUY else desk.sells

    def exposures(self, instrument: Instrument) -> tuple[int, int]:
        """Return the lots of both sides that may still trade, buys first."""
        desk = self.store.desks[instrument]
        return desk.buys, desk.sells

    def exposure_of(self, client_order_id: str) -> int:
        """Return the lots of one order that may still trade, 0 if there is no such open order."""
        record = self.store.find_open(client_order_id)
        return 0 if record is None else record.exposure

    def is_ready(self, exchange: str) -> bool:
        """Say whether orders can be sent to an exchange: nothing has said that it is lost."""
        return not any(desk.offline for desk in self.store.desks_of(exchange))

    def can_amend(self, instrument: Instrument) -> bool:
        """Say whether the exchange changes a resting order in one message."""
        return self.store.desks[instrument].capabilities.amend

    # -- asking ----------------------------------------------------------------------------------

    def place(
        self,
        owner: Owner,
        instrument: Instrument,
        side: Side,
        size: Size,
        price: Price | None = None,
        *,
        type: OrderType = _LIMIT,
        time_in_force: TimeInForce = TimeInForce.GTC,
        post_only: bool = False,
        reduce_only: bool = False,
        trigger_price: Price | None = None,
        expire_ns: int = 0,
        position_side: PositionSide = PositionSide.BOTH,
        replaces: str = "",
    ) -> Order:
        """Send a new order if nothing speaks against it; otherwise return it in state REJECTED."""
        desk = self.store.desks[instrument]
        order = self._blank(
            owner, desk, side, type, time_in_force, post_only, reduce_only, trigger_price, expire_ns,
            position_side, replaces,
        )  # fmt: skip
        return self._ask(owner, desk, order, size, price)

    def place_like(self, owner: Owner, desk: Desk, blank: Order, size: Size, price: Price) -> Order:
        """Do what `place` does with a copy of an order that was never sent, for another size and price."""
        return self._ask(owner, desk, copied(blank), size, price)

    def close_position(
        self, owner: Owner, instrument: Instrument, side: Side, size: Size, position_side: PositionSide
    ) -> Order:
        """Send a market order that closes a position, also when trading is halted.

        It is judged by no rule but that it can do nothing else; what the exchange cannot take is refused.
        """
        desk = self.store.desks[instrument]
        trace = self._sender.trace
        trace.decided_ns = trace.now_ns()
        order = Order(
            client_order_id=self._ids.next(),
            strategy=owner.name,
            instrument=instrument,
            side=side,
            size=size,
            price=None,
            type=OrderType.MARKET,
            time_in_force=TimeInForce.IOC,
            reduce_only=desk.capabilities.reduce_only and position_side is PositionSide.BOTH,
            position_side=position_side,
            created_ns=self._clock.now_ns(),
        )
        reason = desk.refusal(order, None, size) or desk.unsupported(order)
        if reason:
            self._refuse(order, owner, reason)
            return order
        verdict = self.risk.approve_closing(order)
        if isinstance(verdict, Refused):
            self._refuse(order, owner, verdict.reason)
        else:
            trace.approved_ns = trace.now_ns()
            self._send(order, owner, desk, verdict, True)
        return order

    def place_batch(
        self, owner: Owner, instrument: Instrument, requests: Sequence[OrderRequest]
    ) -> list[Order]:
        """Send several new orders of one instrument, in as few messages as the exchange takes.

        Each is judged by itself and with those before it; what is refused comes back REJECTED.
        """
        desk = self.store.desks[instrument]
        size = desk.capabilities.batch
        if size <= 1:
            return [
                self.place(owner, instrument, **attrs.asdict(request, recurse=False)) for request in requests
            ]
        trace = self._sender.trace
        trace.decided_ns = trace.now_ns()
        orders, waiting = [], []
        for request in requests:
            order = Order(
                client_order_id=self._ids.next(),
                strategy=owner.name,
                instrument=instrument,
                created_ns=self._clock.now_ns(),
                **attrs.asdict(request, recurse=False),
            )
            orders.append(order)
            approved = self._approve(order, owner, desk)
            if approved is not None:
                # Exposed before the next is judged: what fits singly must fit together.
                record = new_record(order, desk, owner)
                self.store.add(record)
                waiting.append((record, approved))
        trace.approved_ns = trace.now_ns()
        for at in range(0, len(waiting), size):
            records, batch = zip(*waiting[at : at + size], strict=True)
            reason = self._sender.place_batch(records, batch)
            if reason:
                for record in records:
                    self._on_not_placed(record, reason)
        return orders

    def amend(self, order: Order, price: Price, size: Size) -> bool:
        """Change price and total size of an open order; return False if that is refused.

        Natively where the exchange can, otherwise the order is cancelled and, once the exchange has
        confirmed that, placed anew for what is left. Waits while the order is unacknowledged or
        another amendment is under way; of several the newest counts.
        """
        record = self.store.find_open(order.client_order_id)
        state = order.state
        if record is None or record.cancel_wanted or state is _PENDING_CANCEL or state is _UNKNOWN:
            self.counters.refuse(f"amend: order is {state.value}")
            return False
        if state is _PENDING_NEW or state is _PENDING_REPLACE:
            record.amend_wanted = (price, size)
            return True
        return self._amend_now(record, price, size)

    def cancel(self, order: Order) -> None:
        """Cancel an order; waits while it is unacknowledged, does nothing if it is final or going."""
        record = self.store.find_open(order.client_order_id)
        if record is None or order.state is _PENDING_CANCEL:
            return
        record.amend_wanted = None
        if order.state is _PENDING_NEW:
            record.cancel_wanted = True
        elif record.successor is not None:
            # Its cancel is under way already: it is enough that nothing follows.
            record.drop_amendment()
            order.state = _PENDING_CANCEL
            record.expose()
        else:
            if order.state is _UNKNOWN:
                # Sent, but no evidence: should the order turn out to be open, it is sent again.
                record.cancel_wanted = True
            else:
                order.state = _PENDING_CANCEL
            self._cancel_now(record)

    def cancel_all(self, strategy: str | None = None, instrument: Instrument | None = None) -> int:
        """Cancel for good what a strategy has open, an instrument, or all; return how many orders that is."""
        records = self.store.select(strategy, instrument)
        for record in records:
            self.cancel_for_good(record.order)
        return len(records)

    def cancel_for_good(self, order: Order) -> None:
        """Cancel an order, again and again with back-off, until it is gone."""
        record = self.store.find_open(order.client_order_id)
        if record is not None:
            if self._again is None:
                self._backoff.reset()
            record.unwanted = True
            self.cancel(order)

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

    def close(self) -> None:
        """Leave nothing on the clock."""
        self._doubts.stop()
        if self._again is not None:
            self._again.cancel()

    # -- what follows from what was told ---------------------------------------------------------

    def _send_waiting(self, record: Record) -> None:
        order = record.order
        if order.state is not _NEW and order.state is not _PARTIALLY_FILLED:
            return
        if record.cancel_wanted:
            record.cancel_wanted = False
            order.state = _PENDING_CANCEL
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
            trigger_price=order.trigger_price,
            expire_ns=order.expire_ns,
            position_side=order.position_side,
            replaces=order.client_order_id,
        )
        if not successor.state.is_final:
            # Its owner did not place it, and has not seen it yet.
            record.owner.on_order(successor)

    # -- sending ---------------------------------------------------------------------------------

    def _blank(
        self,
        owner: Owner,
        desk: Desk,
        side: Side,
        type: OrderType,
        time_in_force: TimeInForce,
        post_only: bool,
        reduce_only: bool,
        trigger_price: Price | None,
        expire_ns: int,
        position_side: PositionSide,
        replaces: str,
    ) -> Order:
        """Make an order that has all but its id, size, price and time."""
        order = copied(desk.blank)
        order.strategy = owner.name
        order.side = side
        order.type = type
        order.time_in_force = time_in_force
        order.post_only = post_only
        order.reduce_only = reduce_only
        order.trigger_price = trigger_price
        order.expire_ns = expire_ns
        order.position_side = position_side
        order.replaces = replaces
        return order

    def _ask(self, owner: Owner, desk: Desk, order: Order, size: Size, price: Price | None) -> Order:
        """Send an order that has all but its id, size, price and time, or refuse it."""
        sender = self._sender
        trace = sender.trace
        trace.decided_ns = now_ns = trace.now_ns()
        order.client_order_id = self._ids.next()
        order.size = size
        order.price = price
        order.created_ns = now_ns if sender.shares_clock else self._now_ns()
        approved = self._approve(order, owner, desk)
        if approved is not None:
            trace.approved_ns = trace.now_ns()
            self._send(order, owner, desk, approved, False)
        return order

    def _approve(self, order: Order, owner: Owner, desk: Desk) -> ApprovedOrder | None:
        """Judge a new order; one that is refused is REJECTED, and its owner told of it later."""
        if self._refusal or owner.refusal:
            self._refuse(order, owner, self._refusal or owner.refusal)
            return None
        reason = desk.refusal(order, order.price, order.size)
        if not reason:
            reason = desk.unsupported(order)
        if not reason:
            reason = self.self_trade.refusal(desk, order.side, order.price, order.type)
        if reason:
            self._refuse(order, owner, reason)
            return None
        verdict = self.risk.approve(order)
        # What is approved is the order itself: one comparison where all is well.
        if verdict is not order and isinstance(verdict, Refused):
            self._refuse(order, owner, verdict.reason)
            return None
        return verdict

    def _send(self, order: Order, owner: Owner, desk: Desk, approved: ApprovedOrder, closes: bool) -> None:
        record = new_record(order, desk, owner)
        record.closes = closes
        self.store.add(record)
        reason = self._sender.place(record, approved)
        if reason:
            self._on_not_placed(record, reason)

    def _cancel_later(self) -> None:
        """Cancel again, after a while, what must go and is open still."""
        if self._again is None:
            # The first delay of a back-off is none, but this is the second attempt already.
            delay_ns = self._backoff.next_ns() or self._backoff.next_ns()
            self._again = self._clock.call_later(delay_ns, self._cancel_again)

    def _cancel_again(self) -> None:
        self._again = None
        for order in [record.order for record in self.store.all_open() if record.unwanted]:
            self.cancel(order)

    def _amend_now(self, record: Record, price: Price, size: Size) -> bool:
        trace = self._sender.trace
        trace.decided_ns = trace.now_ns()
        order, desk = record.order, record.desk
        if price == order.price and size == order.size:
            return True
        if self._refusal or record.owner.refusal:
            return self._refuse_amendment(record, self._refusal or record.owner.refusal)
        reason = _unamendable(order, size)
        if not reason:
            reason = desk.refusal(order, price, size)
        if not reason:
            reason = self.self_trade.refusal(desk, order.side, price, order.type)
        if reason:
            return self._refuse_amendment(record, reason)
        verdict = self.risk.approve_amendment(order, price, size)
        if verdict is not order and isinstance(verdict, Refused):
            return self._refuse_amendment(record, verdict.reason)
        trace.approved_ns = trace.now_ns()
        order.state = _PENDING_REPLACE
        order.pending_price = price
        order.pending_size = size
        record.expose()
        if not desk.amends(order, price, size):
            record.successor = (price, size)
            self._cancel_now(record)
            return True
        reason = self._sender.amend(record, verdict, price, size)
        if reason:
            self._on_not_sent(record, reason)
        return not reason

    def _cancel_now(self, record: Record) -> None:
        trace = self._sender.trace
        trace.decided_ns = trace.now_ns()
        trace.approved_ns = 0
        reason = self._sender.cancel(record)
        if reason:
            self._on_not_sent(record, reason)

    def _on_not_placed(self, record: Record, reason: str) -> None:
        """Refuse an order that the client did not send, although the journal has that it was about to be."""
        record.order.state = OrderState.REJECTED
        self.store.finish(record)
        self._refuse(record.order, record.owner, reason)
        self.journal.order(record.order)

    def _on_not_sent(self, record: Record, reason: str) -> None:
        """Take back a change or cancel that the client did not send."""
        order = record.order
        record.drop_amendment()
        order.reason = reason
        self.counters.refuse(reason)
        if order.state is not _UNKNOWN:
            order.state = supported_state(order)
        record.expose()
        self.journal.order(order)
        if record.unwanted:
            self._cancel_later()
        self._notices.tell_later(record.owner, order)

    def _refuse(self, order: Order, owner: Owner, reason: str) -> None:
        order.state = OrderState.REJECTED
        order.reason = reason
        self.counters.refuse(reason)
        self._notices.tell_later(owner, order)

    def _refuse_amendment(self, record: Record, reason: str) -> bool:
        record.order.reason = reason
        self.counters.refuse(reason)
        self._notices.tell_later(record.owner, record.order)
        return False


def _unamendable(order: Order, size: Size) -> str:
    """Say why an order cannot be given another size, whatever the exchange can do; empty when it can."""
    if size <= order.filled:
        return f"amend: {order.instrument.format_size(order.filled)} is filled already"
    if order.type is not _LIMIT:
        return f"amend: a {order.type.value} order cannot be amended"
    return ""
