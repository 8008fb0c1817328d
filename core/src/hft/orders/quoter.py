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
from hft.orders.whole import check_whole
from hft.types import OrderState, OrderType, Price, Side, Size

__all__ = ["Quoter"]

_KEEP_DIVISOR = 2
"""An order at a wanted price is left alone while at least 1/2 of what is wanted there remains of it:
topping it up would cost its place in the queue."""

# A tuple: members of an enum are found in it by identity, in a set by a hash that is a Python call.
_SETTLED = (OrderState.NEW, OrderState.PARTIALLY_FILLED)


# Bound once: a member of an enum is looked up in 40 ns where that is compiled.
_CANCELED, _FILLED = OrderState.CANCELED, OrderState.FILLED
_BUY, _SELL = Side.BUY, Side.SELL
_LIMIT = OrderType.LIMIT


_Move = tuple[Order, Price, int]
"""An order, the price it is to have and the lots that are to remain of it."""


class _Plan:
    """What leads from what stands on one side to what is wanted there."""

    __slots__ = ("lacking", "leftovers", "moves")

    def __init__(self) -> None:
        self.leftovers: list[Order] = []
        self.moves: list[_Move] = []
        self.lacking: list[Price] = []


_NOTHING = _Plan()
"""What stands is what is wanted."""


class _Side:
    """The quotes of one side: what was stated, what of it is still wanted by price, what stands by client id.

    ``stated`` is None once something of it was used up. ``settled`` says that what stands was what is wanted,
    and nothing has happened since.
    """

    __slots__ = ("settled", "side", "standing", "stated", "wanted")

    def __init__(self, side: Side) -> None:
        self.side = side
        self.stated: list[Level] | None = None
        self.wanted: dict[Price, int] = {}
        self.standing: dict[str, Order] = {}
        self.settled = False

    def is_settled_as(self, levels: Iterable[Level]) -> bool:
        """Say whether this was stated last and is settled; False also where it takes longer to know."""
        return self.settled and self.stated == levels

    def committed(self) -> int:
        """Return the lots that may still trade of all that stands."""
        lots = 0
        for order in self.standing.values():
            lots += max(0, order.largest_size - order.filled)
        return lots

    def take_back(self, order: Order, size: int | None = None) -> None:
        """Want ``size`` lots less (all by default) where an order stands or is to stand."""
        self.stated = None
        for price in {order.price, order.pending_price}:
            if price is not None and price in self.wanted:
                left = 0 if size is None else self.wanted[price] - size
                if left > 0:
                    self.wanted[price] = left
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
        self._bids = _Side(_BUY)
        self._asks = _Side(_SELL)
        self._can_amend = manager.can_amend(instrument)
        self._backoff = Backoff(random, initial_ns=50_000_000, maximum_ns=5_000_000_000)
        self._retry: Timer | None = None
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
        if self._bids.is_settled_as(bids) and self._asks.is_settled_as(asks):
            return
        stated_bids, stated_asks = _plain(bids), _plain(asks)
        wanted_bids, wanted_asks = _merge(stated_bids), _merge(stated_asks)
        if wanted_bids and wanted_asks and max(wanted_bids) >= min(wanted_asks):
            bid, ask = max(wanted_bids), min(wanted_asks)
            raise OrderError(
                f"{self._instrument}: bid {self._instrument.format_price(bid)} is not below"
                f" ask {self._instrument.format_price(ask)}, quotes must not cross"
            )
        self._bids.stated, self._asks.stated = stated_bids, stated_asks
        for side, wanted in ((self._bids, wanted_bids), (self._asks, wanted_asks)):
            if side.settled and side.wanted == wanted:
                continue
            side.settled = False
            side.wanted = wanted
            for order in side.standing.values():
                price, left = _target(order)
                # Judged once a statement: what is filled after it counts as filled, not as lacking.
                if left < wanted.get(price, 0) <= left * _KEEP_DIVISOR:
                    wanted[price] = left
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
        side.settled = False
        asked = key in self._cancels
        if order.state.is_final:
            del side.standing[key]
            self._forget(key)
            if order.state is not _FILLED and not (asked and order.state is _CANCELED):
                side.take_back(order)
            if not self._uncancellable:
                self._backoff.reset()
        elif order.state in _SETTLED:
            if asked:
                self._cancels.discard(key)
                self._uncancellable.add(key)
                self._retry_later()
            amended = self._amends.pop(key, None)
            if amended is not None and amended != (order.price, order.size):
                self._unamendable.add(key)
        self._settle()

    # -- the difference --------------------------------------------------------------------------

    def _settle(self) -> None:
        """Send what leads from what stands to what is wanted and need not wait."""
        bids = _NOTHING if self._bids.settled else self._plan(self._bids)
        asks = _NOTHING if self._asks.settled else self._plan(self._asks)
        if bids is _NOTHING and asks is _NOTHING:
            return
        # What shrinks goes first on both sides: what grows needs the room.
        for order in bids.leftovers + asks.leftovers:
            self._cancel(order)
        for order, price, size in sorted(bids.moves + asks.moves, key=_growth):
            self._move(order, price, size)
        for side, plan in ((self._bids, bids), (self._asks, asks)):
            for price in plan.lacking:
                self._place(side, price)

    def _plan(self, side: _Side) -> _Plan:
        lacking = dict(side.wanted)
        leftovers: list[Order] = []
        for order in side.standing.values():
            price, left = _target(order)
            settled = order.state in _SETTLED and order.client_order_id not in self._uncancellable
            # One under way holds its price until it is known what became of it.
            if price in lacking and (left == lacking[price] or not settled):
                del lacking[price]
            elif settled:
                leftovers.append(order)
        if not leftovers and not lacking:
            side.settled = True
            return _NOTHING
        plan = _Plan()
        plan.leftovers = leftovers
        if leftovers and lacking and self._can_amend:
            self._pair(plan, lacking)
        # Bids from the highest, asks from the lowest: the price most likely to trade first.
        plan.lacking.extend(sorted(lacking, reverse=side.side is _BUY))
        return plan

    def _pair(self, plan: _Plan, lacking: dict[Price, int]) -> None:
        """Turn leftovers into moves to prices that lack an order, the closest pairs first."""
        movable = {o.client_order_id: o for o in plan.leftovers if o.client_order_id not in self._unamendable}
        pairs = [
            (abs(price - (order.price or 0)), price, key)
            for key, order in movable.items()
            for price in lacking
        ]
        for _, price, key in sorted(pairs):
            if key in movable and price in lacking:
                order = movable.pop(key)
                plan.leftovers.remove(order)
                plan.moves.append((order, price, lacking.pop(price)))

    def _move(self, order: Order, price: Price, size: int) -> None:
        side = self._side(order)
        grows_by = size - order.remaining
        if grows_by > 0 and side.committed() + grows_by > sum(side.wanted.values()):
            return
        if self._meets_ourselves(side.side, price):
            return
        whole = Size(order.filled + size)
        if self._manager.amend(order, price, whole):
            self._amends[order.client_order_id] = (price, whole)
        else:
            # What refused the amendment refuses the same order anew, and here it must not stay.
            side.wanted.pop(price, None)
            side.stated = None
            self._cancel(order)

    def _place(self, side: _Side, price: Price) -> None:
        size = side.wanted[price]
        if len(side.standing) >= len(side.wanted) or side.committed() + size > sum(side.wanted.values()):
            return
        if self._meets_ourselves(side.side, price):
            return
        order = self._manager.place(
            self._owner, self._instrument, side.side, Size(size), price, type=_LIMIT, post_only=True
        )
        if order.state.is_final:
            side.take_back(order)
        else:
            side.standing[order.client_order_id] = order

    def _cancel(self, order: Order) -> None:
        self._cancels.add(order.client_order_id)
        self._manager.cancel(order)

    def _meets_ourselves(self, side: Side, price: Price) -> bool:
        """Say whether an order of ours on the other side stands, or may come to stand, in the way."""
        sign = side.sign
        others = self._asks if side is _BUY else self._bids
        return any(
            other is not None and (other - price) * sign <= 0
            for order in others.standing.values()
            for other in (order.price, order.pending_price)
        )

    def _retry_later(self) -> None:
        if self._retry is None:
            # The first delay of a back-off is none, but this is the second attempt already.
            delay_ns = self._backoff.next_ns() or self._backoff.next_ns()
            self._retry = self._clock.call_later(delay_ns, self._retry_now)

    def _retry_now(self) -> None:
        self._retry = None
        self._uncancellable.clear()
        self._bids.settled = self._asks.settled = False
        self._settle()

    def _forget(self, key: str) -> None:
        self._cancels.discard(key)
        self._uncancellable.discard(key)
        self._amends.pop(key, None)
        self._unamendable.discard(key)

    def _side(self, order: Order) -> _Side:
        return self._bids if order.side is _BUY else self._asks


def _plain(levels: Iterable[Level]) -> list[Level]:
    """Copy levels, which are the strategy's to change."""
    return [(price, size) for price, size in levels]


def _merge(levels: list[Level]) -> dict[Price, int]:
    wanted: dict[Price, int] = {}
    for price, size in levels:
        check_whole(price, size)
        if size > 0:
            wanted[price] = wanted.get(price, 0) + size
    return wanted


def _target(order: Order) -> tuple[Price, int]:
    """Return the price an order is to stand at when what is under way is done, and the lots left."""
    if order.pending_price is not None and order.pending_size is not None:
        return order.pending_price, order.pending_size - order.filled
    assert order.price is not None  # quotes are limit orders
    return order.price, order.size - order.filled


def _growth(move: _Move) -> int:
    order, _, size = move
    return size - order.remaining
