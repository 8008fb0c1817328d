"""What one strategy trades through: its quotes, its orders, its timers."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial

from hft.book import Level, OrderBook
from hft.clock import Clock, SimulatedClock, Timer
from hft.errors import OrderError
from hft.events import Fill
from hft.instrument import Instrument
from hft.market import Market
from hft.order import Order, OrderRequest
from hft.orders.guard import Guard
from hft.orders.interfaces import Ledger
from hft.orders.manager import OrderManager
from hft.orders.owner import Owner
from hft.orders.quoter import Quoter
from hft.orders.whole import check_whole
from hft.plugin.routing import DEFAULT_STYLE, ParentOrder, RoutingStyle
from hft.routing import ExchangeConditions, Router
from hft.types import OrderType, PositionSide, Price, Side, Size, TimeInForce

__all__ = ["StrategyTrading"]


class StrategyTrading(Owner):
    """The `Trading` of one strategy, and the owner of its orders.

    ``log`` takes a line; ``on_fault(name, error)`` is told what the strategy raised, after its orders
    were cancelled and its timers stopped. `close` does the same at the end of a run. ``on_order`` and
    ``on_fill`` reach the quotes first, then the strategy, then its parent orders. ``conditions`` are those of
    each exchange to which orders may be routed.
    """

    def __init__(
        self,
        name: str,
        markets: Sequence[Market],
        manager: OrderManager,
        ledger: Ledger,
        *,
        clock: Clock,
        random: random.Random,
        log: Callable[[str], None],
        on_fault: Callable[[str, Exception], None],
        conditions: Mapping[str, ExchangeConditions] | None = None,
    ) -> None:
        self.name = name
        self.clock = clock
        self.random = random
        self.markets: Sequence[Market] = tuple(markets)
        self.refusal = ""
        self.guard = Guard(self._fail)
        # None is what the strategy does not override.
        self.tell_order: Callable[[Order], None] | None = None
        self.tell_fill: Callable[[Fill], None] | None = None
        self.tell_parent: Callable[[ParentOrder], None] | None = None
        self._manager = manager
        self._ledger = ledger
        self._log = log
        self._on_fault = on_fault
        self._timers: set[_Repeating] = set()
        # A quoter's randomness is its own: how often it waits must not change what the strategy draws.
        self._quoters = {
            market.instrument: Quoter(manager, self, market.instrument, clock, _fork(random))
            for market in self.markets
        }
        self._router = Router(
            name,
            self.markets,
            partial(manager.place, self),
            manager,
            {} if conditions is None else conditions,
            clock,
            refusal=lambda: self.refusal,
            tell=self._on_parent,
        )
        # The one asked for last is nearly always the one that is asked for next.
        self._last_instrument: Instrument | None = None
        self._last_quoter: Quoter | None = None
        self._routes = False
        """Whether the router has ever had an order."""

    # -- what the strategy calls -----------------------------------------------------------------

    def position(self, instrument: Instrument) -> Size:
        return self._ledger.position(instrument)

    def open_orders(self, instrument: Instrument) -> list[Order]:
        return [order for order in self._manager.open_orders(instrument) if order.strategy == self.name]

    def quote(self, instrument: Instrument, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        self._quoter(instrument).quote(bids, asks)

    def place(
        self,
        instrument: Instrument,
        side: Side,
        size: Size,
        price: Price | None = None,
        *,
        type: OrderType = OrderType.LIMIT,
        time_in_force: TimeInForce = TimeInForce.GTC,
        post_only: bool = False,
        reduce_only: bool = False,
        trigger_price: Price | None = None,
        expire_ns: int = 0,
        position_side: PositionSide = PositionSide.BOTH,
    ) -> Order:
        self._quoter(instrument)
        check_whole(0 if price is None else price, size)
        check_whole(0 if trigger_price is None else trigger_price, size)
        return self._manager.place(
            self,
            instrument,
            side,
            size,
            price,
            type=type,
            time_in_force=time_in_force,
            post_only=post_only,
            reduce_only=reduce_only,
            trigger_price=trigger_price,
            expire_ns=expire_ns,
            position_side=position_side,
        )

    def place_batch(self, instrument: Instrument, requests: Sequence[OrderRequest]) -> list[Order]:
        self._quoter(instrument)
        for request in requests:
            check_whole(0 if request.price is None else request.price, request.size)
        return self._manager.place_batch(self, instrument, requests)

    def amend(self, order: Order, price: Price, size: Size) -> None:
        self._check_placed(order)
        check_whole(price, size)
        self._manager.amend(order, price, size)

    def cancel(self, order: Order) -> None:
        self._check_placed(order)
        self._manager.cancel(order)

    def route(
        self,
        instruments: Sequence[Instrument],
        side: Side,
        size: Decimal,
        limit: Decimal | None = None,
        *,
        deadline_ns: int,
        style: RoutingStyle = DEFAULT_STYLE,
    ) -> ParentOrder:
        self._routes = True
        return self._router.route(instruments, side, size, limit, deadline_ns, style)

    def cancel_parent(self, parent: ParentOrder) -> None:
        self._router.cancel(parent)

    def every(self, interval_ns: int, callback: Callable[[], None]) -> Timer:
        if interval_ns <= 0:
            raise ValueError(f"interval must be positive, got {interval_ns}")
        timer = _Repeating(self.clock, interval_ns, callback, self.guard, self._timers)
        if self.refusal:
            timer.cancel()
        return timer

    def log(self, message: str) -> None:
        self._log(f"{self.name}: {message}")

    # -- what the kernel calls -------------------------------------------------------------------

    def on_order(self, order: Order) -> None:
        self._quoter(order.instrument).on_order(order)
        if self.tell_order is not None:
            self.tell_order(order)
        if self._routes:
            self._router.on_order(order)

    def on_fill(self, fill: Fill) -> None:
        self._quoter(fill.instrument).on_fill(fill)
        if self.tell_fill is not None:
            self.tell_fill(fill)
        if self._routes:
            self._router.on_fill(fill)

    def _on_parent(self, parent: ParentOrder) -> None:
        if self.tell_parent is not None:
            self.tell_parent(parent)

    def on_book_lost(self, book: OrderBook) -> None:
        """Withdraw the quotes on a book that left LIVE."""
        self._quoters[book.instrument].withdraw()

    def refuse(self, reason: str) -> None:
        """Refuse every order of this strategy from now on."""
        self.refusal = self.refusal or reason

    def close(self, reason: str) -> None:
        """Stop for good: cancel every order of this strategy, stop its timers, call it no more."""
        self.refuse(reason)
        self.guard.close()
        for timer in list(self._timers):
            timer.cancel()
        for quoter in self._quoters.values():
            quoter.withdraw()
        self._router.close(reason)
        self._manager.cancel_all(strategy=self.name)

    def _fail(self, error: Exception) -> None:
        self.close(f"stopped: the strategy raised {type(error).__name__}")
        self._on_fault(self.name, error)

    def _quoter(self, instrument: Instrument) -> Quoter:
        if instrument is self._last_instrument and self._last_quoter is not None:
            return self._last_quoter
        quoter = self._quoters.get(instrument)
        if quoter is None:
            raise OrderError(
                f"{instrument} is not given to strategy {self.name!r}, add it to its instruments"
            )
        self._last_instrument, self._last_quoter = instrument, quoter
        return quoter

    def _check_placed(self, order: Order) -> None:
        if self._quoter(order.instrument).owns(order):
            raise OrderError(f"order {order.client_order_id} is a quote, change it by stating other quotes")
        if self._router.owns(order):
            raise OrderError(f"order {order.client_order_id} is a child, cancel its parent order")


class _Repeating(Timer):
    """A timer that sets itself again at whole multiples of its interval, until cancelled."""

    __slots__ = (
        "_again",
        "_call_at",
        "_current",
        "_guard",
        "_interval_ns",
        "_may_be_late",
        "_now_ns",
        "_running",
    )

    def __init__(
        self,
        clock: Clock,
        interval_ns: int,
        callback: Callable[[], None],
        guard: Guard,
        running: set[_Repeating],
    ) -> None:
        super().__init__(clock.now_ns() + interval_ns, callback)
        self._now_ns, self._call_at = clock.now_ns, clock.call_at
        # Simulated time stops at every call that is due.
        self._may_be_late = not isinstance(clock, SimulatedClock)
        self._interval_ns = interval_ns
        self._guard = guard
        self._running = running
        self._running.add(self)
        # Bound once, and not at every turn.
        self._again = self._repeat
        self._current = self._call_at(self.when_ns, self._again)

    def cancel(self) -> None:
        Timer.cancel(self)
        self._current.cancel()
        self._running.discard(self)

    def fire(self) -> None:
        if not self._cancelled:
            self._guard.call(self.callback)

    def _repeat(self) -> None:
        when_ns = self.when_ns + self._interval_ns
        if self._may_be_late:
            now_ns = self._now_ns()
            if when_ns <= now_ns:
                # Calls that were missed while the process was busy are not made up for.
                when_ns += (now_ns - when_ns) // self._interval_ns * self._interval_ns + self._interval_ns
        self.when_ns = when_ns
        self._current = self._call_at(when_ns, self._again)
        self._guard.call(self.callback)


def _fork(source: random.Random) -> random.Random:
    return random.Random(source.getrandbits(64))
