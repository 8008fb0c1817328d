"""Turn the quotes a strategy wants into the fewest cancels, amendments and places."""

from __future__ import annotations

import random
from collections.abc import Iterable

from hft.book import Level
from hft.clock import Clock, Timer
from hft.errors import OrderError
from hft.events import Fill
from hft.instrument import Instrument
from hft.net.backoff import Backoff
from hft.order import Order
from hft.orders.interfaces import Owner
from hft.orders.manager import OrderManager
from hft.orders.states import largest_size
from hft.orders.whole import check_whole
from hft.types import OrderState, Price, Side, Size

__all__ = ["Quoter"]

_KEEP_DIVISOR = 2
"""An order at a wanted price is left alone while at least 1/2 of what is wanted there remains of it:
topping it up would cost its place in the queue."""

# Bound once: a member of an enum is looked up in 40 ns where that is compiled.
_PENDING_NEW = OrderState.PENDING_NEW
_NEW, _PARTIALLY_FILLED = OrderState.NEW, OrderState.PARTIALLY_FILLED
_CANCELED, _FILLED = OrderState.CANCELED, OrderState.FILLED
_BUY, _SELL = Side.BUY, Side.SELL


_Move = tuple[Order, Price, int]
"""An order, the price it is to have and the lots that are to remain of it."""

_NO_LEVELS: dict[Price, int] = {}


class _Statement:
    """What was stated of one side, and what of it is still wanted: lots by price.

    One level alone, as it nearly always is, lies in ``only``, its price in ``price`` (None once nothing is
    wanted there any more) and its lots in ``lots``. Of several the levels lie in ``levels``, and what is
    wanted in ``several``, which is None otherwise. ``used`` says that something of it was used up.
    """

    __slots__ = ("levels", "lots", "only", "price", "several", "used")

    def __init__(self) -> None:
        self.only: Level | None = None
        self.levels: list[Level] | None = None
        self.price: Price | None = None
        self.lots = 0
        self.several: dict[Price, int] | None = None
        self.used = False

    def take(self, levels: Iterable[Level]) -> None:
        """Take these levels for whatever was stated before."""
        self.only = self.levels = self.price = self.several = None
        self.used = False
        for level in levels:
            price, size = level
            check_whole(price, size)
            # Copied: the strategy may change its own.
            self._note(level if type(level) is tuple else (price, size))
            if size > 0:
                self._want(price, size)

    def _note(self, level: Level) -> None:
        if self.levels is not None:
            self.levels.append(level)
        elif self.only is None:
            self.only = level
        else:
            self.levels = [self.only, level]
            self.only = None

    def _want(self, price: Price, size: int) -> None:
        if self.several is not None:
            self.several[price] = self.several[price] + size if price in self.several else size
        elif self.price is None:
            self.price, self.lots = price, size
        elif self.price == price:
            self.lots += size
        else:
            self.several = {self.price: self.lots, price: size}
            self.price = None

    def is_as(self, levels: list[Level]) -> bool:
        """Say whether the same was stated."""
        # One by one, not `stated == levels`: no other question is asked as often.
        if self.only is not None:
            if len(levels) != 1:
                return False
            price, size = levels[0]
            stated_price, stated_size = self.only
            return price == stated_price and size == stated_size
        stated = self.levels
        if stated is None:
            return not levels
        if len(stated) != len(levels):
            return False
        for index in range(len(stated)):
            price, size = levels[index]
            stated_price, stated_size = stated[index]
            if price != stated_price or size != stated_size:
                return False
        return True

    def wants(self) -> bool:
        """Say whether anything is wanted."""
        return self.price is not None or bool(self.several)

    def count(self) -> int:
        """Return how many prices are wanted."""
        if self.several is not None:
            return len(self.several)
        return 0 if self.price is None else 1

    def total(self) -> int:
        """Return the lots wanted in all."""
        if self.several is not None:
            return sum(self.several.values())
        return 0 if self.price is None else self.lots

    def highest(self) -> Price | None:
        """Return the highest price, None if nothing is wanted."""
        return max(self.several) if self.several else self.price

    def lowest(self) -> Price | None:
        """Return the lowest price, None if nothing is wanted."""
        return min(self.several) if self.several else self.price

    def by_price(self) -> dict[Price, int]:
        """Return what is wanted; it must not be changed."""
        if self.several is not None:
            return self.several
        return _NO_LEVELS if self.price is None else {self.price: self.lots}

    def lots_at(self, price: Price) -> int | None:
        """Return the lots wanted at a price, None if nothing is."""
        if self.several is not None:
            return self.several.get(price)
        return self.lots if self.price is not None and self.price == price else None

    def want_only(self, price: Price, size: int) -> None:
        """Want so many lots, not more, at a price at which lots are wanted."""
        if self.several is not None:
            self.several[price] = size
        else:
            self.lots = size

    def want_less(self, price: Price | None, size: int | None) -> None:
        """Want ``size`` lots less at a price (all by default)."""
        lots = None if price is None else self.lots_at(price)
        if price is None or lots is None:
            return
        if size is not None and lots > size:
            self.want_only(price, lots - size)
        elif self.several is not None:
            del self.several[price]
        else:
            self.price = None


class _Side:
    """The quotes of one side: what was stated, and what stands.

    An order that stands alone, as it nearly always does, is ``order``, several lie in ``orders`` by client
    id. ``settled`` says that what stands is what is wanted. Otherwise ``leftovers``, ``moves`` and
    ``lacking`` are what was found last to lead from the one to the other, each None if there is nothing of
    it, and ``lacking_price`` is the price that lacks where one alone is wanted. ``blank`` is what every quote
    of this side is a copy of, ``spare`` the statement before the last, which may be used again.
    """

    __slots__ = (
        "blank",
        "buys",
        "lacking",
        "lacking_price",
        "leftovers",
        "moves",
        "order",
        "orders",
        "settled",
        "spare",
        "statement",
    )

    def __init__(self, blank: Order) -> None:
        self.blank = blank
        self.buys = blank.side is _BUY
        self.statement = _Statement()
        self.spare: _Statement | None = None
        self.order: Order | None = None
        self.orders: dict[str, Order] = {}
        self.settled = False
        self.leftovers: list[Order] | None = None
        self.moves: list[_Move] | None = None
        self.lacking: dict[Price, int] | None = None
        self.lacking_price: Price | None = None

    # -- what stands -----------------------------------------------------------------------------

    def find(self, key: str) -> Order | None:
        """Return the order of this id that stands, if there is one."""
        if self.order is not None:
            return self.order if self.order.client_order_id == key else None
        return self.orders.get(key) if self.orders else None

    def add(self, order: Order) -> None:
        """Have an order stand."""
        if self.order is None and not self.orders:
            self.order = order
            return
        if self.order is not None:
            self.orders[self.order.client_order_id] = self.order
            self.order = None
        self.orders[order.client_order_id] = order

    def remove(self, key: str) -> None:
        """Have an order, which stands, do so no more."""
        if self.order is not None:
            self.order = None
        else:
            del self.orders[key]

    def count(self) -> int:
        """Return how many orders stand."""
        return len(self.orders) if self.order is None else 1

    def all(self) -> list[Order]:
        """Return the orders that stand, oldest first."""
        return list(self.orders.values()) if self.order is None else [self.order]

    # -- what is wanted --------------------------------------------------------------------------

    def is_settled_as(self, levels: Iterable[Level]) -> bool:
        """Say whether this was stated last and is settled; False also where it takes longer to know."""
        if not self.settled or self.statement.used or type(levels) is not list:
            return False
        return self.statement.is_as(levels)

    def statement_of(self, levels: Iterable[Level]) -> _Statement:
        """Return levels as a statement, which is not made yet."""
        # Taken away first: what yields the levels is the strategy's, and might itself state quotes.
        statement, self.spare = self.spare, None
        if statement is None:
            statement = _Statement()
        statement.take(levels)
        return statement

    def state(self, statement: _Statement) -> None:
        """Replace what is wanted."""
        self.spare, self.statement = self.statement, statement
        self.settled = False
        if self.order is not None:
            self._keep(self.order)
        else:
            for order in self.orders.values():
                self._keep(order)

    def _keep(self, order: Order) -> None:
        price = _price_of(order)
        size = self.statement.lots_at(price)
        if size is not None:
            left = _left_of(order)
            # Judged once a statement: what is filled after it counts as filled, not as lacking.
            if left < size <= left * _KEEP_DIVISOR:
                self.statement.want_only(price, left)

    def is_met_by(self, order: Order) -> bool:
        """Say whether one that is open is all that stands and is wanted; False also where it takes a plan."""
        price = self.statement.price
        if self.order is None or price is None:
            return False
        return _price_of(order) == price and _left_of(order) == self.statement.lots

    def is_empty(self) -> bool:
        """Say whether nothing stands and nothing is wanted."""
        return self.order is None and not self.orders and not self.statement.wants()

    def has_room(self, size: int) -> bool:
        """Say whether so many lots more are still no more than wanted in all, whatever trades."""
        if self.order is not None:
            size += _exposed(self.order)
        else:
            for order in self.orders.values():
                size += _exposed(order)
        return size <= self.statement.total()

    def is_met(self, price: Price) -> bool:
        """Say whether an order of the other side at this price would meet one that stands, or may come to."""
        if self.order is not None:
            return self._meets(self.order, price)
        return any(self._meets(order, price) for order in self.orders.values())

    def _meets(self, order: Order, price: Price) -> bool:
        if order.price is not None and (order.price >= price if self.buys else order.price <= price):
            return True
        then = order.pending_price
        return then is not None and (then >= price if self.buys else then <= price)

    def take_back(self, order: Order, size: int | None = None) -> None:
        """Want ``size`` lots less (all by default) where an order stands or is to stand."""
        statement = self.statement
        statement.used = True
        statement.want_less(order.price, size)
        if order.pending_price is not None and order.pending_price != order.price:
            statement.want_less(order.pending_price, size)


class Quoter:
    """Keeps one strategy's quotes on one instrument as the strategy last stated them.

    What stands at a wanted price is left alone, so that it keeps its place in the queue; also what is
    partly filled, while half of the wanted size remains. What stands elsewhere is amended to the
    nearest price that lacks an order, where the exchange can, or cancelled. Orders under way count as
    standing: there are never two where one is wanted, never more lots than wanted in all, and a bid is
    not sent to where an ask of ours still stands. What has to wait for that is done when the
    exchange answers; a newer statement replaces an older one that still waits.

    A statement is used up by what happens to it: what was filled, refused or ended by the exchange is
    not placed again until the strategy states its quotes again.
    """

    def __init__(
        self, manager: OrderManager, owner: Owner, instrument: Instrument, clock: Clock, random: random.Random
    ) -> None:
        self._manager = manager
        self._owner = owner
        self._instrument = instrument
        self._clock = clock
        self._bids = _Side(_blank(owner, instrument, _BUY))
        self._asks = _Side(_blank(owner, instrument, _SELL))
        self._desk = manager.store.desks[instrument]
        self._can_amend = manager.can_amend(instrument)
        self._backoff = Backoff(random, initial_ns=50_000_000, maximum_ns=5_000_000_000)
        self._retry: Timer | None = None
        self._retried = False
        """Whether the back-off has begun."""
        self._cancels: set[str] = set()
        """Orders whose cancel we asked for: one that is open again had its cancel refused."""
        self._uncancellable: set[str] = set()
        """Orders whose cancel was refused: the fill that explains it is usually under way."""
        self._amends: dict[str, tuple[Price, Size]] = {}
        """The price and whole size each amendment under way asks for."""
        self._unamendable: set[str] = set()
        """Orders an amendment of which was refused: they are cancelled instead."""

    @property
    def standing(self) -> list[Order]:
        """The quotes that may still trade."""
        return [*self._bids.all(), *self._asks.all()]

    def owns(self, order: Order) -> bool:
        """Say whether an order is one of the quotes that stand."""
        return self._side(order).find(order.client_order_id) is not None

    # -- what the strategy wants -----------------------------------------------------------------

    def quote(self, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Replace what is wanted; raise `OrderError` for quotes that would trade with each other."""
        bids_stand, asks_stand = self._bids.is_settled_as(bids), self._asks.is_settled_as(asks)
        if bids_stand and asks_stand:
            return
        wanted_bids = self._bids.statement if bids_stand else self._bids.statement_of(bids)
        wanted_asks = self._asks.statement if asks_stand else self._asks.statement_of(asks)
        bid, ask = wanted_bids.highest(), wanted_asks.lowest()
        if bid is not None and ask is not None and bid >= ask:
            raise OrderError(
                f"{self._instrument}: bid {self._instrument.format_price(bid)} is not below"
                f" ask {self._instrument.format_price(ask)}, quotes must not cross"
            )
        if not bids_stand:
            self._bids.state(wanted_bids)
        if not asks_stand:
            self._asks.state(wanted_asks)
        self._settle()

    def withdraw(self) -> None:
        """Want nothing, and cancel everything that stands at once."""
        for side in (self._bids, self._asks):
            side.statement, side.settled = _Statement(), False
        for order in self.standing:
            self._cancel(order)

    # -- what became of it -----------------------------------------------------------------------

    def on_fill(self, fill: Fill) -> None:
        """Take a fill of a quote off what is wanted."""
        side = self._bids if fill.side is _BUY else self._asks
        order = side.find(fill.client_order_id)
        if order is not None:
            side.settled = False
            side.take_back(order, fill.size)

    def on_order(self, order: Order) -> None:
        """Go on with what had to wait for this order."""
        side = self._side(order)
        key = order.client_order_id
        if side.find(key) is None:
            return
        state = order.state
        settled = False
        if state is _NEW or state is _PARTIALLY_FILLED:
            if self._cancels and key in self._cancels:
                self._cancels.discard(key)
                self._uncancellable.add(key)
                self._retry_later()
            if self._amends:
                amended = self._amends.pop(key, None)
                if amended is not None:
                    price, size = amended
                    if price != order.price or size != order.size:
                        self._unamendable.add(key)
            settled = side.is_met_by(order)
        elif state is _FILLED or state.is_final:
            side.remove(key)
            asked = state is _CANCELED and key in self._cancels
            self._forget(key)
            if state is not _FILLED and not asked:
                side.take_back(order)
            if self._retried and not self._uncancellable:
                self._retried = False
                self._backoff.reset()
            settled = side.is_empty()
        side.settled = settled
        self._settle()

    # -- the difference --------------------------------------------------------------------------

    def _settle(self) -> None:
        """Send what leads from what stands to what is wanted and need not wait."""
        bids, asks = self._bids, self._asks
        if not bids.settled:
            self._plan(bids)
        if not asks.settled:
            self._plan(asks)
        if asks.settled:
            if not bids.settled:
                self._follow(bids)
        elif bids.settled:
            self._follow(asks)
        else:
            self._follow_both(bids, asks)

    def _follow(self, side: _Side) -> None:
        """Do what was planned for a side."""
        self._cancel_leftovers(side)
        moves = side.moves
        if moves is not None:
            self._make(moves)
        self._place_lacking(side)

    def _follow_both(self, bids: _Side, asks: _Side) -> None:
        """Do what was planned: what shrinks goes first on both sides, as what grows needs the room."""
        self._cancel_leftovers(bids)
        self._cancel_leftovers(asks)
        if asks.moves is None:
            moves = bids.moves
        else:
            moves = asks.moves if bids.moves is None else bids.moves + asks.moves
        if moves is not None:
            self._make(moves)
        self._place_lacking(bids)
        self._place_lacking(asks)

    def _make(self, moves: list[_Move]) -> None:
        if len(moves) > 1:
            moves.sort(key=_growth)
        for order, price, size in moves:
            self._move(order, price, size)

    def _plan(self, side: _Side) -> None:
        """Find what leads from what stands to what is wanted; where that is nothing the side is settled."""
        side.leftovers = side.moves = side.lacking = side.lacking_price = None
        statement, order = side.statement, side.order
        if order is None and not side.orders:
            if statement.several:
                side.lacking = statement.several
            else:
                side.lacking_price = statement.price
                side.settled = statement.price is None
        elif order is not None and statement.price is not None:
            self._plan_one(side, order, statement.price, statement.lots)
        else:
            self._plan_several(side, side.all(), statement.by_price())

    def _plan_one(self, side: _Side, order: Order, price: Price, size: int) -> None:
        """Do the same where one order stands and one price is wanted."""
        settled = self._is_open(order)
        if _price_of(order) == price and (not settled or _left_of(order) == size):
            side.settled = True
        elif settled:
            if self._can_amend and not (self._unamendable and order.client_order_id in self._unamendable):
                side.moves = [(order, price, size)]
            else:
                # What lacks has to wait for it.
                side.leftovers = [order]

    def _plan_several(self, side: _Side, standing: list[Order], wanted: dict[Price, int]) -> None:
        lacking = wanted
        leftovers: list[Order] | None = None
        for order in standing:
            price, settled = _price_of(order), self._is_open(order)
            size = lacking.get(price)
            # One under way holds its price until it is known what became of it.
            if size is not None and (not settled or _left_of(order) == size):
                if len(lacking) == 1:
                    lacking = _NO_LEVELS
                else:
                    if lacking is wanted:
                        lacking = dict(wanted)
                    del lacking[price]
            elif settled:
                if leftovers is None:
                    leftovers = []
                leftovers.append(order)
        if leftovers is None:
            side.settled = not lacking
        else:
            if lacking and self._can_amend:
                lacking = self._pair(side, leftovers, lacking)
            side.leftovers = leftovers
        if lacking:
            side.lacking = lacking

    def _is_open(self, order: Order) -> bool:
        """Say whether an order can be changed now."""
        state = order.state
        return (state is _NEW or state is _PARTIALLY_FILLED) and not (
            self._uncancellable and order.client_order_id in self._uncancellable
        )

    def _pair(self, side: _Side, leftovers: list[Order], lacking: dict[Price, int]) -> dict[Price, int]:
        """Turn leftovers into moves to where orders lack, the closest first; return what lacks then."""
        if len(leftovers) == 1 and len(lacking) == 1:
            # What is often so needs no distances.
            order = leftovers[0]
            if self._unamendable and order.client_order_id in self._unamendable:
                return lacking
            for price, size in lacking.items():
                side.moves = [(order, price, size)]
            leftovers.clear()
            return _NO_LEVELS
        lacking, moves = dict(lacking), []
        movable = {o.client_order_id: o for o in leftovers if o.client_order_id not in self._unamendable}
        pairs = [
            (abs(price - (order.price or 0)), price, key)
            for key, order in movable.items()
            for price in lacking
        ]
        pairs.sort()
        for _, price, key in pairs:
            if key in movable and price in lacking:
                order = movable.pop(key)
                leftovers.remove(order)
                moves.append((order, price, lacking.pop(price)))
        side.moves = moves
        return lacking

    def _cancel_leftovers(self, side: _Side) -> None:
        if side.leftovers:
            for order in side.leftovers:
                self._cancel(order)

    def _place_lacking(self, side: _Side) -> None:
        if side.lacking_price is not None:
            self._place(side, side.lacking_price)
        elif side.lacking is not None:
            # Bids from the highest, asks from the lowest: the price most likely to trade first.
            for price in sorted(side.lacking, reverse=side.buys):
                self._place(side, price)

    def _move(self, order: Order, price: Price, size: int) -> None:
        side = self._side(order)
        grows_by = size - (order.size - order.filled)
        if grows_by > 0 and not side.has_room(grows_by):
            return
        if self._others(side).is_met(price):
            return
        whole = _lots(order.filled + size)
        if self._manager.amend(order, price, whole):
            self._amends[order.client_order_id] = (price, whole)
        else:
            # What refused the amendment refuses the same order anew, and here it must not stay.
            side.statement.used = True
            side.statement.want_less(price, None)
            self._cancel(order)

    def _place(self, side: _Side, price: Price) -> None:
        statement = side.statement
        size = statement.lots_at(price)
        if size is None:
            return
        standing = side.count()
        if standing and (standing >= statement.count() or not side.has_room(size)):
            return
        if self._others(side).is_met(price):
            return
        order = self._manager.place_like(self._owner, self._desk, side.blank, _lots(size), price)
        if order.state is not _PENDING_NEW and order.state.is_final:
            side.take_back(order)
        else:
            side.add(order)
            if order.state is _PENDING_NEW and side.order is not None and side.statement.price is not None:
                side.settled = True

    def _cancel(self, order: Order) -> None:
        self._cancels.add(order.client_order_id)
        self._manager.cancel(order)

    def _retry_later(self) -> None:
        if self._retry is None:
            # The first delay of a back-off is none, but this is the second attempt already.
            delay_ns = self._backoff.next_ns() or self._backoff.next_ns()
            self._retry = self._clock.call_later(delay_ns, self._retry_now)
            self._retried = True

    def _retry_now(self) -> None:
        self._retry = None
        self._uncancellable.clear()
        self._bids.settled = self._asks.settled = False
        self._settle()

    def _forget(self, key: str) -> None:
        if self._cancels:
            self._cancels.discard(key)
        if self._uncancellable:
            self._uncancellable.discard(key)
        if self._amends:
            self._amends.pop(key, None)
        if self._unamendable:
            self._unamendable.discard(key)

    def _side(self, order: Order) -> _Side:
        return self._bids if order.side is _BUY else self._asks

    def _others(self, side: _Side) -> _Side:
        """Return the side whose orders those of a side must not meet."""
        return self._asks if side is self._bids else self._bids


def _blank(owner: Owner, instrument: Instrument, side: Side) -> Order:
    return Order(
        client_order_id="",
        strategy=owner.name,
        instrument=instrument,
        side=side,
        size=Size(0),
        price=None,
        post_only=True,
    )


def _price_of(order: Order) -> Price:
    """Return the price an order is to stand at when what is under way is done."""
    if order.pending_price is not None and order.pending_size is not None:
        return order.pending_price
    assert order.price is not None  # quotes are limit orders
    return order.price


def _left_of(order: Order) -> int:
    """Return the lots left of an order when what is under way is done."""
    if order.pending_price is not None and order.pending_size is not None:
        return order.pending_size - order.filled
    return order.size - order.filled


def _exposed(order: Order) -> int:
    """Return the lots of an order that may still trade."""
    lots: int = largest_size(order)
    return lots - order.filled if lots > order.filled else 0


def _lots(count: int) -> Size:
    # What `Size(count)` returns, without its call.
    return count  # type: ignore[return-value]


def _growth(move: _Move) -> int:
    order, _, size = move
    return size - (order.size - order.filled)
