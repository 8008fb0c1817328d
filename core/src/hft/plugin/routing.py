"""Parent orders: what a strategy wants of several exchanges together, and what became of it."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from decimal import Decimal

import attrs

from hft.events import Fill
from hft.instrument import Instrument
from hft.money import difference, product, total
from hft.order import Order
from hft.types import Duration, Side, quick

__all__ = ["DEFAULT_STYLE", "ParentOrder", "ParentState", "RoutingStyle"]


@quick
class ParentState(enum.Enum):
    """Where a parent order is in its life.

    STOPPING sends nothing more and waits for what it has sent. INCOMPLETE has ended with less than its
    size filled, which may be nothing; its reason says why. CANCELED ended because its strategy asked for
    that or was stopped.
    """

    WORKING = "working"
    STOPPING = "stopping"
    FILLED = "filled"
    INCOMPLETE = "incomplete"
    CANCELED = "canceled"

    # Set once below; see `hft.types.Side`.
    is_final: bool


for _state in ParentState:
    _state.is_final = _state in (ParentState.FILLED, ParentState.INCOMPLETE, ParentState.CANCELED)


@attrs.frozen(kw_only=True)
class RoutingStyle:
    """How a parent order is worked.

    ``max_rounds`` is how often it may be split in all, ``pause_ns`` the shortest time from one split to the
    next, in which books come to show what was taken. With ``limit_is_net`` the limit includes taker fees.
    ``latency_cost`` is the fraction of the price that one second until an exchange's answer is worth: it
    counts in the choice of exchanges and neither in limits nor in results; at 0 the quicker exchange wins
    only between equal prices. ``levels`` is how deep a book is looked at. ``wait`` looks again every
    ``pause_ns`` when nothing is on offer, until the deadline, instead of ending.
    """

    max_rounds: int = attrs.field(default=5, validator=attrs.validators.ge(1))
    pause_ns: Duration = attrs.field(default=Duration(20_000_000), validator=attrs.validators.ge(Duration(1)))
    limit_is_net: bool = False
    latency_cost: Decimal = attrs.field(default=Decimal(0), validator=attrs.validators.ge(Decimal(0)))
    levels: int = attrs.field(default=50, validator=attrs.validators.ge(1))
    wait: bool = False


DEFAULT_STYLE = RoutingStyle()


@attrs.define(kw_only=True, eq=False)
class ParentOrder:
    """An order for one symbol on several exchanges; only the router changes it.

    ``size`` is in base currency, ``limit`` the worst price in quote currency, None for none. ``children``
    are the orders sent for it, oldest first, refused ones included. ``notional`` is the exact value in
    quote currency of what was filled, ``fees`` what it cost by asset. Fills that come late still count
    after its end. ``rounds`` is how often it was split. ``reason`` says why it ended or is about to.
    """

    parent_id: str
    strategy: str
    instruments: Sequence[Instrument]
    side: Side
    size: Decimal
    limit: Decimal | None
    deadline_ns: int
    style: RoutingStyle = DEFAULT_STYLE
    state: ParentState = ParentState.WORKING
    reason: str = ""
    children: list[Order] = attrs.Factory(list)
    notional: Decimal = Decimal(0)
    fees: dict[str, Decimal] = attrs.Factory(dict)
    rounds: int = 0
    created_ns: int = 0

    @property
    def filled(self) -> Decimal:
        """Base currency that has traded."""
        return total(product(child.filled, child.instrument.base_per_lot) for child in self.children)

    @property
    def remaining(self) -> Decimal:
        """Base currency that has not traded."""
        return difference(self.size, self.filled)

    @property
    def average_price(self) -> float | None:
        """The average price without fees, for statistics; None before the first fill."""
        filled = self.filled
        return float(self.notional) / float(filled) if filled else None

    def add(self, fill: Fill) -> None:
        """Note a fill of a child."""
        self.notional = total([self.notional, fill.instrument.notional(fill.price, fill.size)])
        self.fees[fill.fee_asset] = total([self.fees.get(fill.fee_asset, 0), fill.fee])
