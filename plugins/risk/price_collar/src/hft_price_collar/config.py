"""The profile's part of the price collar."""

from __future__ import annotations

from decimal import Decimal

import attrs

from hft import InstrumentId, option

__all__ = ["Config"]


@attrs.frozen(kw_only=True)
class Config:
    """How far from the book an order may be priced."""

    percent: Decimal = option(
        doc="how far above the middle of the book a buy, below it a sell, may be priced, in percent",
        validator=attrs.validators.gt(0),
    )
    passive_percent: Decimal | None = option(
        None,
        doc="how far on the other side of the middle an order may be priced, in percent",
        validator=attrs.validators.optional(attrs.validators.gt(0)),
    )
    instrument: InstrumentId | None = option(
        None, doc="the instrument whose orders are judged, those of all if not given"
    )
