"""What a backtest found, in figures: printed for people, or as one JSON object."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import attrs
from rich.console import Group, RenderableType
from rich.table import Table

from hft.clock import NS_PER_S
from hft.instrument import Instrument
from hft.money import amount_to_decimal, product, trim
from hft.paper import OrderStatistics
from hft.run.performance import Performance
from hft.run.summary import Summary

__all__ = ["BacktestResult", "InstrumentResult"]

_NS_PER_MS = 1_000_000


@attrs.frozen(kw_only=True)
class InstrumentResult:
    """What became of the orders in one instrument, by the simulated exchange's clock.

    ``fill_ratio`` is the share of the accepted orders that traded, ``time_at_quote`` that of the time in
    which a bid and an ask of ours waited. ``queue_ahead`` is the mean of the lots ahead of an order that
    begins to wait, ``queue_wait_ms`` the mean time until its first fill there. ``inventory_mean`` and
    ``inventory_max`` are of the size of the position, long or short, over time. None where there was none.
    """

    orders_accepted: int
    fill_ratio: float | None
    maker_fills: int
    taker_fills: int
    turnover: Decimal
    time_at_quote: float | None
    queue_ahead: float | None
    queue_wait_ms: float | None
    inventory_mean: float
    inventory_max: Decimal

    @classmethod
    def of(cls, instrument: Instrument, figures: OrderStatistics, duration_ns: int) -> InstrumentResult:
        """Put the exchange's counts into the units of the instrument."""
        lot = instrument.size_to_decimal(1)
        lots_ahead = _ratio(figures.ahead, figures.joined)
        return cls(
            orders_accepted=figures.accepted,
            fill_ratio=_ratio(figures.traded, figures.accepted),
            maker_fills=figures.maker_fills,
            taker_fills=figures.taker_fills,
            turnover=trim(product(figures.turnover, instrument.point_value)),
            time_at_quote=_ratio(figures.quoting_ns, duration_ns),
            queue_ahead=None if lots_ahead is None else lots_ahead * float(lot),
            queue_wait_ms=_ratio(figures.waited_ns, figures.queue_fills * _NS_PER_MS),
            inventory_mean=(_ratio(figures.inventory_time, duration_ns) or 0.0) * float(lot),
            inventory_max=trim(instrument.size_to_decimal(figures.inventory_max)),
        )


@attrs.frozen(kw_only=True)
class BacktestResult:
    """The figures of one backtest: the same bytes for the same profile, data and seed.

    ``summary`` is what any run has, ``performance`` by currency. ``events`` were played, of the time from
    ``first_ns`` to ``last_ns``. ``wall_s`` is how long that took on this machine, and no part of the result.
    """

    summary: Summary
    performance: Mapping[str, Performance]
    instruments: Mapping[str, InstrumentResult]
    events: int
    first_ns: int
    last_ns: int
    wall_s: float

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``hft backtest --json`` prints."""
        return self.summary.to_json() | {
            "events": self.events,
            "first_ns": self.first_ns,
            "last_ns": self.last_ns,
            "performance": {
                currency: attrs.asdict(each) | {"max_drawdown": f"{amount_to_decimal(each.max_drawdown):f}"}
                for currency, each in self.performance.items()
            },
            "instruments": {
                name: attrs.asdict(each, value_serializer=_plain) for name, each in self.instruments.items()
            },
        }

    def render(self) -> RenderableType:
        """Return what a person sees at the end."""
        parts: list[RenderableType] = [self.summary.render()]
        if self.performance:
            parts.append(self._performance_table())
        parts += [_instrument_table(name, each) for name, each in self.instruments.items()]
        recorded_s = (self.last_ns - self.first_ns) / NS_PER_S
        parts.append(
            f"{self.events:,} events of {recorded_s:,.0f} s in {self.wall_s:.1f} s,"
            f" {self.events / max(self.wall_s, 1e-9):,.0f} a second"
        )
        return Group(*parts)

    def _performance_table(self) -> Table:
        table = Table()
        table.add_column("profit in")
        for name in ("Sharpe", "Sortino", "max drawdown", "fees", "funding", "net"):
            table.add_column(name, justify="right", overflow="fold")
        for currency, each in self.performance.items():
            totals = self.summary.currencies[currency]
            amounts = (amount_to_decimal(each.max_drawdown), totals.fees, totals.funding, totals.net)
            table.add_row(currency, _number(each.sharpe), _number(each.sortino), *map(_amount, amounts))
        return table


def _instrument_table(name: str, each: InstrumentResult) -> Table:
    table = Table(title=name, show_header=False)
    for row in (
        ("orders accepted, share that traded", f"{each.orders_accepted:,}, {_percent(each.fill_ratio)}"),
        ("fills as maker, as taker", f"{each.maker_fills:,}, {each.taker_fills:,}"),
        ("turnover", _amount(each.turnover)),
        ("time with a bid and an ask waiting", _percent(each.time_at_quote)),
        ("mean size ahead on joining a queue", _number(each.queue_ahead)),
        ("mean time in the queue to the first fill", f"{_number(each.queue_wait_ms)} ms"),
        ("size of the position, mean and largest", f"{each.inventory_mean:.6g}, {each.inventory_max:f}"),
    ):
        table.add_row(*row)
    return table


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _plain(_owner: Any, _attribute: Any, value: Any) -> Any:
    return f"{value:f}" if isinstance(value, Decimal) else value


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.3f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _amount(amount: Decimal) -> str:
    return f"{amount:,.8f}".rstrip("0").rstrip(".")
