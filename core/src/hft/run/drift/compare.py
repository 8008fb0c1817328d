"""Run the backtest of a recorded session's period, and compare both."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from decimal import Decimal
from pathlib import Path

import attrs
from rich.console import Console

from hft.data.store import FORMS, Store
from hft.money import total
from hft.profile import Mode, Profile
from hft.run.backtest import run_backtest
from hft.run.drift.deeds import Deeds
from hft.run.drift.figures import Drift, Spread, first_difference, market_of, spread_of
from hft.run.drift.matching import match_fills, match_orders
from hft.run.drift.recording import Recording, read_recording
from hft.run.drift.value import Parts, causes_of, parts_of
from hft.run.result import BacktestResult
from hft.run.session.header import differences, facts_of
from hft.run.tape import Span
from hft.run.watch import BacktestWatch

__all__ = ["Compared", "compare_session"]

_NS_PER_MS = 1_000_000


@attrs.frozen(kw_only=True)
class Compared:
    """A comparison, and what a page about it draws."""

    drift: Drift
    recording: Recording
    backtest: Deeds
    watch: BacktestWatch


def compare_session(
    profile: Profile,
    path: Path,
    *,
    within_ns: int,
    measured: bool,
    console: Console | None,
    write: Callable[[str], None],
    warn: Callable[[str, str], None],
    reading: AbstractContextManager[Callable[[int], None]],
) -> Compared:
    """Compare a session with what the profile does in a backtest on its market data.

    Fills at most ``within_ns`` apart may be the same. With ``measured`` the orders of the backtest of a live
    session take as long as those of the session did, where the profile names no recorded latencies. ``warn``
    takes a key, by which it limits the rate, and a line. ``reading`` surrounds the reading of the session and
    gives what is told how many bytes of it are read.
    """
    with tempfile.TemporaryDirectory(prefix="hft-drift-") as name:
        folder = Path(name)
        with reading as on_bytes, Store(folder / "data", FORMS["columns"]) as store:
            recording = read_recording(profile, path, store, warn=warn, on_bytes=on_bytes)
            store.finish()
        backtest = Deeds(recording.deeds.instruments)
        watch = BacktestWatch()
        result = run_backtest(
            _profile(profile, recording, folder, measured=measured),
            [folder / "data"],
            console=console,
            write=write,
            warn=warn,
            watch=watch,
            period=Span(recording.begin_ns, recording.end_ns),
            note=backtest.note,
        )
    drift = _drift(profile, recording, backtest, result, within_ns)
    return Compared(drift=drift, recording=recording, backtest=backtest, watch=watch)


def _profile(profile: Profile, recording: Recording, folder: Path, *, measured: bool) -> Profile:
    exchanges = dict(profile.exchanges)
    for key, samples in recording.latencies.items():
        entry = exchanges[key]
        if not measured or entry.paper.latencies is not None:
            continue
        file = folder / f"latencies-{len(list(folder.iterdir()))}.csv"
        lines = ("sent_ns,arrived_ns,answered_ns", *(",".join(map(str, each)) for each in samples))
        file.write_text("\n".join(lines) + "\n")
        exchanges[key] = attrs.evolve(entry, paper=attrs.evolve(entry.paper, latencies=str(file)))
    return attrs.evolve(profile, mode=Mode.BACKTEST, exchanges=exchanges)


def _drift(
    profile: Profile, recording: Recording, backtest: Deeds, result: BacktestResult, within_ns: int
) -> Drift:
    session, middles = recording.deeds, recording.middles
    traded, traded_there = session.all_fills(), backtest.all_fills()
    fills = match_fills(traded, traded_there, within_ns)
    orders = match_orders(session.placed(), backtest.placed(), within_ns)
    first = first_difference(session, backtest)
    currencies: dict[str, tuple[Parts, Parts]] = {}
    causes = {}
    for currency in dict.fromkeys(each.instrument.settle for each in middles.values()):
        funded = total(
            (Decimal(0), *(amount for _, _, asset, amount in recording.fundings if asset == currency))
        )
        ours = parts_of(traded, middles, currency, funded)
        totals = result.summary.currencies.get(currency)
        paid = Decimal(0) if totals is None or not recording.is_live else totals.funding
        theirs = parts_of(traded_there, middles, currency, paid)
        currencies[currency] = ours, theirs
        causes[currency] = causes_of(fills, middles, currency, ours.funding - theirs.funding)
    return Drift(
        mode=recording.header.mode,
        begin_ns=recording.begin_ns,
        end_ns=recording.end_ns,
        equal=not first,
        first=first,
        notes=_notes(recording, backtest, result),
        changed=differences(recording.header.facts, facts_of(profile)),
        instruments={
            name: market_of(name, session, backtest, orders, fills, recording.begin_ns, recording.end_ns)
            for name in middles
        },
        currencies=currencies,
        causes=causes,
        latency_ms={key: _latencies(samples) for key, samples in recording.latencies.items()},
    )


def _latencies(samples: list[tuple[int, int, int]]) -> tuple[Spread, Spread]:
    order = spread_of([(arrived - sent) / _NS_PER_MS for sent, arrived, _ in samples])
    response = spread_of([(answered - arrived) / _NS_PER_MS for _, arrived, answered in samples])
    assert order is not None, "there is no key without samples"
    assert response is not None
    return order, response


def _notes(recording: Recording, backtest: Deeds, result: BacktestResult) -> list[str]:
    """Say what makes a comparison less than it seems."""
    notes = []
    if recording.incomplete:
        notes.append(f"the recording is incomplete, it is compared as far as it goes: {recording.incomplete}")
    notes += [
        f"the session began with a position in {name}, the backtest with none" for name in recording.held
    ]
    if result.summary.halted:
        notes.append(f"the backtest halted: {result.summary.halted}")
    if not recording.is_live and any(totals.funding for totals in result.summary.currencies.values()):
        notes.append(
            "a recording of a dry run does not say what funding it simulated: it is left out of both"
        )
    others = {fill.fee_asset for fill in (*recording.deeds.all_fills(), *backtest.all_fills())}
    others -= {each.instrument.settle for each in recording.middles.values()}
    notes += [
        f"fees paid in {asset} are in no profit, and stand in the fees alone" for asset in sorted(others)
    ]
    return notes
