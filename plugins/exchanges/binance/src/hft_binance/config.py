"""The keys of a Binance exchange in a profile."""

from __future__ import annotations

import enum

import attrs
from attrs.validators import gt, optional

from hft import Duration, OrderEntry, PositionMode, Secret, option
from hft_binance.endpoints import Product
from hft_binance.limits import DEPTH_LIMITS

__all__ = [
    "Config",
    "FuturesDepthSpeed",
    "SelfTradePrevention",
    "SpotDepthSpeed",
    "UserStream",
]

_MAX_WINDOW_NS = 60_000_000_000


class SpotDepthSpeed(enum.Enum):
    """How often spot sends changes of the book."""

    MS_100 = "100ms"
    MS_1000 = "1000ms"


class FuturesDepthSpeed(enum.Enum):
    """How often futures send changes of the book; ``0ms`` is real-time and undocumented."""

    MS_0 = "0ms"
    MS_100 = "100ms"
    MS_250 = "250ms"
    MS_500 = "500ms"


class UserStream(enum.Enum):
    """How fills and balances are heard of."""

    CURRENT = "current"
    """Spot over the websocket API, futures by a listen key on the private path of 2026."""
    LISTEN_KEY = "listen-key"
    """Both by a listen key on the path of before 2026."""


class SelfTradePrevention(enum.Enum):
    """What the exchange does when two orders of the account would trade with each other."""

    NONE = "none"
    EXPIRE_MAKER = "expire-maker"
    EXPIRE_TAKER = "expire-taker"
    EXPIRE_BOTH = "expire-both"
    DECREMENT = "decrement"
    """Spot only."""


_MAX_DEPTH = max(levels for levels, _ in DEPTH_LIMITS[Product.SPOT])


def _check_depth(_: object, __: object, value: int) -> None:
    if not 5 <= value <= _MAX_DEPTH:
        raise ValueError(f"must be from 5 to {_MAX_DEPTH}, got {value}")


def _check_window(_: object, __: object, value: int) -> None:
    if not 1_000_000 <= value <= _MAX_WINDOW_NS:
        raise ValueError("must be from 1ms to 60s")


@attrs.frozen(kw_only=True)
class Config:
    """Options of the stream and of trading; market data need no key."""

    key: Secret | None = option(None, doc="API key, for trading only")
    secret: Secret | None = option(None, doc="API secret, or an Ed25519 private key as PEM; for trading only")
    depth: int = option(
        1000,
        doc="levels a side of a book's snapshot, 5 to 5000 (futures: at most 1000); more cost more",
        validator=_check_depth,
    )
    spot_depth_speed: SpotDepthSpeed = option(
        SpotDepthSpeed.MS_100, doc="how often spot sends changes of the book"
    )
    futures_depth_speed: FuturesDepthSpeed = option(
        FuturesDepthSpeed.MS_100, doc="how often futures send changes of the book"
    )

    order_entry: OrderEntry = option(OrderEntry.WEBSOCKET, doc="which way orders travel: websocket or rest")
    user_stream: UserStream = option(
        UserStream.CURRENT, doc="how fills are heard of: current, or listen-key as before 2026"
    )
    position_mode: PositionMode = option(
        PositionMode.ONE_WAY, doc="what the account's futures positions must be: one-way or hedge"
    )
    self_trade_prevention: SelfTradePrevention | None = option(
        None, doc="what new orders ask for where they would meet our own; none given: what the account has"
    )
    allow_withdrawals: bool = option(False, doc="accept a key that may withdraw money")
    multi_assets: bool | None = option(
        None, doc="refuse to start unless the futures account's multi-assets mode is this"
    )
    max_leverage: int | None = option(
        None, doc="refuse to start if a traded future has more leverage", validator=optional(gt(0))
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

    def depth_of(self, product: Product) -> int:
        """Return the smallest snapshot that the exchange offers with at least ``depth`` levels.

        Futures answer only the limits of their list; spot answers any.
        """
        if product is Product.SPOT:
            return self.depth
        limits = (5, 10, 20, *(levels for levels, _ in DEPTH_LIMITS[product]))
        return next((levels for levels in limits if levels >= self.depth), limits[-1])
