"""Decide which of our simulated orders fill, when and at what price.

The one model behind dry-run, backtest and the simulators: it knows one instrument's book and our
orders, is told what happens in the order in which it happens, and does no I/O and asks no clock.
``docs/explanation/dry-run.md`` states its assumptions in plain words.
"""

from __future__ import annotations

import enum
from collections.abc import Hashable, Iterator, Sequence
from typing import Any, NamedTuple

from hft.book import Level, OrderBook
from hft.paper.market_orders import MarketOrder, MarketOrders
from hft.paper.queue import L3Queue, QueueModel
from hft.paper.resting import OwnLevel, OwnOrder, OwnSide
from hft.types import BookState, Liquidity, Price, Side, Size, TimeInForce, quick

__all__ = ["Arrival", "FillModel", "Match", "Outcome"]

_NEAR = 16
"""Levels looked at first: copying a whole book of thousands for an order that takes one is a waste."""


class Match(NamedTuple):
    """A part of an order that traded."""

    order_id: Any
    price: Price
    size: Size
    liquidity: Liquidity


@quick
class Outcome(enum.Enum):
    """What became of an order, or of an amendment, on arrival."""

    RESTING = "resting"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"


class Arrival(NamedTuple):
    """The answer to an order: its outcome, what of it traded at once, and why it was refused.

    ``ahead`` are the lots that are shown before one that begins to wait.
    """

    outcome: Outcome
    matches: Sequence[Match] = ()
    reason: str = ""
    ahead: int = 0


class FillModel:
    """Holds our orders in one instrument as its exchange would.

    Orders are known by what the caller chooses: an integer, or any other key of a dictionary. Prices are
    ticks, sizes lots. ``book`` is read, never written: our orders do not move the market. Call `on_book`
    after every update of the book and `on_trade` for every public trade. Every call returns what it made
    trade.

    ``orders`` is for whoever plays a recording of single orders: they make the book. What becomes of them
    is told by `on_leave`, `on_fill` and `on_snapshot`, which matter to the queue model `L3Queue` alone; with
    it, public trades fill nobody, since their fills are told one by one.
    """

    def __init__(self, book: OrderBook, queue: QueueModel) -> None:
        self.book = book
        self.queue = queue
        self.orders = MarketOrders(book)
        self._is_l3 = isinstance(queue, L3Queue)
        self._orders: dict[Hashable, OwnOrder] = {}
        self._bids = OwnSide(Side.BUY)
        self._asks = OwnSide(Side.SELL)

    # -- orders ----------------------------------------------------------------------------------

    def place(
        self,
        order_id: Hashable,
        side: Side,
        price: Price | None,
        size: Size,
        time_in_force: TimeInForce = TimeInForce.GTC,
        post_only: bool = False,
    ) -> Arrival:
        """Let an order arrive: it takes what it crosses, and the rest waits or is cancelled.

        ``price`` None is a market order, which never waits. A limit order is matched level by level
        at the levels' prices, as far as sizes are shown. Without a LIVE book nothing is known that
        it could be matched with, and it is refused.
        """
        if self.book.state is not BookState.LIVE:
            return _refused(f"book is {self.book.state.value}, not LIVE")
        if post_only and price is not None and self._would_cross(side, price):
            return _refused("would cross")
        levels = self._reachable(side, price, size)
        if time_in_force is TimeInForce.FOK and sum(taken for _, taken in levels) < size:
            return Arrival(Outcome.CANCELED, reason="cannot be filled at once in full")
        matches = self._take(order_id, side, levels)
        filled = sum(match.size for match in matches)
        if filled == size:
            return Arrival(Outcome.FILLED, matches)
        if price is None or time_in_force is not TimeInForce.GTC:
            return Arrival(Outcome.CANCELED, matches, "no liquidity")
        order = OwnOrder(order_id, side, price, size, filled, post_only)
        return Arrival(Outcome.RESTING, matches, ahead=self._rest(order))

    def amend(self, order_id: Hashable, price: Price, size: Size) -> Arrival:
        """Change price and total size of a waiting order.

        A smaller size at the same price keeps the place in the queue, all else loses it: the order
        arrives anew with what it lacks. A refused amendment leaves the order as it was.
        """
        order = self._orders.get(order_id)
        if order is None:
            return _refused("order is not open")
        if size <= order.filled:
            return _refused(f"size {size} is not above the {order.filled} filled")
        if price == order.price and size <= order.size:
            order.size = size
            return Arrival(Outcome.RESTING)
        if self.book.state is not BookState.LIVE:
            return _refused(f"book is {self.book.state.value}, not LIVE")
        if order.post_only and self._would_cross(order.side, price):
            return _refused("would cross")
        self._own(order.side).remove(order)
        order.price, order.size = price, size
        matches = self._take(order_id, order.side, self._reachable(order.side, price, order.remaining))
        order.filled += sum(match.size for match in matches)
        if not order.remaining:
            del self._orders[order_id]
            return Arrival(Outcome.FILLED, matches)
        return Arrival(Outcome.RESTING, matches, ahead=self._rest(order))

    def cancel(self, order_id: Hashable) -> Size:
        """Remove a waiting order; return the lots that it had left, 0 if it is not there."""
        order = self._orders.pop(order_id, None)
        if order is None:
            return Size(0)
        self._own(order.side).remove(order)
        return Size(order.remaining)

    def ahead(self, order_id: Hashable) -> float | None:
        """Return the lots ahead of a waiting order as they are estimated, None if it is not there."""
        order = self._orders.get(order_id)
        return None if order is None else order.ahead

    # -- the market ------------------------------------------------------------------------------

    def on_book(self) -> Sequence[Match]:
        """Learn that the book was updated: queues shorten, and a price that reaches ours trades.

        What the book shows at or through the price of a waiting order would have met that order
        instead of being shown, so it fills the order at the order's price, up to the size shown.
        """
        book = self.book
        if book.state is not BookState.LIVE:
            return ()
        for own in (self._bids, self._asks):
            if own.taken:
                own.forget_changed(book)
            for price, level in own.levels.items():
                shown = book.size_at(own.side, price)
                if shown != level.shown or price in own.printed:
                    own.measure(price, shown, self.queue, book.exchange_ns)
            own.printed.clear()
        if not self._orders:
            return ()
        matches: list[Match] = []
        self._cross(self._bids, matches)
        self._cross(self._asks, matches)
        return matches

    def on_trade(self, side: Side, price: Price, size: Size, exchange_ns: int) -> Sequence[Match]:
        """Learn of a public trade; ``side`` is the aggressor's.

        At our price it uses up what is ahead of our orders and then fills them, with no more than
        its size. Through our price it fills them whole: the exchange would not have traded there
        while anything was left at ours. Trades count whatever the state of the book is.
        """
        book = self.book
        own = self._asks if side is Side.BUY else self._bids
        is_new = exchange_ns == 0 or exchange_ns > book.exchange_ns
        # Only an update of a LIVE book clears what was printed: without one it would only grow.
        if is_new and book.state is BookState.LIVE:
            own.printed[price] = own.printed.get(price, 0) + size
        if not own.levels or self._is_l3:
            return ()
        matches: list[Match] = []
        for level_price in _best_first(own):
            if (level_price - price) * side.sign > 0:
                break
            level = own.levels[level_price]
            if level_price == price:
                self._trade_at(level, size, exchange_ns, matches)
            else:
                self._trade_through(level, exchange_ns, matches)
        return matches

    def on_leave(self, side: Side, price: Price, rank: int, lots: int) -> None:
        """Learn that lots of somebody's order have left the place that it had."""
        level = self._own(side).levels.get(price)
        if level is not None and self._is_l3:
            for order in level.orders:
                if rank < order.rank:
                    order.ahead = max(0.0, order.ahead - lots)

    def on_fill(self, order: MarketOrder, size: int) -> Sequence[Match]:
        """Learn that so much of somebody's waiting order traded.

        Ours that stand before it at its price had met the aggressor first, and get what it got: the size
        of its fill, in the order of their arrival. Ours at better prices fill whole, as by a trade through
        their price.
        """
        own = self._own(order.side)
        if not own.levels or not self._is_l3:
            return ()
        matches: list[Match] = []
        for price in _best_first(own):
            if (price - order.price) * own.side.sign < 0:
                break
            level = own.levels[price]
            left = size
            for mine in tuple(level.orders):
                if price != order.price:
                    matches.append(self._fill(mine, mine.remaining))
                elif left and mine.rank <= order.rank:
                    matched = min(left, mine.remaining)
                    left -= matched
                    matches.append(self._fill(mine, matched))
        return matches

    def on_snapshot(self) -> None:
        """Learn that the orders of others were stated anew: of those ahead some may be gone."""
        if not self._is_l3:
            return
        for mine in self._orders.values():
            mine.ahead = min(mine.ahead, self.orders.ahead(mine.side, mine.price, mine.rank))

    def _trade_at(self, level: OwnLevel, size: Size, exchange_ns: int, matches: list[Match]) -> None:
        left: int = size
        for order in tuple(level.orders):
            matched = min(order.advance(left, exchange_ns), order.remaining)
            if matched:
                # What fills this order is not there for those behind it.
                left -= matched
                matches.append(self._fill(order, matched))

    def _trade_through(self, level: OwnLevel, exchange_ns: int, matches: list[Match]) -> None:
        # A trade older than the book that an order met on arrival happened before it arrived.
        met = [order for order in level.orders if exchange_ns == 0 or exchange_ns > order.joined_ns]
        matches.extend(self._fill(order, order.remaining) for order in met)

    def _cross(self, own: OwnSide, matches: list[Match]) -> None:
        for price in _best_first(own):
            if not self._would_cross(own.side, price):
                return
            for order in tuple(own.levels[price].orders):
                levels = self._reachable(own.side, price, order.remaining)
                if not levels:
                    return
                self._take(order.order_id, own.side, levels)
                matches.append(self._fill(order, sum(taken for _, taken in levels)))

    # -- taking and resting ----------------------------------------------------------------------

    def _own(self, side: Side) -> OwnSide:
        return self._bids if side is Side.BUY else self._asks

    def _would_cross(self, side: Side, price: Price) -> bool:
        best = self.book.best_ask if side is Side.BUY else self.book.best_bid
        return best is not None and (price - best) * side.sign >= 0

    def _reachable(self, side: Side, limit: Price | None, size: int) -> list[Level]:
        """Return what an order of ``side`` finds at prices that its limit allows, best first."""
        if limit is not None and not self._would_cross(side, limit):
            return []
        opposite = self._own(side.opposite)
        found: list[Level] = []
        for price, shown in self._shown(side.opposite):
            if limit is not None and (price - limit) * side.sign > 0:
                break
            part = min(size, opposite.free(price, shown))
            if part > 0:
                found.append((price, Size(part)))
                size -= part
                if not size:
                    break
        return found

    def _shown(self, side: Side) -> Iterator[Level]:
        near = self.book.levels(side, _NEAR)
        yield from near
        if len(near) == _NEAR:
            yield from self.book.levels(side)[_NEAR:]

    def _take(self, order_id: Hashable, side: Side, levels: Sequence[Level]) -> list[Match]:
        opposite = self._own(side.opposite)
        for price, size in levels:
            opposite.take(price, self.book.size_at(side.opposite, price), size)
        return [Match(order_id, price, size, Liquidity.TAKER) for price, size in levels]

    def _rest(self, order: OwnOrder) -> Size:
        book = self.book
        self._orders[order.order_id] = order
        shown = book.size_at(order.side, order.price)
        self._own(order.side).add(order, shown, self.orders.rank, book.exchange_ns)
        return shown

    def _fill(self, order: OwnOrder, size: int) -> Match:
        order.filled += size
        if not order.remaining:
            del self._orders[order.order_id]
            self._own(order.side).remove(order)
        return Match(order.order_id, order.price, Size(size), Liquidity.MAKER)


def _best_first(own: OwnSide) -> list[Price]:
    return sorted(own.levels, reverse=own.side is Side.BUY)


def _refused(reason: str) -> Arrival:
    return Arrival(Outcome.REJECTED, reason=reason)
