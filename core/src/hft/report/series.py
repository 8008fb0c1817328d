"""What a page shows: series over time, fills, and tables of what is known exactly."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

__all__ = [
    "ComparedCurrency",
    "ComparedInstrument",
    "CurrencySeries",
    "DriftReport",
    "FillMark",
    "InstrumentSeries",
    "Report",
    "ReportTable",
]


@attrs.frozen(kw_only=True)
class FillMark:
    """A fill where it is drawn: ``time_ns`` at the exchange, ``side`` +1 bought or -1 sold."""

    time_ns: int
    side: int
    price: float
    size: float
    is_maker: bool


@attrs.frozen(kw_only=True)
class InstrumentSeries:
    """One instrument at the report's times: middle of the book, position, and age of the book in ms.

    None where there is nothing. ``fills`` are those that are drawn, of ``fill_count`` in all.
    """

    name: str
    unit: str
    """What sizes are counted in."""
    currency: str
    """What prices are in."""
    mid: Sequence[float | None]
    position: Sequence[float]
    feed_latency_ms: Sequence[float | None]
    fills: Sequence[FillMark]
    fill_count: int


@attrs.frozen(kw_only=True)
class CurrencySeries:
    """Profit in one currency at the report's times, since the start; ``net`` is the sum of the other four.

    ``spread`` is what fills were better than the middle of the exchange's book, ``inventory`` what positions
    gained as it moved, ``fees`` and ``funding`` what was received, negative where it was paid.
    """

    currency: str
    net: Sequence[float]
    spread: Sequence[float]
    inventory: Sequence[float]
    fees: Sequence[float]
    funding: Sequence[float]


@attrs.frozen(kw_only=True)
class ReportTable:
    """Rows of text; the first column names them."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@attrs.frozen(kw_only=True)
class Report:
    """A page: ``facts`` stand on top, large; series share ``times_ns``, nanoseconds UTC, in order."""

    title: str
    subtitle: str
    facts: Sequence[tuple[str, str]]
    times_ns: Sequence[int]
    instruments: Sequence[InstrumentSeries]
    currencies: Sequence[CurrencySeries]
    tables: Sequence[ReportTable]


@attrs.frozen(kw_only=True)
class ComparedInstrument:
    """One instrument of a session and its backtest at the report's times; of pairs the session's is first."""

    name: str
    unit: str
    currency: str
    mid: Sequence[float | None]
    positions: tuple[Sequence[float], Sequence[float]]
    fills: tuple[Sequence[FillMark], Sequence[FillMark]]
    fill_counts: tuple[int, int]


@attrs.frozen(kw_only=True)
class ComparedCurrency:
    """Both profits in one currency, and by how much the session's is more in each of its parts."""

    currency: str
    nets: tuple[Sequence[float], Sequence[float]]
    spread: Sequence[float]
    inventory: Sequence[float]
    fees: Sequence[float]
    funding: Sequence[float]


@attrs.frozen(kw_only=True)
class DriftReport:
    """A page like `Report`, of a session and the backtest of the same time over each other."""

    title: str
    subtitle: str
    facts: Sequence[tuple[str, str]]
    times_ns: Sequence[int]
    instruments: Sequence[ComparedInstrument]
    currencies: Sequence[ComparedCurrency]
    tables: Sequence[ReportTable]
