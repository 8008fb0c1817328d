"""A backtest or a sweep as one page to look at: a file without anything from elsewhere."""

from __future__ import annotations

from hft.report.page import render_page, write_page
from hft.report.series import CurrencySeries, FillMark, InstrumentSeries, Report, ReportTable
from hft.report.trials import Axis, Dot, SearchReport

__all__ = [
    "Axis",
    "CurrencySeries",
    "Dot",
    "FillMark",
    "InstrumentSeries",
    "Report",
    "ReportTable",
    "SearchReport",
    "render_page",
    "write_page",
]
