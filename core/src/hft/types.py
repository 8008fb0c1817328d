"""The small words of trading: prices, sizes, sides, and the states of orders and books."""

from __future__ import annotations

import enum
import sys
from typing import NewType, TypeVar

__all__ = [
    "BookState",
    "Duration",
    "InstrumentKind",
    "Liquidity",
    "OrderState",
    "OrderType",
    "PositionSide",
    "Price",
    "Side",
    "Size",
    "TimeInForce",
    "quick",
]

Price = NewType("Price", int)
"""A price as a count of the instrument's ticks."""

Size = NewType("Size", int)
"""A size as a count of the instrument's lots; a position is a signed ``Size``."""


EnumT = TypeVar("EnumT", bound=type[enum.Enum])


def quick(cls: EnumT) -> EnumT:
    """Make a plain enum cheap enough for the hot path.

    As the library has it, a member is looked up in 0.15 µs on Python 3.11, through a descriptor, and hashed
    in 0.1 µs, both by functions written in Python. Members are single objects: identity tells them apart.
    """
    if sys.version_info < (3, 12):
        for member in cls:
            type.__setattr__(cls, member.name, member)
    type.__setattr__(cls, "__hash__", object.__hash__)
    return cls


Duration = NewType("Duration", int)
"""A length of time in nanoseconds; profiles write it as ``250us``, ``100ms``, ``1.5s``, ``5m``, ``1h``."""


@quick
class Side(enum.Enum):
    """Which way an order trades, or which side of a book a level stands on (BUY is the bids)."""

    BUY = "buy"
    SELL = "sell"

    # Plain attributes, set once below: a property or a dict lookup costs a call on the hot path.
    sign: int
    opposite: Side

    def __str__(self) -> str:
        return str(self.value)


Side.BUY.sign, Side.SELL.sign = 1, -1
Side.BUY.opposite, Side.SELL.opposite = Side.SELL, Side.BUY


@quick
class OrderType(enum.Enum):
    """How an order is priced; post-only and reduce-only are flags of the order, not types.

    A stop waits at the exchange until the market reaches its trigger price, and is then the order that
    its name ends with.
    """

    LIMIT = "limit"
    MARKET = "market"
    STOP_LIMIT = "stop-limit"
    STOP_MARKET = "stop-market"

    # Plain attributes, set once below, as those of `Side` are.
    has_price: bool
    has_trigger: bool


for _type in OrderType:
    _type.has_price = _type in (OrderType.LIMIT, OrderType.STOP_LIMIT)
    _type.has_trigger = _type in (OrderType.STOP_LIMIT, OrderType.STOP_MARKET)


@quick
class PositionSide(enum.Enum):
    """Which of an account's positions in an instrument is meant.

    ``BOTH`` is the only one in one-way mode, where buys and sells net. In hedge mode a long and a short
    position stand side by side, and every order says which of them it changes.
    """

    BOTH = "both"
    LONG = "long"
    SHORT = "short"


@quick
class TimeInForce(enum.Enum):
    """How long an order stays: until canceled, immediate or cancel, fill or kill, until a date."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTD = "GTD"


@quick
class OrderState(enum.Enum):
    """Where an order is in its life.

    UNKNOWN means: sent, and no evidence yet of what became of it. It keeps its exposure until the
    exchange gives evidence; a time-out or a broken connection never makes a rejection.
    """

    PENDING_NEW = "pending-new"
    NEW = "new"
    PARTIALLY_FILLED = "partially-filled"
    PENDING_CANCEL = "pending-cancel"
    PENDING_REPLACE = "pending-replace"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    UNKNOWN = "unknown"

    # Set once below; see Side.
    is_final: bool


for _state in OrderState:
    _state.is_final = _state in (
        OrderState.FILLED,
        OrderState.CANCELED,
        OrderState.REJECTED,
        OrderState.EXPIRED,
    )


@quick
class BookState(enum.Enum):
    """Whether a book may be relied on; only LIVE may be quoted on.

    SYNCING waits for its snapshot, STALE was right but has not been heard of for too long or has
    lost its connection, BROKEN contradicted itself. All three leave LIVE before anybody is told of
    the update that caused it.
    """

    SYNCING = "SYNCING"
    LIVE = "LIVE"
    STALE = "STALE"
    BROKEN = "BROKEN"


@quick
class InstrumentKind(enum.Enum):
    """What is traded."""

    SPOT = "spot"
    PERPETUAL = "perpetual"
    FUTURE = "future"
    OPTION = "option"


@quick
class Liquidity(enum.Enum):
    """Whether a fill made liquidity (rested in the book) or took it."""

    MAKER = "maker"
    TAKER = "taker"
