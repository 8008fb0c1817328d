"""What a run did, in figures: printed for people, or as one JSON object."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Self

import attrs
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hft.latency import Histogram, Trace
from hft.ledger import AssetTotals, PositionView
from hft.money import trim

__all__ = ["LatencySummary", "PositionSummary", "StageSummary", "Summary"]


_SHOWN_DECIMALS = 8


@attrs.frozen(kw_only=True)
class PositionSummary:
    """What the ledger holds of one instrument, as the exchange states sizes and prices."""

    size: str
    average_price: Decimal | None
    mark: Decimal
    cash: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    fees: Mapping[str, Decimal]
    currency: str

    @classmethod
    def of(cls, view: PositionView) -> PositionSummary:
        """Print what the ledger has."""
        return cls(
            size=view.instrument.format_size(view.size),
            average_price=view.average_price,
            mark=view.mark,
            cash=view.cash,
            realized_pnl=view.realized,
            unrealized_pnl=view.unrealized,
            fees={asset: trim(fee) for asset, fee in view.fees.items()},
            currency=view.instrument.settle,
        )


@attrs.frozen(kw_only=True)
class StageSummary:
    """How long something took in microseconds, all 0 when it never happened."""

    p50: float = 0.0
    p99: float = 0.0
    max: float = 0.0
    count: int = 0

    @classmethod
    def of(cls, histogram: Histogram) -> Self:
        """Print a histogram's figures."""
        p50, p99 = histogram.percentile_ns(50), histogram.percentile_ns(99)
        if p50 is None or p99 is None:
            return cls()
        return cls(p50=p50 / 1e3, p99=p99 / 1e3, max=histogram.maximum_ns / 1e3, count=histogram.count)

    def __str__(self) -> str:
        return ", ".join(f"{us:,.0f}" for us in (self.p50, self.p99, self.max)) + " us"


@attrs.frozen(kw_only=True)
class LatencySummary(StageSummary):
    """Tick-to-order latency, and that of each stage by its name."""

    stages: Mapping[str, StageSummary] = attrs.field(factory=dict)

    @classmethod
    def of_trace(cls, trace: Trace) -> Self:
        """Print a trace's figures."""
        stages = {stage.value: StageSummary.of(histogram) for stage, histogram in trace.stages.items()}
        return attrs.evolve(cls.of(trace.tick_to_order), stages=stages)


@attrs.frozen(kw_only=True)
class Summary:
    """The figures of one run.

    ``currency`` is the quote currency of the profile's first instrument; ``realized_pnl``,
    ``unrealized_pnl`` and ``fees`` are its totals, and ``currencies`` has those of every currency.
    Amounts are exact; in JSON they are texts.
    """

    profile: str
    mode: str
    duration_s: float
    frames: int
    undecoded: int
    book_updates: int
    trades: int
    gaps: int
    resyncs: int
    orders_sent: int
    amends_sent: int
    cancels_sent: int
    refused: Mapping[str, int]
    fills: int
    currency: str
    currencies: Mapping[str, AssetTotals]
    positions: Mapping[str, PositionSummary]
    latency_us: LatencySummary
    halted: str | None = None
    faults: tuple[str, ...] = ()
    open_orders_left: int = 0

    @property
    def totals(self) -> AssetTotals:
        """The totals of ``currency``."""
        return self.currencies.get(self.currency, AssetTotals())

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``hft run --json`` prints."""
        values: dict[str, Any] = attrs.asdict(self, value_serializer=_plain)
        values["currencies"] = {name: _amounts(each) for name, each in self.currencies.items()}
        return values | _amounts(self.totals)

    def render(self) -> RenderableType:
        """Return what a person sees at the end of a run."""
        figures = Table(title=f"{self.profile} ({self.mode}, {self.duration_s:.1f} s)", show_header=False)
        latency = self.latency_us
        rows = [
            (
                "frames",
                f"{self.frames:,}" + (f", {self.undecoded:,} not understood" if self.undecoded else ""),
            ),
            ("book updates", f"{self.book_updates:,}"),
            ("gaps, resynchronisations", f"{self.gaps:,}, {self.resyncs:,}"),
            ("orders, amends, cancels", f"{self.orders_sent:,}, {self.amends_sent:,}, {self.cancels_sent:,}"),
            ("fills", f"{self.fills:,}"),
        ]
        if self.open_orders_left:
            rows.append(("still open, not confirmed cancelled", f"{self.open_orders_left:,}"))
        rows += [(f"refused: {reason}", f"{count:,}") for reason, count in self.refused.items()]
        if latency.count:
            rows.append(("tick to order p50, p99, max", str(latency)))
        # By the clock of a backtest what our own machine does takes no time.
        rows += [(f"  {name}", str(stage)) for name, stage in latency.stages.items() if stage.max]
        for currency, totals in self.currencies.items():
            rows.append((f"realised P&L {currency}", _short(totals.realized)))
            rows.append((f"unrealised P&L {currency}", _short(totals.unrealized)))
            rows.append((f"fees {currency}", _short(totals.fees)))
            rows.append((f"net {currency}", _short(totals.net)))
        for row in rows:
            figures.add_row(*row)
        parts: list[RenderableType] = [figures]
        if self.positions:
            parts.append(self._positions_table())
        parts += [Text(f"fault: {fault}", style="red") for fault in self.faults]
        if self.halted:
            parts.append(Text(f"trading was halted: {self.halted}", style="red"))
        return Group(*parts)

    def _positions_table(self) -> Table:
        table = Table()
        table.add_column("instrument", overflow="fold")
        for name in ("position", "average price", "mark", "realised", "unrealised"):
            # A figure that does not fit goes on in the next line: cut short it would be another.
            table.add_column(name, justify="right", overflow="fold")
        for name, position in self.positions.items():
            table.add_row(
                name,
                position.size,
                "-" if position.average_price is None else _short(position.average_price),
                _short(position.mark),
                _short(position.realized_pnl),
                _short(position.unrealized_pnl),
            )
        return table


def _short(amount: Decimal) -> str:
    """Print for a person what JSON has exactly."""
    return f"{amount:,.{_SHOWN_DECIMALS}f}".rstrip("0").rstrip(".")


def _amounts(totals: AssetTotals) -> dict[str, str]:
    return {
        "realized_pnl": f"{totals.realized:f}",
        "unrealized_pnl": f"{totals.unrealized:f}",
        "fees": f"{totals.fees:f}",
        "funding": f"{totals.funding:f}",
        "net_pnl": f"{totals.net:f}",
    }


def _plain(_owner: Any, _attribute: Any, value: Any) -> Any:
    return f"{value:f}" if isinstance(value, Decimal) else value
