"""Match orders of one instrument by price, then time, as an exchange does."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from itertools import count, islice

import attrs
from sortedcontainers import SortedDict

from hft.book import Level
from hft.types import OrderState, Price, Side, Size, TimeInForce, quick

__all__ = ["Execution", "MatchingEngine", "Prevention", "RestingOrder", "SelfTrade"]


@quick
class SelfTrade(enum.Enum):
    """What becomes of two orders that would trade although they belong together."""

    ALLOW = "allow"
    EXPIRE_TAKER = "expire-taker"
    EXPIRE_MAKER = "expire-maker"
    EXPIRE_BOTH = "expire-both"
    DECREMENT = "decrement"
    """Both lose what would have traded; the one that has nothing left expires."""


@attrs.define(eq=False)
class RestingOrder:
    """An order as the exchange has it; only the engine changes it.

    ``price`` is None for a market order. ``owner`` is whatever placed it (None for the synthetic
    flow), carried so that whoever reads executions knows whom to tell. ``id`` is unique within the
    engine and grows with every order.
    """

    id: int
    side: Side
    price: Price | None
    size: Size
    owner: object
    post_only: bool = False
    filled: Size = Size(0)
    prevented: Size = Size(0)
    """Lots that did not trade because both sides belonged together; they count as gone."""
    state: OrderState = OrderState.NEW

    @property
    def remaining(self) -> Size:
        """Lots that may still trade."""
        return Size(self.size - self.filled - self.prevented)


@attrs.define(eq=False)
class Execution:
    """A trade between two orders, at the price of the one that rested."""

    trade_id: int
    maker: RestingOrder
    taker: RestingOrder
    price: Price
    size: Size


@attrs.define(eq=False)
class Prevention:
    """A trade that did not happen because both orders belong together."""

    maker: RestingOrder
    taker: RestingOrder
    price: Price
    size: Size
    how: SelfTrade


def _ignore_execution(_: Execution) -> None:
    """Stand in for a listener."""


def _ignore_prevention(_: Prevention) -> None:
    """Stand in for a listener."""


def _allow(_maker: RestingOrder, _taker: RestingOrder) -> SelfTrade:
    """Let everybody trade with everybody."""
    return SelfTrade.ALLOW


def _ignore_level(_side: Side, _price: Price, _size: Size) -> None:
    """Stand in for a listener."""


class _Queue:
    """The orders at one price, first come first served, and their total."""

    __slots__ = ("orders", "total")

    def __init__(self) -> None:
        # A dict keeps the order of arrival and takes an order out of its middle at once.
        self.orders: dict[int, RestingOrder] = {}
        self.total = 0


class MatchingEngine:
    """The order book of one instrument, order by order, in whole ticks and lots.

    Every call is one atomic step. During it ``on_execution`` is called for each trade, in the order
    in which they happen, and ``on_level`` once for each price whose total changed, with the new
    total. After it the book is not crossed: whatever could trade has traded. Trade ids are
    contiguous.

    Two orders with owners ask ``self_trade`` (maker, taker) before they trade; where it does not
    allow it, ``on_prevention`` is called instead of ``on_execution``.
    """

    def __init__(self, *, first_trade_id: int = 1) -> None:
        self.on_execution: Callable[[Execution], None] = _ignore_execution
        self.on_prevention: Callable[[Prevention], None] = _ignore_prevention
        self.self_trade: Callable[[RestingOrder, RestingOrder], SelfTrade] = _allow
        self.on_level: Callable[[Side, Price, Size], None] = _ignore_level
        # Bids are kept under the negated price, so that the best is the first on either side.
        self._sides: dict[Side, SortedDict[int, _Queue]] = {Side.BUY: SortedDict(), Side.SELL: SortedDict()}
        self._orders: dict[int, RestingOrder] = {}
        self._order_ids = count(1)
        self._trade_ids = count(first_trade_id)

    # -- orders ----------------------------------------------------------------------------------

    def submit(
        self,
        side: Side,
        size: int,
        price: int | None = None,
        *,
        time_in_force: TimeInForce = TimeInForce.GTC,
        post_only: bool = False,
        owner: object = None,
    ) -> RestingOrder:
        """Match an order and leave what remains in the book; return it in the state it has then.

        Without a price it is a market order: it takes what there is, and its remainder is EXPIRED as
        that of an IOC order is. A FOK order that cannot trade whole is EXPIRED untouched, a post-only
        order that would trade at once is REJECTED. Raises `ValueError` for a size or price that is
        not positive.
        """
        if size <= 0 or (price is not None and price <= 0):
            raise ValueError(f"order of {size} lots at {price} ticks is not positive")
        limit = None if price is None else Price(price)
        order = RestingOrder(next(self._order_ids), side, limit, Size(size), owner, post_only)
        if post_only and limit is not None and self.crosses(side, limit):
            order.state = OrderState.REJECTED
        elif time_in_force is TimeInForce.FOK and self._available(order) < size:
            order.state = OrderState.EXPIRED
        else:
            self._match(order)
            if order.remaining and not order.state.is_final:
                if limit is None or time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
                    order.state = OrderState.EXPIRED
                else:
                    self._rest(order, limit)
        return order

    def cancel(self, order_id: int) -> RestingOrder | None:
        """Take an order out of the book and return it, CANCELED; None when it is not there."""
        order = self._orders.get(order_id)
        if order is not None:
            self._remove(order)
            order.state = OrderState.CANCELED
        return order

    def amend(self, order_id: int, *, size: int, price: int | None = None, keep_place: bool = True) -> bool:
        """Change total size and price of a resting order; False, and nothing changed, when refused.

        Making it smaller at its price keeps its place in the queue, unless ``keep_place`` is False;
        anything else sends it to the back, and may trade. Refused are: an order that is not in the
        book, a total size that is not above what has traded or was kept from it, and a post-only
        order that would trade at once.
        """
        order = self._orders.get(order_id)
        if order is None or order.price is None or size <= order.filled + order.prevented:
            return False
        new_price = order.price if price is None else Price(price)
        if new_price <= 0:
            raise ValueError(f"price of {new_price} ticks is not positive")
        if keep_place and new_price == order.price and size <= order.size:
            queue = self._sides[order.side][self._key(order.side, new_price)]
            queue.total -= order.size - size
            order.size = Size(size)
            self.on_level(order.side, new_price, Size(queue.total))
            return True
        if order.post_only and self.crosses(order.side, new_price):
            return False
        self._remove(order, quiet=new_price == order.price)
        order.size, order.price = Size(size), new_price
        self._match(order)
        if order.remaining and not order.state.is_final:
            self._rest(order, new_price)
        return True

    # -- the book --------------------------------------------------------------------------------

    def order(self, order_id: int) -> RestingOrder | None:
        """Return a resting order, None when it is not in the book."""
        return self._orders.get(order_id)

    def best(self, side: Side) -> Level | None:
        """Return the best level of a side, None when it is empty."""
        levels = self._sides[side]
        if not levels:
            return None
        key, queue = levels.peekitem(0)
        return Price(abs(key)), Size(queue.total)

    def levels(self, side: Side, n: int | None = None) -> list[Level]:
        """Return the best ``n`` levels of a side (all by default), best first."""
        return [(Price(abs(key)), Size(queue.total)) for key, queue in islice(self._sides[side].items(), n)]

    def level_count(self, side: Side) -> int:
        """Return how many prices of a side have orders."""
        return len(self._sides[side])

    def size_at(self, side: Side, price: Price) -> Size:
        """Return the total at a price, 0 when there is none."""
        queue = self._sides[side].get(self._key(side, price))
        return Size(queue.total if queue else 0)

    def queue(self, side: Side, price: Price) -> list[RestingOrder]:
        """Return the orders at a price, the next to trade first."""
        queue = self._sides[side].get(self._key(side, price))
        return list(queue.orders.values()) if queue else []

    def crosses(self, side: Side, price: Price) -> bool:
        """Whether a limit order would trade at once."""
        best = self.best(side.opposite)
        return best is not None and (price - best[0]) * side.sign >= 0

    def sweep(self, taker: RestingOrder, budget: int | None = None) -> tuple[Size, int]:
        """Tell what an order would trade now: its lots, and what they cost in ticks times lots.

        Where ``budget`` is given it ends before the cost exceeds it. Lots that ``self_trade`` would
        take out of the way are passed over.
        """
        left, cost = int(taker.remaining), 0
        for price, queue in self._matchable(taker.side, taker.price):
            for maker in queue.orders.values():
                if not self._may_trade(maker, taker):
                    continue
                lots = min(left, maker.remaining)
                if budget is not None:
                    lots = min(lots, (budget - cost) // price)
                left, cost = left - lots, cost + lots * price
                if not left or lots < maker.remaining:
                    return Size(taker.remaining - left), cost
        return Size(taker.remaining - left), cost

    def worst(self, side: Side) -> Level | None:
        """Return the level of a side farthest from the other side, None when it is empty."""
        levels = self._sides[side]
        if not levels:
            return None
        key, queue = levels.peekitem(-1)
        return Price(abs(key)), Size(queue.total)

    # -- inside ----------------------------------------------------------------------------------

    @staticmethod
    def _key(side: Side, price: int) -> int:
        return -price if side is Side.BUY else price

    def _matchable(self, side: Side, price: Price | None) -> Iterator[tuple[Price, _Queue]]:
        """Yield the levels that an order could trade with, best first."""
        for key, queue in self._sides[side.opposite].items():
            level = Price(abs(key))
            if price is not None and (price - level) * side.sign < 0:
                return
            yield level, queue

    def _may_trade(self, maker: RestingOrder, taker: RestingOrder) -> bool:
        both_owned = maker.owner is not None and taker.owner is not None
        return not both_owned or self.self_trade(maker, taker) is SelfTrade.ALLOW

    def _available(self, taker: RestingOrder) -> int:
        if taker.owner is not None:
            return self.sweep(taker)[0]
        total = 0
        for _, queue in self._matchable(taker.side, taker.price):
            total += queue.total
            if total >= taker.size:
                break
        return total

    def _match(self, taker: RestingOrder) -> None:
        maker_side = taker.side.opposite
        levels = self._sides[maker_side]
        while taker.remaining and not taker.state.is_final:
            price, queue = next(self._matchable(taker.side, taker.price), (Price(0), None))
            if queue is None:
                return
            while taker.remaining and queue.orders and not taker.state.is_final:
                maker = next(iter(queue.orders.values()))
                size = Size(min(taker.remaining, maker.remaining))
                if maker.owner is not None and taker.owner is not None:
                    how = self.self_trade(maker, taker)
                    if how is not SelfTrade.ALLOW:
                        self._prevent(Prevention(maker, taker, price, size, how), queue)
                        continue
                queue.total -= size
                for order in (maker, taker):
                    order.filled = Size(order.filled + size)
                    order.state = OrderState.PARTIALLY_FILLED if order.remaining else OrderState.FILLED
                if not maker.remaining:
                    del queue.orders[maker.id], self._orders[maker.id]
                self.on_execution(Execution(next(self._trade_ids), maker, taker, price, size))
            if not queue.orders:
                del levels[self._key(maker_side, price)]
            self.on_level(maker_side, price, Size(queue.total))

    def _prevent(self, prevention: Prevention, queue: _Queue) -> None:
        maker, taker, how = prevention.maker, prevention.taker, prevention.how
        if how is SelfTrade.DECREMENT:
            queue.total -= prevention.size
            for order in (maker, taker):
                order.prevented = Size(order.prevented + prevention.size)
        gone = {
            SelfTrade.EXPIRE_MAKER: (maker,),
            SelfTrade.EXPIRE_TAKER: (taker,),
            SelfTrade.EXPIRE_BOTH: (maker, taker),
        }.get(how, tuple(order for order in (maker, taker) if not order.remaining))
        for order in gone:
            order.state = OrderState.EXPIRED
        if maker in gone:
            queue.total -= maker.remaining
            del queue.orders[maker.id], self._orders[maker.id]
        self.on_prevention(prevention)

    def _rest(self, order: RestingOrder, price: Price) -> None:
        levels = self._sides[order.side]
        key = self._key(order.side, price)
        queue = levels.get(key)
        if queue is None:
            queue = levels[key] = _Queue()
        queue.orders[order.id] = self._orders[order.id] = order
        queue.total += order.remaining
        self.on_level(order.side, price, Size(queue.total))

    def _remove(self, order: RestingOrder, *, quiet: bool = False) -> None:
        assert order.price is not None
        levels = self._sides[order.side]
        key = self._key(order.side, order.price)
        queue = levels[key]
        del queue.orders[order.id], self._orders[order.id]
        queue.total -= order.remaining
        if not queue.orders:
            del levels[key]
        if not quiet:
            self.on_level(order.side, order.price, Size(queue.total))
