"""Why a simulated exchange does not do what it was asked; each dialect has its own words for it."""

from __future__ import annotations

import enum
from decimal import Decimal

__all__ = ["Reason", "Refused"]


class Reason(enum.Enum):
    """What an order, an amendment or a cancellation fell foul of."""

    CLOSED = "closed"
    TICK = "tick"
    LOW_PRICE = "low-price"
    HIGH_PRICE = "high-price"
    LOT = "lot"
    SMALL = "small"
    LARGE = "large"
    LARGE_MARKET = "large-market"
    NOTIONAL = "notional"
    LARGE_NOTIONAL = "large-notional"
    PRICE_BAND = "price-band"
    TOO_MANY_ORDERS = "too-many-orders"
    TOO_MANY_TRIGGERS = "too-many-triggers"
    DUPLICATE_ID = "duplicate-id"
    BALANCE = "balance"
    MARGIN = "margin"
    WOULD_TAKE = "would-take"
    NOT_FILLABLE = "not-fillable"
    NO_PRICE = "no-price"
    REDUCE_ONLY = "reduce-only"
    POSITION_SIDE = "position-side"
    WOULD_TRIGGER = "would-trigger"
    UNKNOWN_ORDER = "unknown-order"
    NOT_LIMIT = "not-limit"
    NO_CHANGE = "no-change"
    TOO_MANY_AMENDMENTS = "too-many-amendments"
    NOT_SMALLER = "not-smaller"


class Refused(Exception):
    """A request that changes nothing; ``limit`` is the number it fell foul of, where there is one."""

    def __init__(self, reason: Reason, limit: Decimal | int | None = None) -> None:
        self.reason = reason
        self.limit = limit
        super().__init__(reason.value)
