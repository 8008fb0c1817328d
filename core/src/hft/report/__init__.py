"""A backtest as one page to look at: a file without anything from elsewhere."""

from __future__ import annotations

from hft.report.page import render_page, write_page
from hft.report.series import CurrencySeries, FillMark, InstrumentSeries, Report, ReportTable

__all__ = [
    "CurrencySeries",
    "FillMark",
    "InstrumentSeries",
    "Report",
    "ReportTable",
    "render_page",
    "write_page",
]
