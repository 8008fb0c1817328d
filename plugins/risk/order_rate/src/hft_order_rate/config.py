"""The profile's part of the order rate limit."""

from __future__ import annotations

import attrs

from hft import Duration, option

__all__ = ["Config"]


@attrs.frozen(kw_only=True)
class Config:
    """How many orders may be sent in which time."""

    limit: int = option(
        doc="how many orders and amendments may be approved in any interval",
        validator=[attrs.validators.ge(1), attrs.validators.le(1_000_000)],
    )
    interval: Duration = option(
        Duration(1_000_000_000), doc="length of the interval", validator=attrs.validators.gt(0)
    )
