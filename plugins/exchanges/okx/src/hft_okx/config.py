"""The keys of an OKX exchange in a profile."""

from __future__ import annotations

import enum

import attrs
from attrs.validators import gt, optional

from hft import Duration, OrderEntry, PositionMode, Secret, option

__all__ = [
    "AccountLevel",
    "Config",
    "MarginMode",
    "SelfTradePrevention",
    "SpotMode",
    "Trades",
]


_MAX_TAG = 16


class Trades(enum.Enum):
    """Which public trades are told."""

    AGGREGATED = "aggregated"
    """What one order traded at one price, as one."""
    ALL = "all"


class MarginMode(enum.Enum):
    """From what contracts take their margin."""

    CROSS = "cross"
    ISOLATED = "isolated"


class SpotMode(enum.Enum):
    """How spot is traded: with what the account has, or on the margin of all of it."""

    CASH = "cash"
    CROSS = "cross"


class AccountLevel(enum.Enum):
    """The account's mode, which decides how spot is traded and whether contracts can be."""

    SPOT = "spot"
    FUTURES = "futures"
    MULTI_CURRENCY = "multi-currency"
    PORTFOLIO = "portfolio"


class SelfTradePrevention(enum.Enum):
    """What the exchange does when two orders of the account would trade with each other."""

    EXPIRE_MAKER = "expire-maker"
    EXPIRE_TAKER = "expire-taker"
    EXPIRE_BOTH = "expire-both"


def _check_tag(_: object, __: object, value: str) -> None:
    if value and not (value.isascii() and value.isalnum() and len(value) <= _MAX_TAG):
        raise ValueError(f"must be up to {_MAX_TAG} letters and digits, got {value!r}")


@attrs.frozen(kw_only=True)
class Config:
    """Options of the stream and of trading; market data need no key."""

    key: Secret | None = option(None, doc="API key, for trading only")
    secret: Secret | None = option(None, doc="API secret, for trading only")
    passphrase: Secret | None = option(None, doc="what was chosen when the key was made; for trading only")
    trades: Trades = option(
        Trades.AGGREGATED, doc="which trades are told: aggregated (by order and price) or all"
    )

    order_entry: OrderEntry = option(OrderEntry.WEBSOCKET, doc="which way orders travel: websocket or rest")
    position_mode: PositionMode = option(
        PositionMode.ONE_WAY, doc="what the account's positions must be: one-way (net) or hedge (long/short)"
    )
    margin_mode: MarginMode = option(
        MarginMode.CROSS, doc="from what contracts take their margin: cross or isolated"
    )
    spot_mode: SpotMode | None = option(
        None, doc="how spot is traded: cash or cross; none given: cross in the modes that know but one margin"
    )
    account_level: AccountLevel | None = option(
        None,
        doc="refuse to start unless the account's mode is spot, futures, multi-currency or portfolio",
    )
    self_trade_prevention: SelfTradePrevention | None = option(
        None, doc="what new orders ask for where they would meet our own; none given: what the account has"
    )
    tag: str = option(
        "",
        doc="letters and digits that mark our orders; the dead man's switch then cancels only these",
        validator=_check_tag,
    )
    allow_withdrawals: bool = option(False, doc="accept a key that may withdraw money")
    max_leverage: int | None = option(
        None, doc="refuse to start if a traded contract has more leverage", validator=optional(gt(0))
    )
    validity: Duration = option(
        Duration(5_000_000_000),
        doc="how old a new or changed order may be when the exchange gets to it",
        validator=gt(0),
    )
    answer_timeout: Duration = option(
        Duration(2_000_000_000),
        doc="how long an answer may take before the order is asked about",
        validator=gt(0),
    )
    order_wait: Duration = option(
        Duration(1_000_000_000),
        doc="how long a new or changed order may wait for its turn under the limits",
        validator=gt(0),
    )
