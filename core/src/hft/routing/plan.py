"""Split a size over what several exchanges offer, so that it costs least: exact, pure, no I/O.

The law: of all plans that keep every rule, the one that is returned fills most, and of those that fill
most it costs least, fees and penalties included. It holds where of any two lots one is a multiple of the
other, as lots of exchanges are, and for up to `MAX_EXACT` exchanges where a rule of minimum or lot gets in
the way of taking the best prices first; elsewhere the plan keeps every rule and may cost a little more.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate, combinations

import attrs

from hft.book import Level
from hft.instrument import Instrument
from hft.money import EXACT, product, total
from hft.types import Price, Side, Size

__all__ = ["MAX_EXACT", "Offer", "Plan", "PlannedChild", "plan"]

MAX_EXACT = 6
"""Exchanges among which every combination is tried; the work grows threefold with each."""


@attrs.frozen(kw_only=True)
class Offer:
    """What one exchange has for us to take.

    ``levels`` are of the side that is taken from, best first, each in the instrument's ticks and lots.
    ``fee`` is the taker's rate, ``penalty`` a further fraction of the price that counts in the choice and
    nowhere else. Of offers that cost the same the one with the lower ``latency_ns`` comes first, then the
    one that was named first.
    """

    instrument: Instrument
    levels: Sequence[Level]
    fee: Decimal
    penalty: Decimal = Decimal(0)
    latency_ns: int = 0


@attrs.frozen
class PlannedChild:
    """One order to send: ``price`` is the worst that it is meant to trade at."""

    instrument: Instrument
    price: Price
    size: Size


@attrs.frozen(kw_only=True)
class Plan:
    """The orders to send, and what they come to if the books are as they look.

    ``size`` is in base currency, ``net`` in quote currency: what a buy pays with fees, what a sell brings
    after fees.
    """

    children: tuple[PlannedChild, ...]
    size: Decimal
    net: Decimal


def plan(
    offers: Sequence[Offer], side: Side, size: Decimal, limit: Decimal | None, *, limit_is_net: bool = False
) -> Plan:
    """Return the best way to trade up to ``size`` base currency at ``limit`` or better.

    ``limit`` is in quote currency, None for none; fees count in it only with ``limit_is_net``. A plan has
    at most one order an exchange and none that its minimum or maximum size or its minimum notional forbids;
    an order of sell is held to its minimum notional at every size up to its own beyond its minimum.
    """
    shift = max(_decimals(size), *(_decimals(offer.instrument.base_per_lot) for offer in offers), 0)
    ladders = [_Ladder(offer, side, limit, limit_is_net, shift) for offer in offers]
    ladders = [ladder for ladder in ladders if ladder.minimum <= ladder.capacity]
    if not ladders:
        return Plan(children=(), size=Decimal(0), net=Decimal(0))
    room = int(EXACT.scaleb(size, shift))
    room -= room % math.gcd(*(ladder.unit for ladder in ladders))
    _share_scale(ladders)
    counts, clean = _cheapest_first(ladders, room)
    if not clean or any(
        count < ladder.minimum for ladder, count in zip(ladders, counts, strict=True) if count
    ):
        ladders = sorted(ladders, key=lambda ladder: ladder.keys[0])[:MAX_EXACT]
        counts = _Search(ladders, room).best
    chosen = [(ladder, count) for ladder, count in zip(ladders, counts, strict=True) if count]
    return Plan(
        children=tuple(
            PlannedChild(ladder.offer.instrument, ladder.price(count), Size(count))
            for ladder, count in chosen
        ),
        size=total(product(count, ladder.offer.instrument.base_per_lot) for ladder, count in chosen),
        net=total(ladder.net(count) for ladder, count in chosen),
    )


class _Ladder:
    """One offer in whole numbers: what its lots cost, from the first to the last within the limit.

    ``unit`` is one lot in the smallest part of base currency that any offer or the size is stated in,
    ``keys`` the price of one such part at each level, on a scale that all ladders share: lower is better
    on both sides. ``ends`` are the lots up to and including each level.
    """

    def __init__(
        self, offer: Offer, side: Side, limit: Decimal | None, limit_is_net: bool, shift: int
    ) -> None:
        instrument, sign = offer.instrument, side.sign
        self.offer = offer
        self._fee_factor = EXACT.add(1, product(sign, offer.fee))
        self.factor = product(
            sign, instrument.tick_size, EXACT.add(self._fee_factor, product(sign, offer.penalty))
        )
        self.unit = int(EXACT.scaleb(instrument.base_per_lot, shift))
        levels = offer.levels
        if limit is not None:
            tick = product(instrument.tick_size, self._fee_factor if limit_is_net else 1)
            worst = math.floor(sign * Fraction(limit) / Fraction(tick))
            levels = [level for level in levels if sign * level[0] <= worst]
        # No exchange takes an order at a price of 0, and a book of a worthless thing may show one.
        levels = [(price, lots) for price, lots in levels if price > 0 and lots > 0]
        self.prices = [price for price, _ in levels]
        self._lots = [lots for _, lots in levels]
        self.ends = list(accumulate(self._lots))
        self.capacity = self.ends[-1] if self.ends else 0
        if instrument.max_size is not None:
            self.capacity = min(self.capacity, instrument.max_size)
        self.minimum = self._least(instrument)
        self.keys: list[int] = []
        self._costs: list[int] = []

    def scale(self, shift: int) -> None:
        """Turn the prices into whole numbers, once it is known how many decimals all ladders need."""
        factor = int(EXACT.scaleb(self.factor, shift))
        self.keys = [price * factor for price in self.prices]
        self._costs = [0, *accumulate(key * lots for key, lots in zip(self.keys, self._lots, strict=True))]

    def cost(self, count: int) -> int:
        """Return what the best ``count`` lots cost, fee and penalty included, in shared whole numbers."""
        if not count:
            return 0
        level = bisect_left(self.ends, count)
        return (self._costs[level + 1] - (self.ends[level] - count) * self.keys[level]) * self.unit

    def price(self, count: int) -> Price:
        """Return the worst price of the best ``count`` lots."""
        return self.prices[bisect_left(self.ends, count)]

    def net(self, count: int) -> Decimal:
        """Return what the best ``count`` lots come to in quote currency with the fee."""
        ticks, left = 0, count
        for price, lots in zip(self.prices, self._lots, strict=True):
            ticks += price * min(lots, left)
            left -= min(lots, left)
        return product(ticks, self.offer.instrument.point_value, self._fee_factor)

    def _least(self, instrument: Instrument) -> int:
        """Return the lots from which on an order is large enough, whatever of its further lots it takes."""
        least = max(1, instrument.min_size)
        value = math.ceil(Fraction(instrument.min_notional) / Fraction(instrument.point_value))
        begin = 0
        for price, end in zip(self.prices, self.ends, strict=True):
            if begin >= self.capacity:
                break
            needed = -(-value // price)
            if needed > begin + 1:
                least = max(least, min(needed, end + 1))
            begin = end
        return least


def _share_scale(ladders: Sequence[_Ladder]) -> None:
    shift = max(0, *(_decimals(ladder.factor) for ladder in ladders))
    for ladder in ladders:
        ladder.scale(shift)


def _cheapest_first(
    ladders: Sequence[_Ladder], room: int, least: Sequence[int] = ()
) -> tuple[list[int], bool]:
    """Take the best levels of all until the room is used up or less than a lot of the next one is left.

    Return the lots of each ladder, and whether they fill the room or use everything up: then no plan of
    that size costs less. ``least`` are lots that have to be taken of each whatever they cost.
    """
    counts = list(least) or [0] * len(ladders)
    room -= sum(ladder.unit * count for ladder, count in zip(ladders, counts, strict=True))
    steps = sorted(
        (key, ladder.offer.latency_ns, index, end)
        for index, ladder in enumerate(ladders)
        for key, end in zip(ladder.keys, ladder.ends, strict=True)
    )
    for _, _, index, end in steps:
        ladder = ladders[index]
        wanted = min(end, ladder.capacity) - counts[index]
        if wanted <= 0:
            continue
        taken = min(wanted, room // ladder.unit)
        counts[index] += taken
        room -= taken * ladder.unit
        if taken < wanted:
            return counts, room == 0
    return counts, True


class _Search:
    """Tries every choice of exchanges, and near the cheapest split of each the lots around it.

    Of a choice each exchange gets its minimum first. From the coarsest lot to the finest, the best count
    is that of the cheapest split without whole lots, rounded down or up: with a lot more or less than that,
    finer lots of the same size in all could take its place, or it theirs, at no worse a price.
    """

    def __init__(self, ladders: Sequence[_Ladder], room: int) -> None:
        self.best = [0] * len(ladders)
        self._ladders = ladders
        self._filled = self._cost = 0
        indices = sorted(range(len(ladders)), key=lambda index: -ladders[index].unit)
        for number in range(len(ladders), 0, -1):
            for chosen in combinations(indices, number):
                self._room = room
                self._counts = [0] * len(ladders)
                if self._may_win(chosen):
                    self._try(chosen, room)

    def _may_win(self, chosen: Sequence[int]) -> bool:
        ladders = [self._ladders[index] for index in chosen]
        if sum(ladder.minimum * ladder.unit for ladder in ladders) > self._room:
            return False
        return min(sum(ladder.capacity * ladder.unit for ladder in ladders), self._room) >= self._filled

    def _try(self, chosen: Sequence[int], room: int) -> None:
        index, rest = chosen[0], chosen[1:]
        ladder = self._ladders[index]
        reserved = sum(self._ladders[each].minimum * self._ladders[each].unit for each in rest)
        for count in self._near(chosen, room):
            left = room - count * ladder.unit
            if ladder.minimum <= count <= ladder.capacity and left >= reserved:
                self._counts[index] = count
                if rest:
                    self._try(rest, left)
                else:
                    self._keep(left)

    def _near(self, chosen: Sequence[int], room: int) -> Iterator[int]:
        ladders = [self._ladders[index] for index in chosen]
        if len(ladders) == 1:
            yield min(room // ladders[0].unit, ladders[0].capacity)
            return
        count = _cheapest_first(ladders, room, [ladder.minimum for ladder in ladders])[0][0]
        yield from (count, count + 1)

    def _keep(self, left: int) -> None:
        filled = self._room - left
        if filled < self._filled:
            return
        cost = sum(ladder.cost(count) for ladder, count in zip(self._ladders, self._counts, strict=True))
        if filled > self._filled or cost < self._cost:
            self._filled, self._cost, self.best = filled, cost, list(self._counts)


def _decimals(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int), "finite"
    return max(0, -exponent)
