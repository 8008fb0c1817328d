"""The orders of clients as a simulated exchange keeps them, with everything that happened to them."""

from __future__ import annotations

import enum
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs

from hft.sim.market import SyntheticMarket
from hft.sim.matching import RestingOrder, SelfTrade
from hft.types import OrderState, Price, Side, Size, TimeInForce

if TYPE_CHECKING:
    from hft.sim.account import DeskAccount

__all__ = ["ClientOrder", "EndReason", "Fill", "Leg", "OrderEvent", "Trigger", "TriggerPrice"]


class Leg(enum.Enum):
    """Which position an order trades: the net one, or one of two in hedge mode."""

    NET = "net"
    LONG = "long"
    SHORT = "short"


class TriggerPrice(enum.Enum):
    """Which price sets off a conditional order."""

    LAST = "last"
    MARK = "mark"


class OrderEvent(enum.Enum):
    """What happened to an order."""

    NEW = "new"
    TRIGGERED = "triggered"
    FILL = "fill"
    AMENDED = "amended"
    PREVENTED = "prevented"
    """It met an order that it may not trade with; it may live on."""
    CANCELED = "canceled"
    EXPIRED = "expired"


class EndReason(enum.Enum):
    """Why an order ended with something left."""

    CLIENT = "client"
    IMMEDIATE = "immediate"
    FILL_OR_KILL = "fill-or-kill"
    NO_LIQUIDITY = "no-liquidity"
    SELF_TRADE = "self-trade"
    DATE = "date"
    REDUCE_ONLY = "reduce-only"
    LIQUIDATION = "liquidation"
    NOT_COVERED = "not-covered"
    """When its trigger went off there was no money for it, or it would have taken."""
    EXCHANGE = "exchange"


@attrs.frozen
class Trigger:
    """The price at which a conditional order begins to work, in quote currency.

    ``rising``: it goes off at this price or above, otherwise at it or below.
    """

    price: Decimal
    rising: bool
    by: TriggerPrice = TriggerPrice.LAST

    def is_hit(self, price: Decimal) -> bool:
        """Whether a price sets it off."""
        return price >= self.price if self.rising else price <= self.price


@attrs.frozen(eq=False)
class Fill:
    """One trade of one order; ``realised`` is the profit it made of a position."""

    trade_id: int
    order: ClientOrder
    price: Price
    size: Size
    fee: Decimal
    fee_asset: str
    is_maker: bool
    time_ns: int
    realised: Decimal = Decimal(0)


@attrs.define(eq=False, kw_only=True)
class ClientOrder:
    """An order from the time it was asked for; only its desk changes it.

    A ``price`` of None is a market order. ``native`` is the dialect's own: words in which the order
    was given. ``turnover`` counts ticks times lots traded, ``reserved`` what the desk keeps for it.
    """

    account: DeskAccount
    market: SyntheticMarket
    side: Side
    size: Size
    price: Price | None
    client_id: str
    former_ids: list[str] = attrs.field(factory=list)
    native: Any = None
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    reduce_only: bool = False
    leg: Leg = Leg.NET
    self_trade: SelfTrade = SelfTrade.ALLOW
    good_till_ns: int = 0
    trigger: Trigger | None = None
    by_exchange: bool = False
    """Made by the exchange itself: a liquidation is not checked against limits or margin."""

    id: int = 0
    state: OrderState = OrderState.PENDING_NEW
    filled: Size = Size(0)
    prevented: Size = Size(0)
    turnover: int = 0
    reserved: Decimal = Decimal(0)
    created_ns: int = 0
    updated_ns: int = 0
    working_ns: int = 0
    """When it went to the book; 0 while its trigger waits."""
    end: EndReason | None = None
    resting: RestingOrder | None = None
    fills: list[Fill] = attrs.field(factory=list)
    amendments: int = 0

    @property
    def remaining(self) -> Size:
        """Lots that may still trade."""
        return Size(self.size - self.filled - self.prevented)

    @property
    def is_open(self) -> bool:
        """Whether it may still trade."""
        return not self.state.is_final
