"""Write a report as one HTML file: style, script and data inside, nothing fetched from anywhere."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any, TypeAlias

from hft.errors import UsageError
from hft.report import series, trials

__all__ = ["AnyReport", "render_page", "write_page"]

AnyReport: TypeAlias = series.Report | series.DriftReport | trials.SearchReport

_DIGITS = 10
"""Of a number that is drawn."""

_HINT = (
    "drag to zoom, double-click for all; click a name to hide it; with a chart focused: arrows move,"
    " + and - zoom, 0 for all"
)
_SEARCH_HINT = (
    "point at a dot to read its trial; the line is the best so far; a hollow dot violates a constraint,"
    " a cross is a trial that failed"
)


def write_page(path: Path, report: AnyReport) -> None:
    """Write the page; raise `UsageError` where that cannot be."""
    try:
        path.write_text(render_page(report), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from None


def render_page(report: AnyReport) -> str:
    """Return the page: the same for the same report."""
    scripts: tuple[str, ...]
    if isinstance(report, series.Report):
        hint, scripts, data = _HINT, ("panels.js", "backtest.js"), _data(report)
    elif isinstance(report, series.DriftReport):
        hint, scripts, data = _HINT, ("panels.js", "drift.js"), _drift_data(report)
    else:
        hint, scripts, data = _SEARCH_HINT, ("trials.js",), _search_data(report)
    return Template(_asset("page.html")).substitute(
        title=html.escape(report.title),
        subtitle=html.escape(report.subtitle),
        style=_asset("page.css"),
        script="\n".join(map(_asset, scripts)),
        hint=html.escape(hint),
        facts="".join(_fact(name, value) for name, value in report.facts),
        tables="".join(map(_table, report.tables)),
        # Inside a script nothing is escaped: only its end must not stand there.
        data=json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"),
    )


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _fact(name: str, value: str) -> str:
    return f'<div class="fact"><dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd></div>'


def _table(table: series.ReportTable) -> str:
    head = "".join(f'<th scope="col">{html.escape(column)}</th>' for column in table.columns)
    rows = "".join(
        "<tr>"
        f'<th scope="row">{html.escape(row[0])}</th>'
        f"{''.join(f'<td>{html.escape(cell)}</td>' for cell in row[1:])}"
        "</tr>"
        for row in table.rows
    )
    body = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<section><h2>{html.escape(table.title)}</h2><div class="wide">{body}</div></section>'


def _times(times_ns: Sequence[int]) -> tuple[int, dict[str, Any]]:
    first_ns = times_ns[0] if times_ns else 0
    return first_ns, {"startMs": first_ns / 1e6, "t": [_seconds(time_ns, first_ns) for time_ns in times_ns]}


def _data(report: series.Report) -> dict[str, Any]:
    first_ns, times = _times(report.times_ns)
    return times | {
        "instruments": [_instrument(each, first_ns) for each in report.instruments],
        "currencies": [_currency(each) for each in report.currencies],
    }


def _instrument(each: series.InstrumentSeries, first_ns: int) -> dict[str, Any]:
    return {
        "name": each.name,
        "unit": each.unit,
        "currency": each.currency,
        "mid": _numbers(each.mid),
        "position": _numbers(each.position),
        "latency": _numbers(each.feed_latency_ms),
        "fills": _fills(each.fills, first_ns),
        "fillCount": each.fill_count,
    }


def _fills(fills: Sequence[series.FillMark], first_ns: int) -> list[list[float]]:
    return [
        [_seconds(fill.time_ns, first_ns), fill.side, fill.price, fill.size, int(fill.is_maker)]
        for fill in fills
    ]


def _currency(each: series.CurrencySeries) -> dict[str, Any]:
    names = ("net", "spread", "inventory", "fees", "funding")
    return {"name": each.currency} | {name: _numbers(getattr(each, name)) for name in names}


def _drift_data(report: series.DriftReport) -> dict[str, Any]:
    first_ns, times = _times(report.times_ns)
    return times | {
        "instruments": [_compared_instrument(each, first_ns) for each in report.instruments],
        "currencies": [_compared_currency(each) for each in report.currencies],
    }


def _compared_instrument(each: series.ComparedInstrument, first_ns: int) -> dict[str, Any]:
    return {
        "name": each.name,
        "unit": each.unit,
        "currency": each.currency,
        "mid": _numbers(each.mid),
        "positions": [_numbers(values) for values in each.positions],
        "fills": [_fills(fills, first_ns) for fills in each.fills],
        "fillCounts": list(each.fill_counts),
    }


def _compared_currency(each: series.ComparedCurrency) -> dict[str, Any]:
    names = ("spread", "inventory", "fees", "funding")
    parts = {name: _numbers(getattr(each, name)) for name in names}
    return {"name": each.currency, "nets": [_numbers(values) for values in each.nets]} | parts


def _search_data(report: trials.SearchReport) -> dict[str, Any]:
    return {
        "objective": report.objective,
        "maximise": report.maximise,
        "searches": list(report.searches),
        "axes": [_axis(each) for each in report.axes],
        "dots": [_dot(each) for each in report.dots],
    }


def _axis(each: trials.Axis) -> dict[str, Any]:
    return {"name": each.name, "choices": list(each.choices), "log": each.log}


def _dot(each: trials.Dot) -> dict[str, Any]:
    return {
        "search": each.search,
        "number": each.number,
        "objective": _numbers([each.objective])[0],
        "keeps": each.keeps,
        "values": _numbers(each.values),
        "note": each.note,
    }


def _numbers(values: Sequence[float | None]) -> list[float | None]:
    return [None if value is None else float(f"{value:.{_DIGITS}g}") for value in values]


def _seconds(time_ns: int, first_ns: int) -> float:
    return (time_ns - first_ns) // 1_000 / 1e6
