"""The profile's part of the daily loss limit."""

from __future__ import annotations

import attrs

from hft import Money, option

__all__ = ["Config"]


@attrs.frozen(kw_only=True)
class Config:
    """How much one day may lose."""

    limit: Money = option(doc="loss of one day at which trading halts")
    flatten: bool = option(False, doc="close the positions at the market, too")
