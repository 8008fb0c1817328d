"""What fills were worth: profit in its parts, and how much of a difference comes from what."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from decimal import Decimal

import attrs

from hft.instrument import Instrument
from hft.money import difference, product, total
from hft.run.drift.deeds import Traded
from hft.run.drift.matching import Matches

__all__ = ["Middles", "Parts", "Worth", "causes_of", "parts_of"]

_HALF = Decimal("0.5")


class Middles:
    """The middle of one instrument's book over time, as the session saw it, in half ticks."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self._times = array("q")
        self._twice = array("q")

    def add(self, time_ns: int, twice_ticks: int) -> None:
        """Note the middle from a time on; times never go backwards."""
        if not self._twice or self._twice[-1] != twice_ticks:
            self._times.append(time_ns)
            self._twice.append(twice_ticks)

    def at(self, time_ns: int) -> int | None:
        """Return the newest middle until then, None before the first."""
        index = bisect_right(self._times, time_ns) - 1
        return self._twice[index] if index >= 0 else None

    @property
    def last(self) -> int:
        """The last middle, 0 if there was none."""
        return self._twice[-1] if self._twice else 0

    def money(self, half_ticks: int) -> Decimal:
        """Return what so many half ticks times lots are worth."""
        return product(half_ticks, self.instrument.point_value, _HALF)

    def spread(self, fill: Traded) -> int:
        """Return what a fill was better than the middle, in half ticks times lots."""
        middle = self.at(fill.time_ns)
        twice = 2 * fill.price if middle is None else middle
        return fill.side.sign * fill.size * (twice - 2 * fill.price)

    def worth(self, fill: Traded, size: int | None = None) -> int:
        """Return what a fill, or so much of it, is worth at the last middle, in half ticks times lots."""
        return fill.side.sign * (fill.size if size is None else size) * (self.last - 2 * fill.price)


@attrs.frozen(kw_only=True)
class Parts:
    """Profit and where it comes from: ``net`` is the sum of the others, fees are negative where paid."""

    spread: Decimal
    inventory: Decimal
    fees: Decimal
    funding: Decimal

    @property
    def net(self) -> Decimal:
        """What is left."""
        return total((self.spread, self.inventory, self.fees, self.funding))

    def minus(self, other: Parts) -> Parts:
        """Return the difference in each part."""
        return Parts(
            **{name: difference(value, getattr(other, name)) for name, value in attrs.asdict(self).items()}
        )


@attrs.frozen(kw_only=True)
class Worth:
    """One reason for a difference in profit: how much it makes, and how often it happened."""

    what: str
    amount: Decimal
    count: int


def parts_of(fills: Iterable[Traded], middles: dict[str, Middles], currency: str, funding: Decimal) -> Parts:
    """Return the profit of the fills that are paid in a currency, valued at the last middles."""
    spread, worth, fees = [Decimal(0)], [Decimal(0)], [Decimal(0)]
    for fill in fills:
        each = middles[fill.instrument]
        if fill.fee_asset == currency:
            fees.append(-fill.fee)
        if each.instrument.settle == currency:
            spread.append(each.money(each.spread(fill)))
            worth.append(each.money(each.worth(fill)))
    captured = total(spread)
    return Parts(
        spread=captured,
        inventory=total((*worth, -captured)),
        fees=total(fees),
        funding=funding,
    )


def causes_of(
    matches: Matches[Traded], middles: dict[str, Middles], currency: str, funding: Decimal
) -> list[Worth]:
    """Say what a difference in net profit comes from, the largest first; together they are all of it.

    A fill is worth what it brought until the last middle, less its fee. ``funding`` is how much more of it
    the session has.
    """

    def fee(fill: Traded) -> Decimal:
        return fill.fee if fill.fee_asset == currency else Decimal(0)

    def counts(fill: Traded) -> bool:
        return middles[fill.instrument].instrument.settle == currency

    def worth(fills: Sequence[Traded]) -> Decimal:
        return total(
            difference(
                middles[f.instrument].money(middles[f.instrument].worth(f)) if counts(f) else 0, fee(f)
            )
            for f in fills
        )

    prices, sizes, fees = [], [], []
    for fill, other in matches.pairs:
        fees.append(difference(fee(other), fee(fill)))
        if counts(fill):
            each, common = middles[fill.instrument], min(fill.size, other.size)
            prices.append(each.money(each.worth(fill, common) - each.worth(other, common)))
            more = each.worth(fill, fill.size - common) - each.worth(other, other.size - common)
            sizes.append(each.money(more))
    ours = [fill for fill in matches.session if counts(fill) or fee(fill)]
    theirs = [fill for fill in matches.backtest if counts(fill) or fee(fill)]
    found = [
        Worth(what="fills of the session alone", amount=worth(ours), count=len(ours)),
        Worth(what="fills of the backtest alone", amount=-worth(theirs), count=len(theirs)),
        Worth(what="other prices of the same fills", amount=total(prices), count=sum(map(bool, prices))),
        Worth(what="other sizes of the same fills", amount=total(sizes), count=sum(map(bool, sizes))),
        Worth(what="other fees of the same fills", amount=total(fees), count=sum(map(bool, fees))),
        Worth(what="funding", amount=funding, count=0),
    ]
    return sorted((each for each in found if each.amount or each.count), key=lambda each: -abs(each.amount))
