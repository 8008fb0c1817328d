"""The profile's part of the drawdown limit."""

from __future__ import annotations

from decimal import Decimal

import attrs

from hft import option

__all__ = ["Config"]

_POSITIVE = attrs.validators.optional(attrs.validators.gt(0))


@attrs.frozen(kw_only=True)
class Config:
    """How far the profit may fall below its highest."""

    asset: str = option(doc="the settlement asset whose profit is watched")
    limit: Decimal | None = option(
        None, doc="fall below the highest profit at which trading halts", validator=_POSITIVE
    )
    percent: Decimal | None = option(
        None, doc="the same as a percentage of the capital with its highest profit", validator=_POSITIVE
    )
    capital: Decimal | None = option(None, doc="the capital when the ledger began", validator=_POSITIVE)
    flatten: bool = option(False, doc="close the positions at the market, too")
