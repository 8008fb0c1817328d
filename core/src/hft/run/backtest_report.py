"""Make the page of a backtest from what it found and what was watched."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from hft.clock import NS_PER_S
from hft.money import amount_to_decimal
from hft.report import Report, ReportTable
from hft.run.result import BacktestResult
from hft.run.watch import BacktestWatch

__all__ = ["backtest_report"]


def backtest_report(result: BacktestResult, watch: BacktestWatch) -> Report:
    """Return the report: the same for the same profile, data and seed."""
    summary = result.summary
    begin, end = _time(result.first_ns), _time(result.last_ns)
    facts = [("halted", summary.halted)] if summary.halted else []
    for currency, totals in summary.currencies.items():
        facts.append((f"net profit, {currency}", _amount(totals.net)))
        figures = result.performance.get(currency)
        if figures is not None:
            facts.append(("Sharpe ratio", _number(figures.sharpe)))
            facts.append(("max drawdown", _amount(amount_to_decimal(figures.max_drawdown))))
    facts.append(("fills", f"{summary.fills:,}"))
    facts.append(("events", f"{result.events:,}"))
    return Report(
        title=f"Backtest of {summary.profile}",
        subtitle=f"{begin} to {end} UTC, simulated fills",
        facts=facts,
        times_ns=watch.times_ns,
        instruments=watch.instruments,
        currencies=watch.currencies,
        tables=[_profit(result), _orders(result), _positions(result), _latency(result)],
    )


def _profit(result: BacktestResult) -> ReportTable:
    rows = []
    for currency, totals in result.summary.currencies.items():
        figures = result.performance.get(currency)
        rows.append(
            (
                currency,
                *map(_amount, (totals.realized, totals.unrealized, totals.fees, totals.funding, totals.net)),
                *((_number(figures.sharpe), _number(figures.sortino)) if figures else ("-", "-")),
                _amount(amount_to_decimal(figures.max_drawdown)) if figures else "-",
            )
        )
    columns = (
        "",
        "realised",
        "unrealised",
        "fees",
        "funding",
        "net",
        "Sharpe",
        "Sortino",
        "largest drawdown",
    )
    return ReportTable(title="Profit", columns=columns, rows=rows)


def _orders(result: BacktestResult) -> ReportTable:
    rows = [
        (
            name,
            f"{each.orders_accepted:,}",
            _percent(each.fill_ratio),
            f"{each.maker_fills:,}",
            f"{each.taker_fills:,}",
            _amount(each.turnover),
            _percent(each.time_at_quote),
            _number(each.queue_ahead),
            _number(each.queue_wait_ms),
        )
        for name, each in result.instruments.items()
    ]
    columns = (
        "",
        "orders",
        "that traded",
        "fills as maker",
        "as taker",
        "turnover",
        "time at quote",
        "size ahead in queue",
        "wait in queue, ms",
    )
    return ReportTable(title="Orders", columns=columns, rows=rows)


def _positions(result: BacktestResult) -> ReportTable:
    rows = [
        (name, each.size, f"{figures.inventory_mean:.6g}", f"{figures.inventory_max:f}")
        for name, each in result.summary.positions.items()
        if (figures := result.instruments.get(name)) is not None
    ]
    columns = ("", "at the end", "mean size", "largest size")
    return ReportTable(title="Positions", columns=columns, rows=rows)


def _latency(result: BacktestResult) -> ReportTable:
    rows = [
        (name, f"{stage.count:,}", *(_microseconds(each) for each in (stage.p50, stage.p99, stage.max)))
        for name, stage in result.summary.latency_us.stages.items()
        if stage.count
    ]
    columns = ("us", "count", "p50", "p99", "largest")
    return ReportTable(title="Latency of orders, as simulated", columns=columns, rows=rows)


def _time(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // NS_PER_S, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.3f}"


def _microseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _amount(amount: Decimal) -> str:
    return f"{amount:,.8f}".rstrip("0").rstrip(".")
