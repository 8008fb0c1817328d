"""The profile's part of the position limit."""

from __future__ import annotations

from decimal import Decimal

import attrs

from hft import InstrumentId, option

__all__ = ["Config"]


@attrs.frozen(kw_only=True)
class Config:
    """How far the position in one instrument may go, either way."""

    instrument: InstrumentId = option(doc="the instrument whose position is limited")
    limit: Decimal = option(
        doc="largest position, long or short, in base currency or contracts", validator=attrs.validators.gt(0)
    )
