"""Work parent orders: split them, follow their children, send what is left to where it is best then."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from hft.clock import Clock, Timer
from hft.errors import OrderError
from hft.events import Fill
from hft.instrument import Instrument
from hft.market import Market
from hft.money import difference, product, total
from hft.order import Order
from hft.plugin.routing import ParentOrder, ParentState, RoutingStyle
from hft.routing.conditions import ExchangeConditions
from hft.routing.interfaces import Orders, Place
from hft.routing.offers import best_of_each_pool, offer_of
from hft.routing.plan import Offer, plan
from hft.types import OrderState, Side, TimeInForce

__all__ = ["Router"]

_ENDED_KEPT = 1_000
"""Ended parent orders that fills may come for late."""

_NOTICE_NS = 1_000
"""A parent order is told of this much later: never from inside a call of the strategy."""


class Router:
    """Works one strategy's parent orders on its markets.

    What was sent is held to be filled until there is evidence that it was not: children that may still
    trade and UNKNOWN ones count with their whole size, and so do those that ended without the exchange
    saying how much of them was filled. Only what is left after that is sent, so that no order of events
    fills more than the parent's size. An exchange has one child of a parent at a time, and none any more
    once it or a risk rule has refused one.

    ``conditions`` are by the exchange's key. ``refusal`` says why nothing may be sent any more, empty while
    something may. ``tell`` is called after a parent's state changed or a fill came.
    """

    def __init__(
        self,
        name: str,
        markets: Sequence[Market],
        place: Place,
        orders: Orders,
        conditions: Mapping[str, ExchangeConditions],
        clock: Clock,
        *,
        refusal: Callable[[], str],
        tell: Callable[[ParentOrder], None],
    ) -> None:
        self._name = name
        self._markets = {market.instrument: market for market in markets}
        self._place = place
        self._orders = orders
        self._conditions = conditions
        self._clock = clock
        self._refusal = refusal
        self._tell = tell
        self._count = 0
        self._works: dict[str, _Work] = {}
        self._ended: dict[str, _Work] = {}
        self._children: dict[str, _Work] = {}
        self._unanswered: set[str] = set()
        self._notices: dict[str, ParentOrder] = {}

    @property
    def parents(self) -> list[ParentOrder]:
        """The parent orders that have not ended, oldest first."""
        return [work.parent for work in self._works.values()]

    def owns(self, order: Order) -> bool:
        """Say whether an order is a child of a parent order."""
        return order.client_order_id in self._children

    # -- what the strategy wants -----------------------------------------------------------------

    def route(
        self,
        instruments: Sequence[Instrument],
        side: Side,
        size: Decimal,
        limit: Decimal | None,
        deadline_ns: int,
        style: RoutingStyle,
    ) -> ParentOrder:
        """Start a parent order; raise `OrderError` for one that cannot be worked."""
        self._check(instruments, size, limit, deadline_ns)
        now_ns = self._clock.now_ns()
        self._count += 1
        parent = ParentOrder(
            parent_id=f"{self._name}-{self._count}",
            strategy=self._name,
            instruments=tuple(instruments),
            side=side,
            size=size,
            limit=limit,
            deadline_ns=deadline_ns,
            style=style,
            created_ns=now_ns,
        )
        work = self._works[parent.parent_id] = _Work(parent)
        work.deadline = self._clock.call_at(deadline_ns, lambda: self._step(work))
        self._step(work)
        return parent

    def cancel(self, parent: ParentOrder) -> None:
        """Send nothing more for a parent order and cancel what is open; nothing happens if it has ended."""
        work = self._works.get(parent.parent_id)
        if work is not None and work.parent is parent:
            self._stop(work, ParentState.CANCELED, "canceled: the strategy asked for it")

    def close(self, reason: str) -> None:
        """Cancel every parent order, because the strategy is stopped."""
        for work in list(self._works.values()):
            self._stop(work, ParentState.CANCELED, reason)

    # -- what became of it -----------------------------------------------------------------------

    def on_order(self, order: Order) -> None:
        """Go on after the state of a child changed."""
        work = self._children.get(order.client_order_id)
        if work is not None:
            self._count_latency(order)
            self._step(work)

    def on_fill(self, fill: Fill) -> None:
        """Note a fill of a child."""
        work = self._children.get(fill.client_order_id)
        if work is not None:
            work.parent.add(fill)
            self._tell_later(work.parent)
            self._step(work)

    # -- the work --------------------------------------------------------------------------------

    def _step(self, work: _Work) -> None:
        """Do what the state of the children and the time ask for; harmless at any time."""
        parent = work.parent
        if parent.state.is_final or work.sending:
            return
        if parent.state is ParentState.WORKING:
            self._go_on(work)
        if parent.state is ParentState.STOPPING and not work.open_children:
            self._end(work)

    def _go_on(self, work: _Work) -> None:
        parent = work.parent
        free = difference(parent.size, work.claimed)
        refusal = self._refusal()
        if parent.remaining <= 0:
            self._stop(work, ParentState.FILLED, "")
        elif refusal:
            self._stop(work, ParentState.CANCELED, refusal)
        elif self._clock.now_ns() >= parent.deadline_ns:
            self._stop(work, ParentState.INCOMPLETE, "deadline: it passed before everything was filled")
        elif free > 0:
            self._send(work, free)
        elif not work.open_children:
            self._stop(
                work,
                ParentState.INCOMPLETE,
                "unsettled: an exchange has not said how much of an order was filled",
            )

    def _send(self, work: _Work, free: Decimal) -> None:
        parent, now_ns = work.parent, self._clock.now_ns()
        if parent.rounds >= parent.style.max_rounds:
            self._nothing_more(work, f"rounds: it was split {parent.rounds} times")
            return
        if now_ns < work.next_ns:
            self._look_again(work)
            return
        work.next_ns = now_ns + parent.style.pause_ns
        wanted = plan(
            self._offers(work), parent.side, free, parent.limit, limit_is_net=parent.style.limit_is_net
        )
        if wanted.children:
            parent.rounds += 1
            work.sending = True
            try:
                for child in wanted.children:
                    order = self._place(
                        child.instrument, parent.side, child.size, child.price, time_in_force=TimeInForce.IOC
                    )
                    parent.children.append(order)
                    self._children[order.client_order_id] = work
                    self._unanswered.add(order.client_order_id)
            finally:
                work.sending = False
            # Also what happened from inside a call, and what could not be sent at all.
            self._look_again(work)
        elif parent.style.wait and not work.exhausted:
            self._look_again(work)
        else:
            self._nothing_more(work, work.refusal or "liquidity: nothing is on offer within the limit")

    def _offers(self, work: _Work) -> list[Offer]:
        parent = work.parent
        offers = []
        for instrument in parent.instruments:
            if work.uses(instrument):
                continue
            conditions = self._conditions[instrument.exchange]
            ours = self._orders.open_orders(instrument)
            offer = offer_of(self._markets[instrument], parent.side, conditions, parent.style, ours)
            if offer is not None:
                offers.append((conditions.pool, offer))
        return best_of_each_pool(offers)

    def _nothing_more(self, work: _Work, reason: str) -> None:
        """End for want of anything to do, once nothing is under way that could change that."""
        if not work.open_children:
            self._stop(work, ParentState.INCOMPLETE, reason)

    def _look_again(self, work: _Work) -> None:
        if work.look is None:
            work.look = self._clock.call_at(work.next_ns, lambda: self._look(work))

    def _look(self, work: _Work) -> None:
        work.look = None
        self._step(work)

    def _stop(self, work: _Work, outcome: ParentState, reason: str) -> None:
        parent = work.parent
        if parent.state is not ParentState.WORKING:
            return
        parent.state, parent.reason, work.outcome = ParentState.STOPPING, reason, outcome
        for timer in (work.look, work.deadline):
            if timer is not None:
                timer.cancel()
        for child in work.open_children:
            self._orders.cancel(child)
        self._tell_later(parent)
        self._step(work)

    def _end(self, work: _Work) -> None:
        parent = work.parent
        parent.state = ParentState.FILLED if parent.remaining <= 0 else work.outcome
        if parent.state is ParentState.FILLED:
            parent.reason = ""
        del self._works[parent.parent_id]
        self._ended[parent.parent_id] = work
        if len(self._ended) > _ENDED_KEPT:
            for child in self._ended.pop(next(iter(self._ended))).parent.children:
                del self._children[child.client_order_id]
                self._unanswered.discard(child.client_order_id)
        self._tell_later(parent)

    def _count_latency(self, order: Order) -> None:
        if (
            order.stamps is not None
            and order.stamps.acknowledged_ns
            and order.client_order_id in self._unanswered
        ):
            self._unanswered.discard(order.client_order_id)
            conditions = self._conditions[order.instrument.exchange]
            conditions.acknowledgements.record(order.stamps.acknowledged_ns - order.stamps.sent_ns)

    def _tell_later(self, parent: ParentOrder) -> None:
        if not self._notices:
            self._clock.call_later(_NOTICE_NS, self._tell_now)
        self._notices[parent.parent_id] = parent

    def _tell_now(self) -> None:
        notices, self._notices = self._notices, {}
        for parent in notices.values():
            self._tell(parent)

    def _check(
        self, instruments: Sequence[Instrument], size: Decimal, limit: Decimal | None, deadline_ns: int
    ) -> None:
        if not instruments:
            raise OrderError("a parent order needs at least one instrument")
        for instrument in instruments:
            if instrument not in self._markets:
                raise OrderError(
                    f"{instrument} is not given to strategy {self._name!r}, add it to its instruments"
                )
            if instrument.exchange not in self._conditions:
                raise OrderError(f"{instrument}: nothing is known of the fees of {instrument.exchange!r}")
            if instrument.inverse:
                raise OrderError(f"{instrument} is inverse: its size is no amount of {instrument.base}")
            if instrument.symbol != instruments[0].symbol:
                raise OrderError(
                    f"{instrument} is not the same as {instruments[0]}, name instruments of one symbol"
                )
        if len(set(instruments)) < len(instruments):
            raise OrderError(f"{instruments[0].symbol}: an instrument is named twice, name each once")
        for what, value in (("size", size), *([] if limit is None else [("limit", limit)])):
            # A type checker says the same, but not every strategy was shown to one.
            if not (isinstance(value, Decimal) and value.is_finite() and value > 0):
                raise OrderError(f"{what} {value!r} is not a positive Decimal")
        if deadline_ns <= self._clock.now_ns():
            raise OrderError(f"deadline {deadline_ns} is past, add a duration to clock.now_ns()")


class _Work:
    """A parent order and what the router notes beside what everybody may see."""

    __slots__ = ("deadline", "look", "next_ns", "outcome", "parent", "sending")

    def __init__(self, parent: ParentOrder) -> None:
        self.parent = parent
        self.deadline: Timer | None = None
        self.look: Timer | None = None
        self.next_ns = 0
        self.outcome = ParentState.INCOMPLETE
        self.sending = False

    @property
    def open_children(self) -> list[Order]:
        return [child for child in self.parent.children if child.is_open]

    @property
    def claimed(self) -> Decimal:
        """Base currency that is filled or may yet turn out to be."""
        return total(
            product(
                child.filled if child.is_settled else max(child.filled, child.largest_size),
                child.instrument.base_per_lot,
            )
            for child in self.parent.children
        )

    @property
    def refusal(self) -> str:
        """The newest refusal of a child, empty if none was refused."""
        return next((c.reason for c in reversed(self.parent.children) if c.state is OrderState.REJECTED), "")

    @property
    def exhausted(self) -> bool:
        """Whether every exchange has refused a child: there is nothing to wait for."""
        refused = {child.instrument for child in self.parent.children if child.state is OrderState.REJECTED}
        return all(instrument in refused for instrument in self.parent.instruments)

    def uses(self, instrument: Instrument) -> bool:
        """Say whether nothing may be sent to an instrument: a child is there, or one was refused."""
        return any(
            child.instrument is instrument and (child.is_open or child.state is OrderState.REJECTED)
            for child in self.parent.children
        )
