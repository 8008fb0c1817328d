"""How far a session and the backtest of its period are apart, in figures for people and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import zip_longest
from typing import Any

import attrs
from rich.console import Group, RenderableType
from rich.table import Table

from hft.clock import NS_PER_S
from hft.money import trim
from hft.run.drift.deeds import Deed, Deeds, Traded
from hft.run.drift.matching import Matches
from hft.run.drift.value import Parts, Worth
from hft.types import Liquidity

__all__ = ["Drift", "Market", "Side", "Spread", "first_difference", "spread_of"]

_NS_PER_MS = 1_000_000

_P99 = 0.99


@attrs.frozen(kw_only=True)
class Spread:
    """How differences are spread: how many are none, the middle one, the 99th percentile and the largest."""

    count: int
    none: int
    median: float
    p99: float
    largest: float


@attrs.frozen(kw_only=True)
class Side:
    """What one of both did in an instrument. Shares are None where there is nothing they are of."""

    placed: int
    amended: int
    cancelled: int
    fills: int
    bought: Decimal
    sold: Decimal
    fill_ratio: float | None
    maker_share: float | None
    fees: Mapping[str, Decimal]
    position: Decimal


@attrs.frozen(kw_only=True)
class Market:
    """One instrument: both sides, what is the same in them, and how far that is apart.

    Times are the session's less the backtest's in ms, prices in ticks in the session's favour, sizes in
    lots. Of positions ``position_equal`` is the share of the time in which they are, the others their
    distance.
    """

    session: Side
    backtest: Side
    orders_matched: int
    fills_matched: int
    fills_session_only: int
    fills_backtest_only: int
    time_ms: Spread | None
    price_ticks: Spread | None
    size_lots: Spread | None
    position_equal: float
    position_mean: float
    position_largest: Decimal


@attrs.frozen(kw_only=True)
class Drift:
    """The whole comparison. ``equal`` is whether all requests and fills are the same to the nanosecond.

    ``first`` says where they are not, ``notes`` what is to be known beside the figures, ``latency_ms`` how
    long orders of a live session took to arrive and to be acknowledged, by exchange key.
    """

    mode: str
    begin_ns: int
    end_ns: int
    equal: bool
    first: str
    notes: Sequence[str]
    changed: Sequence[str]
    instruments: Mapping[str, Market]
    currencies: Mapping[str, tuple[Parts, Parts]]
    causes: Mapping[str, Sequence[Worth]]
    latency_ms: Mapping[str, tuple[Spread, Spread]]

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``hft drift --json`` prints."""
        return {
            "mode": self.mode,
            "begin_ns": self.begin_ns,
            "end_ns": self.end_ns,
            "equal": self.equal,
            "first_difference": self.first or None,
            "notes": list(self.notes),
            "changed": list(self.changed),
            "instruments": {name: _plain(each) for name, each in self.instruments.items()},
            "currencies": {
                currency: {
                    "session": _parts(session),
                    "backtest": _parts(backtest),
                    "difference": _parts(session.minus(backtest)),
                    "causes": [_plain(each) for each in self.causes.get(currency, ())],
                }
                for currency, (session, backtest) in self.currencies.items()
            },
            "latency_ms": {
                key: {"order": _plain(order), "response": _plain(response)}
                for key, (order, response) in self.latency_ms.items()
            },
        }

    def render(self) -> RenderableType:
        """Return what a person sees."""
        seconds = (self.end_ns - self.begin_ns) / NS_PER_S
        parts: list[RenderableType] = [
            f"{self.mode} session of {seconds:,.1f} s from {when(self.begin_ns)} UTC,"
            " and the backtest of that time"
        ]
        if self.equal:
            parts.append("no drift: every request and every fill is the same, to the nanosecond")
        for currency in self.currencies:
            parts.append(_table(*money_table(self, currency)))
            if self.causes[currency]:
                parts.append(_table(*cause_table(self, currency)))
        for name, each in self.instruments.items():
            parts += [_table(*market_table(name, each)), _table(*apart_table(name, each))]
        if self.latency_ms:
            parts.append(_table(*latency_table(self)))
        if self.first:
            parts.append(f"first difference: {self.first}")
        parts += [f"note: {note}" for note in self.notes]
        if self.changed:
            parts.append(
                "what is not as it was recorded:\n" + "\n".join(f"  {each}" for each in self.changed)
            )
        return Group(*parts)


def money_table(drift: Drift, currency: str) -> tuple[str, Sequence[str], Sequence[Sequence[str]]]:
    """Return title, columns and rows of the profit and its parts."""
    session, backtest = drift.currencies[currency]
    apart = session.minus(backtest)
    names = {
        "spread": "spread captured",
        "inventory": "inventory",
        "fees": "fees",
        "funding": "funding",
        "net": "net",
    }
    rows = [
        (shown, *(_amount(getattr(each, name)) for each in (session, backtest, apart)))
        for name, shown in names.items()
    ]
    return f"Profit, {currency}", ("", "session", "backtest", "difference"), rows


def cause_table(drift: Drift, currency: str) -> tuple[str, Sequence[str], Sequence[Sequence[str]]]:
    """Return title, columns and rows of what a difference in profit comes from, the largest first."""
    rows = [
        (each.what, f"{each.count:,}" if each.count else "", _amount(each.amount))
        for each in drift.causes.get(currency, ())
    ]
    return f"Where the difference comes from, {currency}", ("", "count", "makes"), rows


def market_table(name: str, each: Market) -> tuple[str, Sequence[str], Sequence[Sequence[str]]]:
    """Return title, columns and rows of one instrument."""
    ours, theirs = each.session, each.backtest
    rows = [
        ("orders placed", f"{ours.placed:,}", f"{theirs.placed:,}", f"{each.orders_matched:,} the same"),
        ("amended", f"{ours.amended:,}", f"{theirs.amended:,}", ""),
        ("cancelled", f"{ours.cancelled:,}", f"{theirs.cancelled:,}", ""),
        ("orders that traded", _percent(ours.fill_ratio), _percent(theirs.fill_ratio), ""),
        ("fills", f"{ours.fills:,}", f"{theirs.fills:,}", f"{each.fills_matched:,} matched"),
        ("fills of this one alone", f"{each.fills_session_only:,}", f"{each.fills_backtest_only:,}", ""),
        ("bought", f"{ours.bought:f}", f"{theirs.bought:f}", f"{ours.bought - theirs.bought:+f}"),
        ("sold", f"{ours.sold:f}", f"{theirs.sold:f}", f"{ours.sold - theirs.sold:+f}"),
        ("share as maker", _percent(ours.maker_share), _percent(theirs.maker_share), ""),
        ("fees", _fees(ours.fees), _fees(theirs.fees), ""),
        (
            "change of position",
            f"{ours.position:f}",
            f"{theirs.position:f}",
            f"{ours.position - theirs.position:+f}",
        ),
    ]
    return name, ("", "session", "backtest", "both"), rows


def apart_table(name: str, each: Market) -> tuple[str, Sequence[str], Sequence[Sequence[str]]]:
    """Return title, columns and rows of how far both are apart in one instrument."""
    of_fills = {
        "time, ms": each.time_ms,
        "price, ticks": each.price_ticks,
        "size, lots": each.size_lots,
    }
    rows = [
        (f"matched fills, {what}", f"{spread.none:,} of {spread.count:,}", *_figures(spread))
        for what, spread in of_fills.items()
        if spread is not None
    ]
    equal, mean = f"{each.position_equal:.1%} of the time", f"{each.position_mean:.6g}"
    rows.append(("position, whose mean stands under median", equal, mean, "-", f"{each.position_largest:f}"))
    return f"How far apart, {name}", ("", "equal", "median", "p99", "largest"), rows


def latency_table(drift: Drift) -> tuple[str, Sequence[str], Sequence[Sequence[str]]]:
    """Return title, columns and rows of how long a live session's orders took."""
    rows = [
        (
            f"{key}: {what}",
            f"{each.count:,}",
            *(f"{value:.3f}" for value in (each.median, each.p99, each.largest)),
        )
        for key, both in drift.latency_ms.items()
        for what, each in zip(("sent to arrived", "arrived to acknowledged"), both, strict=True)
    ]
    return "Latency of the session's orders, ms", ("", "count", "median", "p99", "largest"), rows


def side_of(deeds: Deeds, name: str) -> Side:
    """Count what one of both did in an instrument."""
    instrument = deeds.instruments[name]
    fills = deeds.fills[name]
    lots = {sign: sum(fill.size for fill in fills if fill.side.sign == sign) for sign in (1, -1)}
    placed = deeds.count("place", name)
    traded = {fill.order for fill in fills if fill.order}
    fees: dict[str, Decimal] = {}
    for fill in fills:
        fees[fill.fee_asset] = fees.get(fill.fee_asset, Decimal(0)) + fill.fee
    return Side(
        placed=placed,
        amended=deeds.count("amend", name),
        cancelled=deeds.count("cancel", name),
        fills=len(fills),
        bought=instrument.size_to_decimal(lots[1]),
        sold=instrument.size_to_decimal(lots[-1]),
        fill_ratio=len(traded) / placed if placed else None,
        maker_share=sum(f.liquidity is Liquidity.MAKER for f in fills) / len(fills) if fills else None,
        fees=fees,
        position=instrument.size_to_decimal(lots[1] - lots[-1]),
    )


def market_of(
    name: str,
    session: Deeds,
    backtest: Deeds,
    orders: Matches[Deed],
    fills: Matches[Traded],
    begin_ns: int,
    end_ns: int,
) -> Market:
    """Compare both in an instrument."""
    pairs = [pair for pair in fills.pairs if pair[0].instrument == name]
    equal, mean, largest = _positions(session.fills[name], backtest.fills[name], begin_ns, end_ns)
    lot = session.instruments[name].size_to_decimal(1)
    return Market(
        session=side_of(session, name),
        backtest=side_of(backtest, name),
        orders_matched=sum(pair[0].instrument == name for pair in orders.pairs),
        fills_matched=len(pairs),
        fills_session_only=sum(fill.instrument == name for fill in fills.session),
        fills_backtest_only=sum(fill.instrument == name for fill in fills.backtest),
        time_ms=spread_of([(one.time_ns - other.time_ns) / _NS_PER_MS for one, other in pairs]),
        price_ticks=spread_of([one.side.sign * (other.price - one.price) for one, other in pairs]),
        size_lots=spread_of([one.size - other.size for one, other in pairs]),
        position_equal=equal,
        position_mean=mean * float(lot),
        position_largest=lot * largest,
    )


def first_difference(session: Deeds, backtest: Deeds) -> str:
    """Say what is first done otherwise, "" where in every instrument all is the same to the nanosecond."""
    found: list[tuple[int, str]] = []
    for name in session.instruments:
        for ours, theirs in zip_longest(_in_order(session, name), _in_order(backtest, name)):
            if ours != theirs:
                said = f"the session {_said(session, ours)}, the backtest {_said(backtest, theirs)}"
                found.append((min(each.time_ns for each in (ours, theirs) if each is not None), said))
                break
    return min(found, default=(0, ""))[1]


def spread_of(differences: Sequence[float]) -> Spread | None:
    """Return how differences are spread, None where there are none."""
    if not differences:
        return None
    ordered = sorted(differences)
    sizes = sorted(abs(each) for each in differences)
    return Spread(
        count=len(ordered),
        none=sum(not each for each in ordered),
        median=ordered[len(ordered) // 2],
        p99=sizes[min(int(len(sizes) * _P99), len(sizes) - 1)],
        largest=sizes[-1],
    )


def when(time_ns: int) -> str:
    """Return a time for people."""
    seconds, left_ns = divmod(time_ns, NS_PER_S)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{left_ns // _NS_PER_MS:03d}"


def _in_order(deeds: Deeds, name: str) -> list[Deed | Traded]:
    both: list[Deed | Traded] = [*deeds.requests[name], *deeds.fills[name]]
    return sorted(both, key=lambda each: each.time_ns)


def _said(deeds: Deeds, deed: Deed | Traded | None) -> str:
    if deed is None:
        return "does no more"
    instrument = deeds.instruments[deed.instrument]
    price = "" if deed.price is None else f" at {instrument.format_price(deed.price)}"
    size = "" if deed.size is None else f" {instrument.format_size(deed.size)}"
    what = deed.what if isinstance(deed, Deed) else f"{deed.liquidity.value} fill"
    at = f"{when(deed.time_ns)} ({deed.time_ns})"
    return f"has {what} {deed.instrument} {deed.side.value}{size}{price} at {at}"


def _positions(
    ours: Sequence[Traded], theirs: Sequence[Traded], begin_ns: int, end_ns: int
) -> tuple[float, float, int]:
    """Return the share of the time in which positions are equal, and their mean and largest distance."""
    steps = [(fill.time_ns, fill.side.sign * fill.size) for fill in ours]
    steps += [(fill.time_ns, -fill.side.sign * fill.size) for fill in theirs]
    apart, since_ns, equal_ns, area, largest = 0, begin_ns, 0, 0, 0
    for time_ns, change in [*sorted(steps), (end_ns, 0)]:
        length_ns = max(0, min(time_ns, end_ns) - since_ns)
        if length_ns:
            largest = max(largest, abs(apart))
        equal_ns += 0 if apart else length_ns
        area += abs(apart) * length_ns
        apart += change
        since_ns += length_ns
    whole_ns = max(1, end_ns - begin_ns)
    return equal_ns / whole_ns, area / whole_ns, max(largest, abs(apart))


def _parts(parts: Parts) -> dict[str, str]:
    return {name: f"{trim(value):f}" for name, value in attrs.asdict(parts).items()} | {
        "net": f"{trim(parts.net):f}"
    }


def _plain(value: Any) -> dict[str, Any]:
    def plain(_owner: Any, _attribute: Any, each: Any) -> Any:
        return f"{trim(each):f}" if isinstance(each, Decimal) else each

    return attrs.asdict(value, value_serializer=plain)


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(title=title)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _figures(spread: Spread) -> tuple[str, str, str]:
    return f"{spread.median:.6g}", f"{spread.p99:.6g}", f"{spread.largest:.6g}"


def _fees(fees: Mapping[str, Decimal]) -> str:
    return ", ".join(f"{_amount(fee)} {asset}" for asset, fee in fees.items()) or "-"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _amount(amount: Decimal) -> str:
    return f"{amount:,.8f}".rstrip("0").rstrip(".")
