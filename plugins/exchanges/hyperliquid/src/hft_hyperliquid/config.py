"""The keys of a Hyperliquid exchange in a profile."""

from __future__ import annotations

import enum
import re
from decimal import Decimal

import attrs
from attrs.validators import gt, optional

from hft import Duration, OrderEntry, Secret, option

__all__ = ["BookFeed", "Config", "OrderEntry"]

_ADDRESS = re.compile("0x[0-9a-fA-F]{40}")


class BookFeed(enum.Enum):
    """Which books are subscribed to."""

    FAST = "fast"
    """Five levels a side, twice a second."""
    FULL = "full"
    """Twenty levels a side, at the pace that the exchange sees fit: seconds, lately."""


def _shown(key: Secret | str | None) -> str | None:
    # A simulator's own accounts come with keys as most exchanges have them.
    return key.reveal() if isinstance(key, Secret) else key


def _check_slippage(_: object, __: object, value: Decimal) -> None:
    if not 0 < value < 1:
        raise ValueError("must be between 0 and 1, as in '0.05' for 5 %")


def _check_address(_: object, __: object, value: str | None) -> None:
    if value is not None and not _ADDRESS.fullmatch(value):
        raise ValueError("is no address, write it as 0x and 40 hexadecimal digits")


@attrs.frozen(kw_only=True)
class Config:
    """Options of the stream and of trading; market data need no key."""

    key: str | None = attrs.field(
        default=None,
        converter=_shown,
        validator=_check_address,
        metadata={"doc": "the account's address, which is no secret; for trading only"},
    )
    secret: Secret | None = option(
        None, doc="private key of an API wallet that the account has approved, or its own; for trading only"
    )
    vault: str | None = option(
        None, doc="address of the sub-account or vault to trade for", validator=_check_address
    )
    book: BookFeed = option(
        BookFeed.FAST, doc="fast: 5 levels a side twice a second, or full: 20 levels less often"
    )
    order_entry: OrderEntry = option(OrderEntry.WEBSOCKET, doc="which way orders travel: websocket or rest")
    market_slippage: Decimal = option(
        Decimal("0.05"),
        doc="how far from the best price a market order may trade, as a share of it",
        validator=_check_slippage,
    )
    modify: bool = option(
        False,
        doc="amend by the exchange's own modification: one action for two; what trades meanwhile adds up",
    )
    max_leverage: int | None = option(
        None, doc="refuse to start if a traded perpetual has more leverage", validator=optional(gt(0))
    )
    order_validity: Duration = option(
        Duration(5_000_000_000),
        doc="how long after its sending the exchange may still carry out a request",
        validator=gt(0),
    )
    answer_timeout: Duration = option(
        Duration(3_000_000_000),
        doc="how long an answer may take before the order is asked about",
        validator=gt(0),
    )
    order_wait: Duration = option(
        Duration(1_000_000_000),
        doc="how long a new or changed order may wait for its turn under the limits",
        validator=gt(0),
    )
