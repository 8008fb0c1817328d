"""Make the page of a comparison."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from decimal import Decimal

from hft.report import ComparedCurrency, ComparedInstrument, DriftReport, FillMark, ReportTable
from hft.run.drift.compare import Compared
from hft.run.drift.deeds import Deeds, Traded
from hft.run.drift.figures import apart_table, cause_table, latency_table, market_table, money_table, when
from hft.run.drift.value import Middles
from hft.types import Liquidity

__all__ = ["drift_page"]

_FILLS = 10_000
"""Fills of an instrument that are drawn of each; of more, every second, third and so on."""


def drift_page(name: str, compared: Compared) -> DriftReport:
    """Return the page: the same for the same profile and session."""
    drift, recording = compared.drift, compared.recording
    both = (recording.deeds, compared.backtest)
    times_ns = _times(compared)
    facts = [("drift", "none" if drift.equal else "yes")]
    for currency, (session, backtest) in drift.currencies.items():
        for title, amount in (
            ("session", session.net),
            ("backtest", backtest.net),
            ("difference", session.net - backtest.net),
        ):
            facts.append((f"{title}, {currency}", f"{amount:,.6f}"))
    for title, deeds in zip(("session", "backtest"), both, strict=True):
        facts.append((f"fills of the {title}", f"{len(deeds.all_fills()):,}"))
    tables = [_table(*money_table(drift, currency)) for currency in drift.currencies]
    tables += [_table(*cause_table(drift, currency)) for currency, found in drift.causes.items() if found]
    for market, each in drift.instruments.items():
        tables += [_table(*market_table(market, each)), _table(*apart_table(market, each))]
    if drift.latency_ms:
        tables.append(_table(*latency_table(drift)))
    remarks = [drift.first] if drift.first else []
    remarks += [*drift.notes, *drift.changed]
    if remarks:
        tables.append(ReportTable(title="To be known", columns=("",), rows=[(each,) for each in remarks]))
    return DriftReport(
        title=f"Drift of {name}",
        subtitle=(
            f"{drift.mode} session from {when(drift.begin_ns)} to {when(drift.end_ns)} UTC,"
            " and the backtest of the same time"
        ),
        facts=facts,
        times_ns=times_ns,
        instruments=[_instrument(each, both, times_ns) for each in recording.middles.values()],
        currencies=[_currency(currency, compared, times_ns) for currency in drift.currencies],
        tables=tables,
    )


def _times(compared: Compared) -> list[int]:
    """Return when the backtest was looked at, and when the last fill was learned of, if that was later."""
    times_ns = list(compared.watch.times_ns)
    learned_ns = [
        fill.time_ns for deeds in (compared.recording.deeds, compared.backtest) for fill in deeds.all_fills()
    ]
    last_ns = max(learned_ns, default=0)
    return [*times_ns, last_ns] if times_ns and last_ns > times_ns[-1] else times_ns


def _instrument(middles: Middles, both: tuple[Deeds, Deeds], times_ns: Sequence[int]) -> ComparedInstrument:
    instrument = middles.instrument
    name = str(instrument.id)
    fills = [deeds.fills[name] for deeds in both]
    lot = float(instrument.base_per_lot)
    values = [middles.at(time_ns) for time_ns in times_ns]
    positions = [
        [float(lots) * lot for lots in _sums(each, times_ns, lambda fill: fill.side.sign * fill.size)]
        for each in fills
    ]
    return ComparedInstrument(
        name=name,
        unit=instrument.base,
        currency=instrument.quote,
        mid=[None if value is None else instrument.price_to_float(value) / 2 for value in values],
        positions=(positions[0], positions[1]),
        fills=(_marks(middles, fills[0]), _marks(middles, fills[1])),
        fill_counts=(len(fills[0]), len(fills[1])),
    )


def _currency(currency: str, compared: Compared, times_ns: Sequence[int]) -> ComparedCurrency:
    """Return both profits over time, and how far each part of them is apart."""
    recording, watch = compared.recording, compared.watch
    count = len(times_ns)
    nets, parts = [], []
    for deeds, is_session in ((recording.deeds, True), (compared.backtest, False)):
        spread, worth, fees = [0.0] * count, [0.0] * count, [0.0] * count
        for name, middles in recording.middles.items():
            fills = deeds.fills[name]
            paid = [fill for fill in fills if fill.fee_asset == currency]
            _add(fees, [-float(each) for each in _sums(paid, times_ns, lambda fill: fill.fee)])
            if middles.instrument.settle != currency:
                continue
            half = float(middles.money(1))
            _add(spread, [half * float(each) for each in _sums(fills, times_ns, middles.spread)])
            sizes = _sums(fills, times_ns, lambda fill: fill.side.sign * fill.size)
            cash = _sums(fills, times_ns, lambda fill: -fill.side.sign * 2 * fill.price * fill.size)
            for index, time_ns in enumerate(times_ns):
                middle = middles.at(time_ns) or 0
                worth[index] += half * float(cash[index] + sizes[index] * middle)
        funding = [0.0] * count
        if is_session:
            told = [(at, amount) for at, _, asset, amount in recording.fundings if asset == currency]
            for index, time_ns in enumerate(times_ns):
                funding[index] = float(sum((amount for at, amount in told if at <= time_ns), Decimal(0)))
        elif recording.is_live:
            found = next((each.funding for each in watch.currencies if each.currency == currency), [0.0])
            funding = [*found, *[found[-1]] * (count - len(found))]
        inventory = [one - other for one, other in zip(worth, spread, strict=True)]
        parts.append((spread, inventory, fees, funding))
        nets.append([sum(each) for each in zip(worth, fees, funding, strict=True)])
    apart = [
        [one - other for one, other in zip(ours, theirs, strict=True)]
        for ours, theirs in zip(*parts, strict=True)
    ]
    return ComparedCurrency(
        currency=currency,
        nets=(nets[0], nets[1]),
        spread=apart[0],
        inventory=apart[1],
        fees=apart[2],
        funding=apart[3],
    )


def _sums(
    fills: Sequence[Traded], times_ns: Sequence[int], value: Callable[[Traded], int | Decimal]
) -> list[int | Decimal]:
    """Return how much the fills until each time come to."""
    so_far: list[int | Decimal] = [0]
    for fill in fills:
        so_far.append(so_far[-1] + value(fill))
    learned_ns = [fill.time_ns for fill in fills]
    return [so_far[bisect_right(learned_ns, time_ns)] for time_ns in times_ns]


def _add(series: list[float], more: Sequence[float]) -> None:
    for index, value in enumerate(more):
        series[index] += value


def _marks(middles: Middles, fills: Sequence[Traded]) -> list[FillMark]:
    instrument = middles.instrument
    every = -(-len(fills) // _FILLS) or 1
    return [
        FillMark(
            time_ns=fill.time_ns,
            side=fill.side.sign,
            price=instrument.price_to_float(fill.price),
            size=fill.size * float(instrument.base_per_lot),
            is_maker=fill.liquidity is Liquidity.MAKER,
        )
        for fill in fills[::every]
    ]


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> ReportTable:
    return ReportTable(title=title, columns=columns, rows=rows)
