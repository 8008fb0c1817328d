"""Risk rules of the usual kinds, beside the plugins that there are: a chain of five is measured."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs

from hft import APPROVED, InstrumentId, Order, Refused, RiskRule, RiskView, Verdict, option
from hft_max_order_size.config import Config as SizeConfig
from hft_max_order_size.rule import MaxOrderSize
from hft_max_position.config import Config as PositionConfig
from hft_max_position.rule import MaxPosition

__all__ = ["five_rules"]


@attrs.frozen(kw_only=True)
class Limit:
    """One number."""

    limit: int = option(doc="what is not to be exceeded")


class MaxOpenOrders(RiskRule[Limit]):
    """Refuse an order when too many of its instrument are open."""

    def check(self, order: Order, view: RiskView) -> Verdict:
        count = len(view.open_orders(order.instrument))
        if count < self.config.limit:
            return APPROVED
        return Refused(f"{count} orders are open, limit is {self.config.limit}")


class PriceBand(RiskRule[Limit]):
    """Refuse a price that is too many ticks from the touch of its side."""

    def check(self, order: Order, view: RiskView) -> Verdict:
        book = view.market(order.instrument).book
        touch = book.best_bid if order.side.sign > 0 else book.best_ask
        if order.price is None or (touch is not None and abs(order.price - touch) <= self.config.limit):
            return APPROVED
        return Refused(f"price {order.price} is too far from {touch}, limit is {self.config.limit} ticks")


class MaxValue(RiskRule[Limit]):
    """Refuse an order that is worth too many ticks times lots."""

    def check(self, order: Order, view: RiskView) -> Verdict:
        if order.price is None or order.price * order.size <= self.config.limit:
            return APPROVED
        return Refused(f"value is {order.price * order.size}, limit is {self.config.limit}")


def five_rules(instrument: InstrumentId) -> list[tuple[str, RiskRule[Any]]]:
    """Return five rules by name, none of which refuses what the benchmarks send."""
    return [
        ("max_order_size", MaxOrderSize(SizeConfig(instrument=instrument, limit=Decimal(1)))),
        ("max_position", MaxPosition(PositionConfig(instrument=instrument, limit=Decimal(10)))),
        ("max_open_orders", MaxOpenOrders(Limit(limit=100))),
        ("price_band", PriceBand(Limit(limit=1_000))),
        ("max_value", MaxValue(Limit(limit=10**12))),
    ]
