"""The profile's part of the gross exposure limit."""

from __future__ import annotations

import attrs

from hft import Money, option

__all__ = ["Config"]


@attrs.frozen(kw_only=True)
class Config:
    """How much all positions in one settlement asset may be worth."""

    limit: Money = option(
        doc="largest value of all positions that settle in this asset, long and short added up"
    )
