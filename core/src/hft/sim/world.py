"""The world that a simulator shows: what trades, and who watches."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from decimal import Decimal

import attrs

from hft.clock import Clock, Timer
from hft.errors import UsageError
from hft.sim.fair import FairPrice
from hft.sim.faults import Faults
from hft.sim.flow import Flow, FlowParameters
from hft.sim.instruments import SyntheticProduct, synthetic_product
from hft.sim.market import Mark, SyntheticMarket, WorldMarket
from hft.sim.playback import Playback
from hft.sim.skew import SkewedClock
from hft.types import InstrumentKind, Side

__all__ = ["World"]

NS_PER_S = 1_000_000_000

_FUNDING_NS = 8 * 3600 * NS_PER_S

_INTEREST = 0.0001
_FUNDING_BAND = 0.0005
"""Funding is the premium, pulled towards the interest rate by at most this much."""

_PREMIUM_SHARE = 0.1
"""How much of the newest premium goes into the average each second."""

_PRICE_DIGITS = Decimal("1e-8")

_FIRST_TRADE_ID = 1_000_000


@attrs.define
class _Perpetual:
    market: SyntheticMarket
    fair: FairPrice
    premium: float = 0.0


class World:
    """Instruments, books and trades behind a simulated exchange.

    ``markets`` are found by unified symbol. Either a seeded flow of orders moves them (`synthetic`),
    or ``playback`` does: then the exchange's simulator puts them there, since only its plugin
    understands the capture.
    """

    def __init__(self, clock: Clock, *, seed: int = 1, playback: Playback | None = None) -> None:
        self.clock = SkewedClock(clock)
        """The exchange's own, which a fault may set wrong."""
        self.faults = Faults(self.clock, seed=seed)
        self.seed = seed
        self.playback = playback
        self.markets: dict[str, WorldMarket] = {}
        self.mark_observers: list[Callable[[SyntheticMarket, Mark | None], None]] = []
        """Called with each perpetual whose mark price is new, and with the mark that was just settled."""
        self._flows: list[Flow] = []
        self._perpetuals: list[_Perpetual] = []
        self._timer: Timer | None = None

    @classmethod
    def synthetic(
        cls,
        clock: Clock,
        symbols: Iterable[str],
        exchange: str,
        *,
        seed: int = 1,
        rate: float = 1.0,
        product: Callable[[str, str], SyntheticProduct] = synthetic_product,
    ) -> World:
        """Make a world of unified symbols with books that are full from the start.

        ``product`` makes up what trades from symbol and exchange.

        Every market has its own random numbers, so one more symbol changes nothing in the others.
        Spot and perpetual of one pair share their fair price.
        """
        world = cls(clock, seed=seed)
        fairs: dict[str, FairPrice] = {}
        now_ns = clock.now_ns()
        for symbol in symbols:
            if symbol in world.markets:
                raise UsageError(f"symbols: {symbol!r} is given twice, once is enough")
            made = product(symbol, exchange)
            instrument = made.instrument
            pair = f"{instrument.base}/{instrument.quote}"
            if pair not in fairs:
                fairs[pair] = FairPrice(made.start_price, now_ns, random.Random(f"{seed}:fair:{pair}"))
            market = SyntheticMarket(instrument, world.clock, first_trade_id=_FIRST_TRADE_ID)
            parameters = FlowParameters.plausible(instrument, made.start_price, rate)
            rng = random.Random(f"{seed}:flow:{symbol}")
            world._flows.append(Flow(market, fairs[pair], parameters, clock, rng))
            world.markets[symbol] = market
            if instrument.kind is InstrumentKind.PERPETUAL:
                perpetual = _Perpetual(market, fairs[pair])
                world._perpetuals.append(perpetual)
                world._update_mark(perpetual)
        return world

    def start(self) -> None:
        """Set the markets in motion."""
        for flow in self._flows:
            flow.start()
        if self._perpetuals:
            self._timer = self.clock.call_later(NS_PER_S, self._update_marks)

    def stop(self) -> None:
        """Bring the markets to rest; what they showed last stays readable."""
        for flow in self._flows:
            flow.stop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _update_marks(self) -> None:
        for perpetual in self._perpetuals:
            self._update_mark(perpetual)
        self._timer = self.clock.call_later(NS_PER_S, self._update_marks)

    def _update_mark(self, perpetual: _Perpetual) -> None:
        market, now_ns = perpetual.market, self.clock.now_ns()
        # What is fair does not depend on what the exchange believes the time to be.
        index = perpetual.fair.at(self.clock.true.now_ns())
        bid, ask = market.engine.best(Side.BUY), market.engine.best(Side.SELL)
        if bid is not None and ask is not None:
            mid = market.instrument.price_to_float(1) * (bid[0] + ask[0]) / 2
            perpetual.premium += _PREMIUM_SHARE * (mid / index - 1 - perpetual.premium)
        began = market.mark is None
        settled: Mark | None = None
        if market.mark is not None and now_ns >= market.mark.next_funding_ns:
            settled = market.mark
            market.settled.append(settled)
        pull = max(-_FUNDING_BAND, min(_FUNDING_BAND, _INTEREST - perpetual.premium))
        market.mark = Mark(
            mark=Decimal(index * (1 + perpetual.premium)).quantize(_PRICE_DIGITS),
            index=Decimal(index).quantize(_PRICE_DIGITS),
            funding_rate=Decimal(perpetual.premium + pull).quantize(_PRICE_DIGITS),
            next_funding_ns=(now_ns // _FUNDING_NS + 1) * _FUNDING_NS,
        )
        if began:
            settled_ns = now_ns // _FUNDING_NS * _FUNDING_NS
            market.settled.append(attrs.evolve(market.mark, next_funding_ns=settled_ns))
        for observer in self.mark_observers:
            observer(market, settled)
