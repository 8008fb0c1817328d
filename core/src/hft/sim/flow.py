"""Synthetic order flow: strangers who quote, cancel and trade around a fair price."""

from __future__ import annotations

import math
import random

import attrs

from hft.clock import Clock, Timer
from hft.instrument import Instrument
from hft.sim.fair import FairPrice
from hft.sim.market import Step, SyntheticMarket
from hft.types import Price, Side, TimeInForce

__all__ = ["Flow", "FlowParameters"]

NS_PER_S = 1_000_000_000

_CATCH_UP_NS = NS_PER_S
"""A flow that is later than this (the machine slept) goes on from now instead of making up for it."""

_WITHDRAWN_AT_ONCE = 8
"""Prices of a side that one event may clear when the fair price has jumped over them."""

_SIDES = (Side.BUY, Side.SELL)


@attrs.frozen(kw_only=True)
class FlowParameters:
    """How busy one market is and what its book looks like. Distances in ticks, sizes in lots."""

    events_per_s: float = 130.0
    """Arrivals of limit orders, cancellations and market orders together."""
    takers_per_s: float = 6.0
    """Of these, orders that take; one often trades with several."""
    orders_per_side: int = 160
    levels_per_side: int = 60
    """A side never shows fewer prices than this."""
    touch_distance: float
    """Mean distance from the fair price of the orders that compete for the touch."""
    near_distance: float
    far_distance: float
    size: float
    """Median size near the touch."""

    @classmethod
    def plausible(cls, instrument: Instrument, price: float, rate: float = 1.0) -> FlowParameters:
        """Return parameters for an instrument that trades around ``price``, ``rate`` times as busy."""
        ticks = price / instrument.price_to_float(1)
        step = instrument.price_step(round(ticks))
        lots_per_quote = 1 / (price * instrument.size_to_float(1))
        return cls(
            events_per_s=130.0 * rate,
            takers_per_s=6.0 * rate,
            touch_distance=max(step, ticks * 5e-7),
            near_distance=max(4.0 * step, ticks * 2e-5),
            far_distance=max(40.0 * step, ticks * 2.5e-4),
            size=max(1.0, 1_500 * lots_per_quote),
        )


class _Pool:
    """Order ids to draw from at random, with a cheap way to take one out."""

    __slots__ = ("_ids", "_places")

    def __init__(self) -> None:
        self._ids: list[int] = []
        self._places: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, order_id: int) -> None:
        self._places[order_id] = len(self._ids)
        self._ids.append(order_id)

    def discard(self, order_id: int) -> None:
        place = self._places.pop(order_id, None)
        if place is None:
            return
        last = self._ids.pop()
        if last != order_id:
            self._ids[place] = last
            self._places[last] = place

    def draw(self, rng: random.Random) -> int:
        return self._ids[rng.randrange(len(self._ids))]


class Flow:
    """Keeps one market alive: a Poisson process of orders that follow the fair price.

    Quotes that the fair price has overtaken are withdrawn, or are picked off by a taker; clients'
    orders are never withdrawn, so they are the ones that get hit. What happens depends on the seed
    and on the clients' orders alone, when it happens on the clock.
    """

    def __init__(
        self,
        market: SyntheticMarket,
        fair: FairPrice,
        parameters: FlowParameters,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._market = market
        self._engine = market.engine
        self._fair = fair
        self._parameters = parameters
        self._clock = clock
        self._random = rng
        self._tick = market.instrument.price_to_float(1)
        self._orders = {side: _Pool() for side in _SIDES}
        self._next_ns = clock.now_ns()
        self._timer: Timer | None = None
        market.observers.append(self._forget_filled)
        self._fill_book()

    def start(self) -> None:
        """Begin to trade."""
        self._next_ns = self._clock.now_ns()
        self._schedule()

    def stop(self) -> None:
        """Trade no more; the book stays as it is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- time ------------------------------------------------------------------------------------

    def _schedule(self) -> None:
        if self._clock.now_ns() - self._next_ns > _CATCH_UP_NS:
            self._next_ns = self._clock.now_ns()
        self._next_ns += int(self._random.expovariate(self._parameters.events_per_s) * NS_PER_S)
        self._timer = self._clock.call_at(self._next_ns, self._on_timer)

    def _on_timer(self) -> None:
        self._happen(self._fair.at(self._next_ns) / self._tick)
        self._schedule()

    # -- what happens ----------------------------------------------------------------------------

    def _happen(self, fair: float) -> None:
        parameters, rng = self._parameters, self._random
        if rng.random() < parameters.takers_per_s / parameters.events_per_s:
            self._take(fair)
        self._withdraw_overtaken(fair)
        side = _SIDES[rng.random() < 0.5]
        # The number of orders is drawn to its target: more arrivals below it, more cancellations above.
        wanted = 0.8 if len(self._orders[side]) < parameters.orders_per_side else 0.3
        if rng.random() < wanted:
            self._quote(side, fair)
        elif self._orders[side]:
            self._cancel(side, self._orders[side].draw(rng))
        for side in _SIDES:
            self._deepen(side, fair)

    def _take(self, fair: float) -> None:
        """Trade: with what is mispriced if something is, otherwise with either side."""
        rng = self._random
        side = _SIDES[rng.random() < 0.5]
        price: Price | None = None
        for candidate in _SIDES:
            best = self._engine.best(candidate.opposite)
            if best is not None and (fair - best[0]) * candidate.sign > 0:
                side, price = candidate, Price(max(1, round(fair)))
        size = self._size(1.0, 1.4)
        self._market.submit(side, size, price, time_in_force=TimeInForce.IOC)

    def _withdraw_overtaken(self, fair: float) -> None:
        for side in _SIDES:
            for price, _ in self._engine.levels(side, _WITHDRAWN_AT_ONCE):
                if (fair - price) * side.sign >= 1.0:
                    break
                for order in self._engine.queue(side, price):
                    if order.owner is None:
                        self._cancel(side, order.id)

    def _quote(self, side: Side, fair: float) -> None:
        parameters, rng = self._parameters, self._random
        kind = rng.random()
        scale = (
            parameters.touch_distance
            if kind < 0.4
            else parameters.near_distance
            if kind < 0.8
            else parameters.far_distance
        )
        distance = 1.0 + rng.expovariate(1 / scale)
        self._place(side, fair - side.sign * distance, distance)

    def _deepen(self, side: Side, fair: float) -> None:
        worst = self._engine.worst(side)
        if self._engine.level_count(side) < self._parameters.levels_per_side:
            edge = fair if worst is None else worst[0]
            step = 1 + self._random.randrange(max(1, int(self._parameters.near_distance)))
            price = edge - side.sign * step
            self._place(side, price, abs(fair - price))

    def _fill_book(self) -> None:
        fair = self._fair.at(self._next_ns) / self._tick
        for side in _SIDES:
            while len(self._orders[side]) < self._parameters.orders_per_side:
                self._quote(side, fair)
            while self._engine.level_count(side) < self._parameters.levels_per_side:
                self._deepen(side, fair)

    # -- orders ----------------------------------------------------------------------------------

    def _place(self, side: Side, price: float, distance: float) -> None:
        instrument = self._market.instrument
        buys = side is Side.BUY
        ticks = instrument.price_down(math.floor(price)) if buys else instrument.price_up(math.ceil(price))
        if ticks <= 0:
            return
        depth = 1 + min(9.0, distance / self._parameters.near_distance)
        order = self._market.submit(side, self._size(depth, 0.9), ticks, post_only=True)
        if not order.state.is_final:
            self._orders[side].add(order.id)

    def _cancel(self, side: Side, order_id: int) -> None:
        self._orders[side].discard(order_id)
        self._market.cancel(order_id)

    def _forget_filled(self, step: Step) -> None:
        for execution in step.executions:
            maker = execution.maker
            if not maker.remaining:
                self._orders[maker.side].discard(maker.id)

    def _size(self, factor: float, spread: float) -> int:
        lots = self._parameters.size * factor * math.exp(spread * self._random.gauss(0, 1))
        return max(1, min(int(lots), int(50 * self._parameters.size)))
