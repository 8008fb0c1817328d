"""The profile's part of the open order limit."""

from __future__ import annotations

import attrs

from hft import InstrumentId, option

__all__ = ["Config"]


@attrs.frozen(kw_only=True)
class Config:
    """How many orders may be open at once."""

    limit: int = option(doc="how many orders may be open at once", validator=attrs.validators.ge(1))
    instrument: InstrumentId | None = option(
        None, doc="the instrument whose orders are counted, those of all if not given"
    )
