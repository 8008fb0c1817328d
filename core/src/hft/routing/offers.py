"""What a market has for us to take right now, without what is ours or taken already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from hft.book import Level
from hft.market import Market
from hft.money import product
from hft.order import Order
from hft.plugin.routing import RoutingStyle
from hft.routing.conditions import ExchangeConditions
from hft.routing.plan import Offer
from hft.types import BookState, Side, Size

__all__ = ["best_of_each_pool", "offer_of"]

_NS = Decimal("1e-9")

_MOST = Decimal("0.5")
"""A penalty above that says no more, and with the fee it would turn the order of a book's levels round."""


def offer_of(
    market: Market, side: Side, conditions: ExchangeConditions, style: RoutingStyle, ours: Sequence[Order]
) -> Offer | None:
    """Return what can be taken on a market, None where nothing may be sent.

    ``ours`` are the open orders of the process on it. Levels from our own best order on are left out:
    nothing is to trade with ourselves. What our orders that are about to take have not been answered for
    is taken off the best levels, since the book shows it still.
    """
    book, instrument = market.book, market.instrument
    if book.state is not BookState.LIVE or not instrument.tradable:
        return None
    if not conditions.ready() or conditions.budget() <= 0:
        return None
    levels = _without_ours(book.levels(side.opposite, style.levels), side, ours)
    if not levels:
        return None
    latency_ns = conditions.latency_ns
    return Offer(
        instrument=instrument,
        levels=levels,
        fee=conditions.taker_fee,
        penalty=min(product(style.latency_cost, latency_ns, _NS), _MOST),
        latency_ns=latency_ns,
    )


def best_of_each_pool(offers: Iterable[tuple[str, Offer]]) -> list[Offer]:
    """Return one offer of each pool, the cheapest: accounts of one exchange take from one book."""
    best: dict[object, Offer] = {}
    for pool, offer in offers:
        key = pool or offer.instrument
        if key not in best or _rank(offer) < _rank(best[key]):
            best[key] = offer
    return list(best.values())


def _rank(offer: Offer) -> tuple[Decimal, int]:
    return offer.fee + offer.penalty, offer.latency_ns


def _without_ours(levels: Sequence[Level], side: Side, ours: Sequence[Order]) -> list[Level]:
    sign = side.sign
    taking = 0
    for order in ours:
        if order.type.has_trigger:
            continue
        if order.side is side:
            if levels and (order.price is None or (order.price - levels[0][0]) * sign >= 0):
                taking += order.remaining
            continue
        for price in (order.price, order.pending_price):
            if price is not None:
                levels = [level for level in levels if (level[0] - price) * sign < 0]
        if order.price is None:
            return []
    left: list[Level] = []
    for price, size in levels:
        taken = min(taking, size)
        taking -= taken
        if size > taken:
            left.append((price, Size(size - taken)))
    return left
