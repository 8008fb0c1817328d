"""Where clients' orders are taken, checked, sent to the markets and settled."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from decimal import Decimal
from itertools import count
from typing import Generic, Protocol, TypeVar

from hft.clock import Clock, Timer
from hft.sim.account import DeskAccount
from hft.sim.archive import Archive
from hft.sim.filters import Filters
from hft.sim.market import Step, SyntheticMarket
from hft.sim.matching import Execution, Prevention, RestingOrder, SelfTrade
from hft.sim.orders import ClientOrder, EndReason, Fill, OrderEvent, TriggerPrice
from hft.sim.refusals import Reason, Refused
from hft.sim.triggers import Triggers
from hft.types import OrderState, Price, Side, Size, TimeInForce

__all__ = ["Desk", "DeskListener"]

AccountT = TypeVar("AccountT", bound=DeskAccount)


class DeskListener(Protocol):
    """Is told what happens to orders, after the balances have followed."""

    def on_order(self, order: ClientOrder, event: OrderEvent, fill: Fill | None) -> None:
        """Take note; ``fill`` is there for `OrderEvent.FILL` only."""
        ...


class Desk(ABC, Generic[AccountT]):
    """The orders of many accounts in the markets of one product.

    ``place``, ``cancel`` and ``amend`` are atomic: they raise `Refused` and change nothing, or they
    have happened, with every trade they made, when they return. A subclass knows about money: what
    an order needs before it is taken (`_reserve`), and what a trade moves (`_settle`).
    """

    refuses_fok = False
    """Whether a fill-or-kill order that cannot fill is refused instead of taken and expired."""
    refuses_takers = True
    """Whether a post-only order that would trade at once is refused instead of taken and expired."""

    def __init__(self, clock: Clock, *, first_order_id: int = 1) -> None:
        self.accounts: dict[str, AccountT] = {}
        self.filters: dict[SyntheticMarket, Filters] = {}
        self.listeners: list[DeskListener] = []
        self.archive = Archive()
        self.triggers = Triggers(clock)
        self._clock = clock
        self._order_ids = count(first_order_id)
        self._dates: dict[int, Timer] = {}

    def trade(self, market: SyntheticMarket, filters: Filters) -> None:
        """Open a market to the accounts."""
        self.filters[market] = filters
        market.engine.self_trade = _self_trade
        market.observers.append(self._on_step)

    def close(self) -> None:
        """Cancel every timer and let go of the archive."""
        for timer in self._dates.values():
            timer.cancel()
        self.archive.close()

    # -- what clients do -------------------------------------------------------------------------

    def check(self, order: ClientOrder) -> None:
        """Raise `Refused` if `place` would, as far as that can be told without placing it."""
        account, market = order.account, order.market
        filters = self.filters[market]
        if account.is_open_id(order.client_id):
            raise Refused(Reason.DUPLICATE_ID)
        if order.price is not None and not order.by_exchange:
            filters.check_price(order.price, self._reference(market))
        if not order.by_exchange:
            filters.check_size(order.size, is_market=order.price is None)
        self._check_notional(order, order.size, order.price)
        if account.open_count(market) >= filters.max_orders and not order.by_exchange:
            raise Refused(Reason.TOO_MANY_ORDERS, filters.max_orders)
        if order.trigger is not None:
            waiting = sum(1 for other in account.open_orders(market) if not other.working_ns)
            if waiting >= filters.max_triggers:
                raise Refused(Reason.TOO_MANY_TRIGGERS, filters.max_triggers)
            now = self.price(market, order.trigger.by)
            if now is not None and order.trigger.is_hit(now):
                raise Refused(Reason.WOULD_TRIGGER)
        elif self._would_take(order):
            if self.refuses_takers:
                raise Refused(Reason.WOULD_TAKE)
        elif (
            order.time_in_force is TimeInForce.FOK
            and self.refuses_fok
            and market.engine.sweep(self.draft(order))[0] < order.size
        ):
            raise Refused(Reason.NOT_FILLABLE)

    @staticmethod
    def _would_take(order: ClientOrder) -> bool:
        crosses = order.market.engine.crosses
        return order.post_only and order.price is not None and crosses(order.side, order.price)

    def place(self, order: ClientOrder) -> None:
        """Take an order."""
        order.created_ns = order.updated_ns = self._clock.now_ns()
        try:
            self.check(order)
            self._reserve(order)
        except Refused as refused:
            self.archive.add(order, refused.reason)
            raise
        order.id = next(self._order_ids)
        order.state = OrderState.NEW
        order.account.enter(order)
        if order.good_till_ns:
            self._dates[order.id] = self._clock.call_at(order.good_till_ns, lambda: self._out_of_date(order))
        if order.trigger is not None:
            self._tell(order, OrderEvent.NEW)
            self.triggers.add(order, order.market, order.trigger, lambda: self._triggered(order))
        else:
            order.working_ns = order.created_ns
            self._tell(order, OrderEvent.NEW)
            self._work(order)

    def cancel(self, order: ClientOrder, end: EndReason = EndReason.CLIENT) -> None:
        """End an order; raise `Refused` when it has already ended."""
        if not order.is_open:
            raise Refused(Reason.UNKNOWN_ORDER)
        by_client = end is EndReason.CLIENT
        self._take_back(order)
        self._finish(
            order,
            OrderState.CANCELED if by_client else OrderState.EXPIRED,
            end,
            OrderEvent.CANCELED if by_client else OrderEvent.EXPIRED,
        )

    def amend(
        self,
        order: ClientOrder,
        size: Size,
        price: Price | None = None,
        *,
        client_id: str | None = None,
        keep_place: bool = True,
    ) -> None:
        """Change total size and price; an order that has already traded as much ends CANCELED.

        A smaller size at the same price keeps its place in the queue if ``keep_place``.
        """
        if not order.is_open:
            raise Refused(Reason.UNKNOWN_ORDER)
        if order.price is None:
            raise Refused(Reason.NOT_LIMIT)
        price = order.price if price is None else price
        if (size, price) == (order.size, order.price):
            raise Refused(Reason.NO_CHANGE)
        filters = self.filters[order.market]
        if order.amendments >= filters.max_amendments:
            raise Refused(Reason.TOO_MANY_AMENDMENTS, filters.max_amendments)
        if client_id not in (None, order.client_id) and order.account.is_open_id(client_id or ""):
            raise Refused(Reason.DUPLICATE_ID)
        if size <= order.filled + order.prevented:
            self.cancel(order)
            return
        filters.check_price(price, self._reference(order.market))
        filters.check_size(size, is_market=False)
        self._check_notional(order, size, price)
        if order.post_only and price != order.price and order.market.engine.crosses(order.side, price):
            raise Refused(Reason.WOULD_TAKE)
        self._reserve_again(order, size, price)
        if client_id not in (None, order.client_id):
            order.account.rename(order, client_id or "")
        order.size, order.price = size, price
        order.amendments += 1
        order.updated_ns = self._clock.now_ns()
        self._tell(order, OrderEvent.AMENDED)
        if order.resting is not None:
            order.market.amend(
                order.resting.id, size=self._book_size(order), price=price, keep_place=keep_place
            )

    # -- money, which a subclass knows -----------------------------------------------------------

    @abstractmethod
    def _reserve(self, order: ClientOrder) -> None:
        """Set aside what an order needs; raise `Refused` if it is not there."""

    @abstractmethod
    def _reserve_again(self, order: ClientOrder, size: Size, price: Price) -> None:
        """Set aside what it needs after a change; raise `Refused` and change nothing if it is not there."""

    @abstractmethod
    def _release(self, order: ClientOrder) -> None:
        """Give back what is still set aside for an order that has ended."""

    @abstractmethod
    def _settle(self, order: ClientOrder, execution: Execution, *, is_maker: bool, now_ns: int) -> Fill:
        """Move what one trade moves; the order does not count it yet."""

    def _book_size(self, order: ClientOrder) -> Size:
        """Return the total size with which an order stands in the book."""
        return order.size

    def _after_fills(self, orders: Iterable[ClientOrder]) -> None:
        """See to what trades entail, when all of a step are settled."""

    # -- the life of an order --------------------------------------------------------------------

    def _work(self, order: ClientOrder) -> None:
        order.resting = order.market.submit(
            order.side,
            self._book_size(order),
            order.price,
            time_in_force=order.time_in_force,
            post_only=order.post_only,
            owner=order,
        )
        if order.is_open and order.resting.state.is_final:
            if order.resting.state is OrderState.FILLED:
                end = EndReason.REDUCE_ONLY
            elif order.time_in_force is TimeInForce.FOK:
                end = EndReason.FILL_OR_KILL
            elif order.post_only:
                end = EndReason.NOT_COVERED
            else:
                end = EndReason.NO_LIQUIDITY if order.price is None else EndReason.IMMEDIATE
            self._finish(order, OrderState.EXPIRED, end, OrderEvent.EXPIRED)

    def _triggered(self, order: ClientOrder) -> None:
        if not order.is_open:
            return
        order.updated_ns = order.working_ns = self._clock.now_ns()
        try:
            if not order.reserved:
                self._reserve(order)
        except Refused:
            self._finish(order, OrderState.EXPIRED, EndReason.NOT_COVERED, OrderEvent.EXPIRED)
            return
        self._tell(order, OrderEvent.TRIGGERED)
        self._work(order)

    def _out_of_date(self, order: ClientOrder) -> None:
        if order.is_open:
            self.cancel(order, EndReason.DATE)

    def _on_step(self, step: Step) -> None:
        touched: dict[int, ClientOrder] = {}
        for execution in step.executions:
            for resting, is_maker in ((execution.maker, True), (execution.taker, False)):
                order = resting.owner
                if isinstance(order, ClientOrder):
                    self._fill(order, execution, is_maker=is_maker, now_ns=step.time_ns)
                    touched[order.id] = order
        for prevention in step.preventions:
            self._prevented(prevention)
        if touched:
            self._after_fills(touched.values())
        if step.trades:
            instrument = step.market.instrument
            for price in {trade.price for trade in step.trades}:
                self.triggers.check(step.market, TriggerPrice.LAST, instrument.price_to_decimal(price))

    def _fill(self, order: ClientOrder, execution: Execution, *, is_maker: bool, now_ns: int) -> None:
        fill = self._settle(order, execution, is_maker=is_maker, now_ns=now_ns)
        order.filled = Size(order.filled + execution.size)
        order.turnover += execution.price * execution.size
        order.updated_ns = order.account.updated_ns = now_ns
        order.state = OrderState.PARTIALLY_FILLED if order.filled < order.size else OrderState.FILLED
        order.fills.append(fill)
        order.account.fills.append(fill)
        if order.state is OrderState.FILLED:
            self._leave(order)
        self._tell(order, OrderEvent.FILL, fill)
        if order.is_open and order.resting is not None and order.resting.state is OrderState.FILLED:
            # Only as much of it stood in the book as there was to reduce.
            self._finish(order, OrderState.EXPIRED, EndReason.REDUCE_ONLY, OrderEvent.EXPIRED)

    def _prevented(self, prevention: Prevention) -> None:
        expired = {
            SelfTrade.EXPIRE_MAKER: (prevention.maker,),
            SelfTrade.EXPIRE_TAKER: (prevention.taker,),
            SelfTrade.EXPIRE_BOTH: (prevention.maker, prevention.taker),
        }.get(prevention.how, ())
        for resting in (prevention.maker, prevention.taker):
            order = resting.owner
            assert isinstance(order, ClientOrder)
            if prevention.how is SelfTrade.DECREMENT:
                order.prevented = Size(order.prevented + prevention.size)
                if order.price is not None:
                    self._reserve_again(order, order.size, order.price)
            order.updated_ns = self._clock.now_ns()
            if order.is_open and (resting in expired or not order.remaining):
                self._finish(order, OrderState.EXPIRED, EndReason.SELF_TRADE, OrderEvent.EXPIRED)
            elif prevention.how is SelfTrade.DECREMENT:
                self._tell(order, OrderEvent.PREVENTED)

    def _take_back(self, order: ClientOrder) -> None:
        if order.resting is not None:
            order.market.cancel(order.resting.id)
        elif order.trigger is not None:
            self.triggers.discard(order, order.market)

    def _finish(self, order: ClientOrder, state: OrderState, end: EndReason, event: OrderEvent) -> None:
        order.state, order.end = state, end
        order.updated_ns = self._clock.now_ns()
        self._leave(order)
        self._tell(order, event)

    def _leave(self, order: ClientOrder) -> None:
        timer = self._dates.pop(order.id, None)
        if timer is not None:
            timer.cancel()
        self._release(order)
        order.account.leave(order)
        self.archive.add(order)

    def _tell(self, order: ClientOrder, event: OrderEvent, fill: Fill | None = None) -> None:
        order.account.updated_ns = order.updated_ns
        for listener in self.listeners:
            listener.on_order(order, event, fill)

    # -- prices ----------------------------------------------------------------------------------

    @staticmethod
    def draft(order: ClientOrder, size: Size | None = None) -> RestingOrder:
        """Return an order as the engine would have it, to ask what it would do."""
        lots = order.remaining if size is None else size
        return RestingOrder(0, order.side, order.price, lots, order)

    def _reference(self, market: SyntheticMarket) -> Decimal:
        """Return what limit prices are compared with, in ticks: mark price, last trade or touch."""
        if market.mark is not None:
            return market.mark.mark / market.instrument.tick_size
        if market.statistics.last is not None:
            return Decimal(market.statistics.last.price)
        best = market.engine.best(Side.BUY) or market.engine.best(Side.SELL)
        return Decimal(0 if best is None else best[0])

    @staticmethod
    def price(market: SyntheticMarket, by: TriggerPrice) -> Decimal | None:
        """Return what triggers are compared with, None while it is unknown."""
        if by is TriggerPrice.MARK:
            return None if market.mark is None else market.mark.mark
        last = market.statistics.last
        return None if last is None else market.instrument.price_to_decimal(last.price)

    def _check_notional(self, order: ClientOrder, size: Size, price: Price | None) -> None:
        if order.reduce_only or order.by_exchange:
            return
        market = order.market
        if price is None:
            best = market.engine.best(order.side.opposite)
            if best is None:
                return
            price = best[0]
        self.filters[market].check_notional(Decimal(price * size) * market.instrument.point_value)


def _self_trade(maker: RestingOrder, taker: RestingOrder) -> SelfTrade:
    """Ask the taker what is to happen where both orders are of one account."""
    assert isinstance(maker.owner, ClientOrder)
    assert isinstance(taker.owner, ClientOrder)
    same = maker.owner.account is taker.owner.account
    return taker.owner.self_trade if same else SelfTrade.ALLOW
