"""Funding as other people's files state it."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path

from hft.data.imports.source import ImportOptions
from hft.errors import DataError
from hft.funding import FundingRate

__all__ = ["funding_row"]


def funding_row(path: Path, options: ImportOptions, time_ns: int, rate: str, mark: str = "") -> FundingRate:
    """Make a row of texts; raise `DataError` for what is no number."""
    try:
        row = FundingRate(time_ns, options.instrument.symbol, Decimal(rate), Decimal(mark) if mark else None)
    except InvalidOperation:
        raise DataError(f"{path}: funding rate {rate!r} or mark price {mark!r} is no number") from None
    if not row.rate.is_finite() or (row.mark is not None and not (row.mark.is_finite() and row.mark > 0)):
        raise DataError(f"{path}: funding rate {rate!r} or mark price {mark!r} is no number")
    return row
