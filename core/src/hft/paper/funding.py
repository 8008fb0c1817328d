"""When perpetuals pay funding, and at which rate."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

from hft.errors import UsageError
from hft.funding import FundingRate, read_funding
from hft.instrument import Instrument
from hft.paper.config import PaperConfig

__all__ = ["ConstantFunding", "FundingRates", "RecordedFunding", "new_funding_rates"]


class FundingRates(ABC):
    """Says what longs pay shorts, as a rate of what the position is worth; negative where shorts pay."""

    @abstractmethod
    def after(self, instrument: Instrument, now_ns: int) -> FundingRate | None:
        """Return what an instrument pays next, later than now; None if it never does."""


class ConstantFunding(FundingRates):
    """One rate for all, at whole multiples of an interval since midnight UTC."""

    def __init__(self, rate: Decimal, interval_ns: int) -> None:
        self._rate, self._interval_ns = rate, interval_ns

    def after(self, instrument: Instrument, now_ns: int) -> FundingRate | None:
        if not self._rate:
            return None
        due_ns = (now_ns // self._interval_ns + 1) * self._interval_ns
        return FundingRate(due_ns, instrument.symbol, self._rate)


class RecordedFunding(FundingRates):
    """The rates that were really paid; of several for one time and symbol the last counts."""

    def __init__(self, rows: Iterable[FundingRate]) -> None:
        last = {(row.symbol, row.time_ns): row for row in rows}
        self._rates: dict[str, list[FundingRate]] = {}
        for symbol, time_ns in sorted(last):
            self._rates.setdefault(symbol, []).append(last[symbol, time_ns])

    @classmethod
    def read(cls, path: Path) -> RecordedFunding:
        """Read a file; raise `UsageError` for one that holds no rates."""
        try:
            return cls(read_funding(path))
        except (OSError, ValueError) as error:
            raise UsageError(f"{path}: no funding rates: {error}") from None

    def after(self, instrument: Instrument, now_ns: int) -> FundingRate | None:
        rates = self._rates.get(instrument.symbol, [])
        index = bisect_right(rates, now_ns, key=lambda each: each.time_ns)
        return rates[index] if index < len(rates) else None


def new_funding_rates(config: PaperConfig, *, base: Path) -> FundingRates:
    """Make the funding rates of a profile that stands in the folder ``base``."""
    if config.funding_rates is not None:
        return RecordedFunding.read(base / config.funding_rates)
    return ConstantFunding(config.funding_rate or Decimal(0), config.funding_interval)
