"""The keys of a Binance exchange in a profile."""

from __future__ import annotations

import enum

import attrs

from hft import Secret, option
from hft_binance.endpoints import Product
from hft_binance.limits import DEPTH_LIMITS

__all__ = ["Config", "FuturesDepthSpeed", "SpotDepthSpeed"]


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


_MAX_DEPTH = max(levels for levels, _ in DEPTH_LIMITS[Product.SPOT])


def _check_depth(_: object, __: object, value: int) -> None:
    if not 5 <= value <= _MAX_DEPTH:
        raise ValueError(f"must be from 5 to {_MAX_DEPTH}, got {value}")


@attrs.frozen(kw_only=True)
class Config:
    """Options of the stream; market data need no key."""

    key: Secret | None = option(None, doc="API key, for trading only")
    secret: Secret | None = option(None, doc="API secret, for trading only")
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

    def depth_of(self, product: Product) -> int:
        """Return the smallest snapshot that the exchange offers with at least ``depth`` levels.

        Futures answer only the limits of their list; spot answers any.
        """
        if product is Product.SPOT:
            return self.depth
        limits = (5, 10, 20, *(levels for levels, _ in DEPTH_LIMITS[product]))
        return next((levels for levels in limits if levels >= self.depth), limits[-1])
