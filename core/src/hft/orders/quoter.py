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


class _Side:
    """The quotes of one side: what was stated, what of it is still wanted by price, what stands by client id.

    ``stated`` is None once something of it was used up. ``settled`` says that what stands was what is wanted,
    and nothing has happened since. Otherwise ``leftovers``, ``moves`` and ``lacking`` are what was found last
    to lead from the one to the other, each None if there is nothing of it. ``blank`` is what every quote of
    this side is a copy of.
    """

    __slots__ = (
        "blank",
        "buys",
        "lacking",
        "leftovers",
        "moves",
        "settled",
        "standing",
        "stated",
        "wanted",
    )

    def __init__(self, blank: Order) -> None:
        self.blank = blank
        self.buys = blank.side is _BUY
        self.stated: list[Level] | None = None
        self.wanted: dict[Price, int] = {}
        self.standing: dict[str, Order] = {}
        self.settled = False
        self.leftovers: list[Order] | None = None
        self.moves: list[_Move] | None = None
        self.lacking: dict[Price, int] | None = None

    def is_settled_as(self, levels: Iterable[Level]) -> bool:
        """Say whether this was stated last and is settled; False also where it takes longer to know."""
        stated = self.stated
        if not self.settled or stated is None or type(levels) is not list:
            return False
        anew: list[Level] = levels
        if len(anew) != len(stated):
            return False
        # One by one, not `stated == anew`: no other question is asked as often.
        for index in range(len(stated)):
            price, size = anew[index]
            stated_price, stated_size = stated[index]
            if price != stated_price or size != stated_size:
                return False
        return True

    def state(self, stated: list[Level], wanted: dict[Price, int]) -> None:
        """Replace what is wanted."""
        self.stated = stated
        self.settled = False
        self.wanted = wanted
        if not self.standing:
            return
        for order in self.standing.values():
            price = _price_of(order)
            size = wanted.get(price)
            if size is not None:
                left = _left_of(order)
                # Judged once a statement: what is filled after it counts as filled, not as lacking.
                if left < size <= left * _KEEP_DIVISOR:
                    wanted[price] = left

    def is_met_by(self, order: Order) -> bool:
        """Say whether one that is open is all that stands and is wanted; False also where it takes a plan."""
        if len(self.standing) != 1 or len(self.wanted) != 1:
            return False
        size = self.wanted.get(_price_of(order))
        return size is not None and size == _left_of(order)

    def has_room(self, size: int) -> bool:
        """Say whether so many lots more are still no more than wanted in all, whatever trades."""
        for order in self.standing.values():
            lots: int = largest_size(order)
            if lots > order.filled:
                size += lots - order.filled
        for lots in self.wanted.values():
            size -= lots
        return size <= 0

    def is_met(self, price: Price) -> bool:
        """Say whether an order of the other side at this price would meet one that stands, or may come to."""
        for order in self.standing.values():
            if order.price is not None and (order.price >= price if self.buys else order.price <= price):
                return True
            then = order.pending_price
            if then is not None and (then >= price if self.buys else then <= price):
                return True
        return False

    def take_back(self, order: Order, size: int | None = None) -> None:
        """Want ``size`` lots less (all by default) where an order stands or is to stand."""
        self.stated = None
        self._want_less(order.price, size)
        if order.pending_price is not None and order.pending_price != order.price:
            self._want_less(order.pending_price, size)

    def _want_less(self, price: Price | None, size: int | None) -> None:
        if price is None:
            return
        lots = self.wanted.get(price)
        if lots is None:
            return
        if size is not None and lots > size:
            self.wanted[price] = lots - size
        else:
            del self.wanted[price]


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
        return [*self._bids.standing.values(), *self._asks.standing.values()]

    def owns(self, order: Order) -> bool:
        """Say whether an order is one of the quotes that stand."""
        return order.client_order_id in self._side(order).standing

    # -- what the strategy wants -----------------------------------------------------------------

    def quote(self, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Replace what is wanted; raise `OrderError` for quotes that would trade with each other."""
        bids_stand, asks_stand = self._bids.is_settled_as(bids), self._asks.is_settled_as(asks)
        if bids_stand and asks_stand:
            return
        stated_bids: list[Level] = []
        stated_asks: list[Level] = []
        wanted_bids = self._bids.wanted if bids_stand else _merge(bids, stated_bids)
        wanted_asks = self._asks.wanted if asks_stand else _merge(asks, stated_asks)
        if wanted_bids and wanted_asks:
            bid = _first(wanted_bids) if len(wanted_bids) == 1 else max(wanted_bids)
            ask = _first(wanted_asks) if len(wanted_asks) == 1 else min(wanted_asks)
            if bid >= ask:
                raise OrderError(
                    f"{self._instrument}: bid {self._instrument.format_price(bid)} is not below"
                    f" ask {self._instrument.format_price(ask)}, quotes must not cross"
                )
        if not bids_stand:
            self._bids.state(stated_bids, wanted_bids)
        if not asks_stand:
            self._asks.state(stated_asks, wanted_asks)
        self._settle()

    def withdraw(self) -> None:
        """Want nothing, and cancel everything that stands at once."""
        for side in (self._bids, self._asks):
            side.stated, side.wanted, side.settled = None, {}, False
        for order in self.standing:
            self._cancel(order)

    # -- what became of it -----------------------------------------------------------------------

    def on_fill(self, fill: Fill) -> None:
        """Take a fill of a quote off what is wanted."""
        side = self._bids if fill.side is _BUY else self._asks
        order = side.standing.get(fill.client_order_id)
        if order is not None:
            side.settled = False
            side.take_back(order, fill.size)

    def on_order(self, order: Order) -> None:
        """Go on with what had to wait for this order."""
        side = self._side(order)
        key = order.client_order_id
        if key not in side.standing:
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
            del side.standing[key]
            asked = state is _CANCELED and key in self._cancels
            self._forget(key)
            if state is not _FILLED and not asked:
                side.take_back(order)
            if self._retried and not self._uncancellable:
                self._retried = False
                self._backoff.reset()
            settled = not side.standing and not side.wanted
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
        side.leftovers = side.moves = side.lacking = None
        wanted = lacking = side.wanted
        if not side.standing:
            if wanted:
                side.lacking = wanted
            else:
                side.settled = True
            return
        leftovers: list[Order] | None = None
        for order in side.standing.values():
            price, state = _price_of(order), order.state
            settled = (state is _NEW or state is _PARTIALLY_FILLED) and not (
                self._uncancellable and order.client_order_id in self._uncancellable
            )
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

    def _pair(self, side: _Side, leftovers: list[Order], lacking: dict[Price, int]) -> dict[Price, int]:
        """Turn leftovers into moves to where orders lack, the closest first; return what lacks then."""
        if len(leftovers) == 1 and len(lacking) == 1:
            # What is nearly always so needs no distances.
            order = leftovers[0]
            if self._unamendable and order.client_order_id in self._unamendable:
                return lacking
            price = _first(lacking)
            side.moves = [(order, price, lacking[price])]
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
        lacking = side.lacking
        if lacking is None:
            return
        if len(lacking) == 1:
            price = _first(lacking)
            self._place(side, price)
        else:
            # Bids from the highest, asks from the lowest: the price most likely to trade first.
            for price in sorted(lacking, reverse=side.buys):
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
            side.wanted.pop(price, None)
            side.stated = None
            self._cancel(order)

    def _place(self, side: _Side, price: Price) -> None:
        size = side.wanted[price]
        standing = side.standing
        if standing and (len(standing) >= len(side.wanted) or not side.has_room(size)):
            return
        if self._others(side).is_met(price):
            return
        order = self._manager.place_like(self._owner, self._desk, side.blank, _lots(size), price)
        if order.state is not _PENDING_NEW and order.state.is_final:
            side.take_back(order)
        else:
            standing[order.client_order_id] = order
            if order.state is _PENDING_NEW and len(standing) == 1 and len(side.wanted) == 1:
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


def _merge(levels: Iterable[Level], stated: list[Level]) -> dict[Price, int]:
    """Return what is wanted by price, and copy the levels to ``stated``: the strategy may change its own."""
    wanted: dict[Price, int] = {}
    for level in levels:
        price, size = level
        check_whole(price, size)
        stated.append(level if type(level) is tuple else (price, size))
        if size > 0:
            wanted[price] = wanted[price] + size if wanted and price in wanted else size
    return wanted


def _first(wanted: dict[Price, int]) -> Price:
    for price in wanted:
        return price
    raise LookupError("nothing is wanted")


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


def _lots(count: int) -> Size:
    # What `Size(count)` returns, without its call.
    return count  # type: ignore[return-value]


def _growth(move: _Move) -> int:
    order, _, size = move
    return size - (order.size - order.filled)
