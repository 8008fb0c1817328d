"""A backtest, a comparison or a sweep as one page to look at: a file without anything from elsewhere."""

from __future__ import annotations

from hft.report.page import render_page, write_page
from hft.report.series import (
    ComparedCurrency,
    ComparedInstrument,
    CurrencySeries,
    DriftReport,
    FillMark,
    InstrumentSeries,
    Report,
    ReportTable,
)
from hft.report.trials import Axis, Dot, SearchReport

__all__ = [
    "Axis",
    "ComparedCurrency",
    "ComparedInstrument",
    "CurrencySeries",
    "Dot",
    "DriftReport",
    "FillMark",
    "InstrumentSeries",
    "Report",
    "ReportTable",
    "SearchReport",
    "render_page",
    "write_page",
]
