"""The keys of a Bybit exchange in a profile."""

from __future__ import annotations

import enum

import attrs
from attrs.validators import gt, optional

from hft import Duration, OrderEntry, PositionMode, Secret, option

__all__ = ["Config", "MarginMode", "SelfTradePrevention"]

_MAX_WINDOW_NS = 60_000_000_000
_DEPTHS = (1, 50, 200, 1000)


class MarginMode(enum.Enum):
    """What backs positions, of the whole account."""

    CROSS = "cross"
    ISOLATED = "isolated"
    PORTFOLIO = "portfolio"


class SelfTradePrevention(enum.Enum):
    """What the exchange does when an order would trade with another of the same account."""

    NONE = "none"
    CANCEL_MAKER = "cancel-maker"
    CANCEL_TAKER = "cancel-taker"
    CANCEL_BOTH = "cancel-both"


def _check_depth(_: object, __: object, value: int) -> None:
    if value not in _DEPTHS:
        raise ValueError(f"must be one of {', '.join(map(str, _DEPTHS))}, got {value}")


def _check_window(_: object, __: object, value: int) -> None:
    if not 1_000_000 <= value <= _MAX_WINDOW_NS:
        raise ValueError("must be from 1ms to 60s")


@attrs.frozen(kw_only=True)
class Config:
    """Options of the stream and of trading; market data need no key."""

    key: Secret | None = option(None, doc="API key, for trading only")
    secret: Secret | None = option(None, doc="API secret, or an RSA private key as PEM; for trading only")
    depth: int = option(
        50,
        doc="levels a side of a book: 1 (every 10 ms), 50 (20 ms), 200 (100 ms) or 1000 (200 ms)",
        validator=_check_depth,
    )

    order_entry: OrderEntry = option(OrderEntry.WEBSOCKET, doc="which way orders travel: websocket or rest")
    position_mode: PositionMode = option(
        PositionMode.ONE_WAY, doc="what the positions of traded contracts must be: one-way or hedge"
    )
    margin_mode: MarginMode | None = option(
        None, doc="refuse to start unless the account's margin mode is this: cross, isolated or portfolio"
    )
    self_trade_prevention: SelfTradePrevention | None = option(
        None, doc="what new orders ask for where they would meet our own; none given: what the account has"
    )
    allow_withdrawals: bool = option(False, doc="accept a key that may withdraw money")
    max_leverage: int | None = option(
        None, doc="refuse to start if a traded contract has more leverage", validator=optional(gt(0))
    )
    recv_window: Duration = option(
        Duration(5_000_000_000),
        doc="how old a request may be when the exchange gets to it, 1ms to 60s",
        validator=_check_window,
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
