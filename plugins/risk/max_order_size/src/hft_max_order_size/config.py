"""The profile's part of the order size limit."""

from __future__ import annotations

from decimal import Decimal

import attrs

from hft import InstrumentId, option

__all__ = ["Config"]


@attrs.frozen(kw_only=True)
class Config:
    """How large one order for an instrument may be."""

    instrument: InstrumentId = option(doc="the instrument whose orders are limited")
    limit: Decimal | None = option(
        None,
        doc="largest size of one order, in base currency or contracts",
        validator=attrs.validators.optional(attrs.validators.gt(0)),
    )
    notional_limit: Decimal | None = option(
        None,
        doc="largest value of one order, in quote currency",
        validator=attrs.validators.optional(attrs.validators.gt(0)),
    )
