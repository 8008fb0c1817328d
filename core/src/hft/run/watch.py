"""Take down what a backtest's report shows, without the backtest noticing."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import attrs

from hft.book import OrderBook
from hft.clock import Clock
from hft.ledger import Ledger
from hft.market import Market
from hft.money import product, total
from hft.paper import OrderStatistics, PaperExecution
from hft.report import CurrencySeries, FillMark, InstrumentSeries
from hft.types import Liquidity, Side

__all__ = ["BacktestWatch"]

_SAMPLES = 2_000
"""Points of a series: about as many as a screen has across."""

_FILLS = 10_000
"""Fills of an instrument that are drawn; of more, every second, third and so on."""

_NS_PER_MS = 1_000_000


class _Watched(OrderStatistics):
    """Figures of one instrument that also keep the fills, and what they were worth when they happened.

    ``spread`` is what fills were better than the middle of ``book``, the exchange's, and ``cash`` what they
    brought: both in half ticks times lots. ``unpaid`` are the fees of the fills that nobody has counted,
    ``twice_mid`` is that of the book when it last had one, 0 before.
    """

    def __init__(self, book: OrderBook) -> None:
        super().__init__()
        self.book = book
        self.fills: list[tuple[int, Side, int, int, Liquidity]] = []
        self.unpaid: list[Decimal] = []
        self.spread = self.cash = self.twice_mid = 0

    def fill(
        self, side: Side, price: int, size: int, liquidity: Liquidity, fee: Decimal, now_ns: int
    ) -> None:
        super().fill(side, price, size, liquidity, fee, now_ns)
        self.look()
        self.unpaid.append(fee)
        self.fills.append((now_ns, side, price, size, liquidity))
        self.cash -= side.sign * 2 * price * size
        self.spread += side.sign * size * ((self.twice_mid or 2 * price) - 2 * price)

    def look(self) -> None:
        """Learn the middle of the book, if it has one."""
        bid, ask = self.book.best_bid, self.book.best_ask
        if bid is not None and ask is not None:
            self.twice_mid = bid + ask

    @property
    def worth(self) -> int:
        """Cash, and the position at the middle of the book."""
        return self.cash + self.inventory * self.twice_mid


@attrs.define(eq=False)
class _Instrument:
    market: Market
    figures: _Watched
    fees: Decimal = Decimal(0)
    mid: list[float | None] = attrs.Factory(list)
    position: list[float] = attrs.Factory(list)
    latency_ms: list[float | None] = attrs.Factory(list)

    def pay(self) -> None:
        """Count the fees of the fills since the last call."""
        self.fees = total((self.fees, *self.figures.unpaid))
        self.figures.unpaid.clear()


@attrs.define(eq=False)
class _Currency:
    net: list[float] = attrs.Factory(list)
    spread: list[float] = attrs.Factory(list)
    inventory: list[float] = attrs.Factory(list)
    fees: list[float] = attrs.Factory(list)
    funding: list[float] = attrs.Factory(list)


class BacktestWatch:
    """Samples what a backtest does, at times of its own clock, and changes nothing of it.

    `add` every instrument before the replay begins, `start` it then, and `stop` it when everything is
    settled. Positions and profit are those at the exchange, at the middle of its book.
    """

    def __init__(self) -> None:
        self.times_ns: list[int] = []
        self._instruments: list[_Instrument] = []
        self._currencies: dict[str, _Currency] = {}

    def add(self, market: Market, book: OrderBook, paper: PaperExecution) -> None:
        """Watch an instrument; ``book`` is the exchange's, ``paper`` has begun to simulate it."""
        figures = _Watched(book)
        paper.exchange.listings[market.instrument].statistics = figures
        self._instruments.append(_Instrument(market, figures))
        self._currencies.setdefault(market.instrument.settle, _Currency())

    def start(self, clock: Clock, ledger: Ledger, end_ns: int) -> None:
        """Sample from now on, so often that there are about enough samples until the end."""
        self._clock, self._ledger = clock, ledger
        self._interval_ns = max((end_ns - clock.now_ns()) // _SAMPLES, _NS_PER_MS)
        self._tick()

    def stop(self, last_ns: int) -> None:
        """Sample once more, with what was settled after the end of the data at ``last_ns``."""
        self._timer.cancel()
        times_ns = [each.figures.fills[-1][0] for each in self._instruments if each.figures.fills]
        self._sample(max([last_ns, *times_ns]))

    @property
    def instruments(self) -> list[InstrumentSeries]:
        """The series of every instrument."""
        return [
            InstrumentSeries(
                name=str(each.market.instrument),
                unit=each.market.instrument.base,
                currency=each.market.instrument.quote,
                mid=each.mid,
                position=each.position,
                feed_latency_ms=each.latency_ms,
                fills=_marks(each),
                fill_count=len(each.figures.fills),
            )
            for each in self._instruments
        ]

    @property
    def currencies(self) -> list[CurrencySeries]:
        """The series of every currency."""
        return [
            CurrencySeries(currency=name, **attrs.asdict(each, recurse=False))
            for name, each in self._currencies.items()
        ]

    def _tick(self) -> None:
        self._timer = self._clock.call_later(self._interval_ns, self._tick)
        self._sample(self._clock.now_ns())

    def _sample(self, now_ns: int) -> None:
        while self.times_ns and self.times_ns[-1] >= now_ns:
            self._forget_last()
        self.times_ns.append(now_ns)
        sums: dict[str, list[Decimal]] = {name: [Decimal(0)] * 3 for name in self._currencies}
        for each in self._instruments:
            each.figures.look()
            each.pay()
            self._sample_instrument(each)
            instrument = each.market.instrument
            half = product(instrument.point_value, Decimal("0.5"))
            so_far = sums[instrument.settle]
            values = (product(each.figures.worth, half), product(each.figures.spread, half), each.fees)
            for number, value in enumerate(values):
                so_far[number] = total((so_far[number], value))
        funding = self._funding()
        for name, (gross, spread, fees) in sums.items():
            series, paid = self._currencies[name], funding.get(name, Decimal(0))
            series.net.append(float(total((gross, -fees, paid))))
            series.spread.append(float(spread))
            series.inventory.append(float(total((gross, -spread))))
            series.fees.append(float(-fees))
            series.funding.append(float(paid))

    def _forget_last(self) -> None:
        self.times_ns.pop()
        for instrument in self._instruments:
            for series in (instrument.mid, instrument.position, instrument.latency_ms):
                series.pop()
        for currency in self._currencies.values():
            for values in attrs.astuple(currency, recurse=False):
                values.pop()

    def _sample_instrument(self, each: _Instrument) -> None:
        instrument, seen = each.market.instrument, each.market.book
        middle = each.figures.twice_mid
        is_there = each.figures.book.best_bid is not None and each.figures.book.best_ask is not None
        each.mid.append(instrument.price_to_float(middle) / 2 if is_there else None)
        each.position.append(each.figures.inventory * float(instrument.base_per_lot))
        age_ns = max(0, seen.recv_ns - seen.exchange_ns)
        each.latency_ms.append(age_ns / _NS_PER_MS if seen.recv_ns and seen.exchange_ns else None)

    def _funding(self) -> Mapping[str, Decimal]:
        return {asset: totals.funding for asset, totals in self._ledger.totals().items()}


def _marks(each: _Instrument) -> list[FillMark]:
    instrument, fills = each.market.instrument, each.figures.fills
    every = -(-len(fills) // _FILLS) or 1
    return [
        FillMark(
            time_ns=time_ns,
            side=side.sign,
            price=instrument.price_to_float(price),
            size=size * float(instrument.base_per_lot),
            is_maker=how is Liquidity.MAKER,
        )
        for time_ns, side, price, size, how in fills[::every]
    ]
