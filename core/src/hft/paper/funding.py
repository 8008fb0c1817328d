"""When perpetuals pay funding, and at which rate."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from pathlib import Path

from hft.errors import UsageError
from hft.instrument import Instrument
from hft.paper.config import PaperConfig

__all__ = ["ConstantFunding", "FundingRates", "RecordedFunding", "new_funding_rates"]

_HEAD = "time_ns,symbol,rate"


class FundingRates(ABC):
    """Says what longs pay shorts, as a rate of what the position is worth; negative where shorts pay."""

    @abstractmethod
    def after(self, instrument: Instrument, now_ns: int) -> tuple[int, Decimal] | None:
        """Return when an instrument pays next, later than now, and its rate; None if it never does."""


class ConstantFunding(FundingRates):
    """One rate for all, at whole multiples of an interval since midnight UTC."""

    def __init__(self, rate: Decimal, interval_ns: int) -> None:
        self._rate, self._interval_ns = rate, interval_ns

    def after(self, instrument: Instrument, now_ns: int) -> tuple[int, Decimal] | None:
        if not self._rate:
            return None
        return (now_ns // self._interval_ns + 1) * self._interval_ns, self._rate


class RecordedFunding(FundingRates):
    """The rates that were really paid: ``rows`` of time, unified symbol and rate."""

    def __init__(self, rows: Iterable[tuple[int, str, Decimal]]) -> None:
        self._rates: dict[str, list[tuple[int, Decimal]]] = {}
        for time_ns, symbol, rate in sorted(rows):
            self._rates.setdefault(symbol, []).append((time_ns, rate))

    @classmethod
    def read(cls, path: Path) -> RecordedFunding:
        """Read a CSV file of ``time_ns,symbol,rate`` under such a first line."""
        try:
            lines = path.read_text().splitlines()
            if not lines or lines[0] != _HEAD:
                raise ValueError(f"the first line must be {_HEAD}")
            rows = []
            for line in lines[1:]:
                time_ns, symbol, rate = line.split(",")
                rows.append((int(time_ns), symbol, Decimal(rate)))
                if not rows[-1][2].is_finite():
                    raise ValueError(f"{line} has no rate")
        except (OSError, ValueError, InvalidOperation) as error:
            raise UsageError(f"{path}: no funding rates: {error}") from None
        return cls(rows)

    def after(self, instrument: Instrument, now_ns: int) -> tuple[int, Decimal] | None:
        rates = self._rates.get(instrument.symbol, [])
        index = bisect_right(rates, now_ns, key=lambda each: each[0])
        return rates[index] if index < len(rates) else None


def new_funding_rates(config: PaperConfig, *, base: Path) -> FundingRates:
    """Make the funding rates of a profile that stands in the folder ``base``."""
    if config.funding_rates is not None:
        return RecordedFunding.read(base / config.funding_rates)
    return ConstantFunding(config.funding_rate, config.funding_interval)
