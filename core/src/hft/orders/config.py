"""What is done about an account whose state is not what we think."""

from __future__ import annotations

import enum
from decimal import Decimal

import attrs

from hft.plugin.config import option
from hft.types import Duration

__all__ = ["AccountConfig", "EarlierOrders", "OnDifference", "OnDisconnect"]


class EarlierOrders(enum.Enum):
    """What becomes of open orders that an earlier run of the profile left."""

    CANCEL = "cancel"
    ADOPT = "adopt"
    """They are the strategy's again that placed them; those of none that still is are cancelled."""


class OnDifference(enum.Enum):
    """What is done when the exchange states another position or balance than the ledger has."""

    HALT = "halt"
    ADOPT = "adopt"
    """The ledger takes the exchange's figure, as an adjustment that the journal keeps."""
    ALERT = "alert"
    """It is said, again and again, and trading goes on."""


class OnDisconnect(enum.Enum):
    """What becomes of open orders while we do not hear of them."""

    KEEP = "keep"
    CANCEL = "cancel"


def _check_interval(_: object, __: object, value: Duration) -> None:
    # What trades between two comparisons is kept in memory: told again, it must be known.
    if not 1_000_000_000 <= value <= 1_800_000_000_000:
        raise ValueError("must be from 1s to 30m")


def _check_not_negative(_: object, __: object, value: Duration) -> None:
    if value < 0:
        raise ValueError("must not be negative")


@attrs.frozen(kw_only=True)
class AccountConfig:
    """How the account of an exchange is kept in step, in mode live."""

    interval: Duration = option(
        Duration(60_000_000_000),
        doc="how often orders, fills, positions and balances are compared with the exchange's",
        validator=_check_interval,
    )
    earlier_orders: EarlierOrders = option(
        EarlierOrders.CANCEL, doc="open orders that an earlier run of the profile left"
    )
    positions: OnDifference = option(
        OnDifference.HALT, doc="a position that the exchange states otherwise than the ledger"
    )
    balances: OnDifference = option(
        OnDifference.ALERT, doc="a balance that the exchange states otherwise than the ledger expects"
    )
    balance_tolerance: Decimal = option(
        Decimal("0.0001"),
        doc="how far a balance may be off: exchanges round what they book, trade by trade",
        validator=attrs.validators.ge(0),
    )
    on_disconnect: OnDisconnect = option(
        OnDisconnect.KEEP, doc="open orders while the private stream is lost"
    )
    dead_man: Duration = option(
        Duration(0),
        doc="let the exchange cancel our orders after this long without a sign of life, 0s: not",
        validator=_check_not_negative,
    )
