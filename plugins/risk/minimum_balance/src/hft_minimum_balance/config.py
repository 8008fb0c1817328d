"""The profile's part of the minimum balance."""

from __future__ import annotations

import attrs

from hft import Money, option

__all__ = ["Config"]


@attrs.frozen(kw_only=True)
class Config:
    """How much must stay in an account."""

    exchange: str = option(doc="the exchange's key in the profile")
    minimum: Money = option(doc="what must stay in the account")
