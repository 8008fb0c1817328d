"""The figures of a backtest by name, as its JSON has them: ``net_pnl``, ``performance.USDT.sharpe``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import attrs

from hft.ledger import AssetTotals
from hft.run.performance import Performance
from hft.run.result import BacktestResult, InstrumentResult
from hft.run.summary import Summary
from hft.run.tape import Tape

__all__ = ["Figures", "exact", "figure_names", "figures_of"]

Figures = Mapping[str, str | int | float | None]
"""Numbers by name, decimals as text; None where there is nothing to count."""

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_COUNTS = ("int", "float", int, float)
"""Types of fields, as text until somebody resolves them."""


def figures_of(result: BacktestResult) -> Figures:
    """Return every number of a result by its path, keys joined by dots."""
    found: dict[str, str | int | float | None] = {}
    _flatten("", result.to_json(), found)
    return found


def figure_names(tapes: Iterable[Tape]) -> list[str]:
    """Return the names that the figures of every result on these data have."""
    instruments = [tape.instrument for tape in tapes]
    names = [field.name for field in attrs.fields(Summary) if field.type in _COUNTS]
    names += [*_TOTALS, "events", "first_ns", "last_ns"]
    for currency in dict.fromkeys(each.settle for each in instruments):
        names += [f"currencies.{currency}.{name}" for name in _TOTALS]
        names += [f"performance.{currency}.{field.name}" for field in attrs.fields(Performance)]
    for each in instruments:
        names += [f"instruments.{each}.{field.name}" for field in attrs.fields(InstrumentResult)]
    return names


def exact(figure: str | int | float) -> Decimal:
    """Return a figure as the number that its JSON shows."""
    return Decimal(str(figure))


def _totals() -> tuple[str, ...]:
    shown = {"realized": "realized_pnl", "unrealized": "unrealized_pnl"}
    return (*(shown.get(field.name, field.name) for field in attrs.fields(AssetTotals)), "net_pnl")


_TOTALS = _totals()


def _flatten(path: str, value: Any, found: dict[str, str | int | float | None]) -> None:
    if isinstance(value, dict):
        for key, each in value.items():
            _flatten(f"{path}.{key}" if path else key, each, found)
    elif isinstance(value, str):
        if _NUMBER.fullmatch(value):
            found[path] = value
    elif value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        found[path] = value
