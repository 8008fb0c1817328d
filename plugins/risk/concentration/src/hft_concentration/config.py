"""The profile's part of the concentration limit."""

from __future__ import annotations

from decimal import Decimal

import attrs

from hft import option

__all__ = ["Config"]


@attrs.frozen(kw_only=True)
class Config:
    """How much of the capital may depend on one base currency."""

    asset: str = option(doc="settlement asset of the instruments, and currency of the capital")
    percent: Decimal = option(
        doc="largest net value of one base currency, as a percentage of the capital",
        validator=attrs.validators.gt(0),
    )
    capital: Decimal | None = option(
        None,
        doc="the capital when the ledger began, the equity at the exchanges if not given",
        validator=attrs.validators.optional(attrs.validators.gt(0)),
    )
