"""One instrument of a simulated world: its book, its trades, and who watches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from decimal import Decimal

import attrs

from hft.book import Level, OrderBook
from hft.clock import Clock
from hft.instrument import Instrument
from hft.sim.matching import Execution, MatchingEngine, Prevention, RestingOrder
from hft.types import BookState, Price, Side, Size, TimeInForce

__all__ = [
    "Mark",
    "PublicTrade",
    "RecordedMarket",
    "SessionStatistics",
    "Step",
    "SyntheticMarket",
    "WorldMarket",
]

_TRADES_KEPT = 1000
"""What exchanges answer at most when asked for recent trades."""


@attrs.define(eq=False)
class PublicTrade:
    """A trade as everybody sees it; ``side`` is the aggressor's."""

    trade_id: int
    side: Side
    price: Price
    size: Size
    time_ns: int


@attrs.define
class Mark:
    """Mark and index price of a perpetual, and the funding rate that will be paid next."""

    mark: Decimal
    index: Decimal
    funding_rate: Decimal
    next_funding_ns: int


@attrs.define
class SessionStatistics:
    """What traded since the simulator began: it stands for the last 24 hours.

    Prices in ticks, volume in lots, turnover in ticks times lots.
    """

    opened_ns: int
    open: Price | None = None
    high: Price = Price(0)
    low: Price = Price(0)
    last: PublicTrade | None = None
    first_trade_id: int = 0
    trades: int = 0
    volume: int = 0
    turnover: int = 0

    def add(self, trade: PublicTrade) -> None:
        """Count a trade."""
        if self.open is None:
            self.open = self.low = trade.price
            self.first_trade_id = trade.trade_id
        self.high = max(self.high, trade.price)
        self.low = min(self.low, trade.price)
        self.last = trade
        self.trades += 1
        self.volume += trade.size
        self.turnover += trade.price * trade.size


class WorldMarket(ABC):
    """What a simulator shows of one instrument, wherever it comes from."""

    def __init__(self, instrument: Instrument, opened_ns: int) -> None:
        self.instrument = instrument
        self.trades: deque[PublicTrade] = deque(maxlen=_TRADES_KEPT)
        self.statistics = SessionStatistics(opened_ns)
        self.mark: Mark | None = None
        self.settled: deque[Mark] = deque(maxlen=_TRADES_KEPT)
        """Past fundings of a perpetual: what was in force at each ``next_funding_ns``."""

    @property
    @abstractmethod
    def is_ready(self) -> bool:
        """Whether the book can be shown."""

    @abstractmethod
    def levels(self, side: Side, n: int | None = None) -> list[Level]:
        """Return the best ``n`` levels of a side (all by default), best first."""

    def record(self, trade: PublicTrade) -> None:
        """Remember a trade."""
        self.trades.append(trade)
        self.statistics.add(trade)


class RecordedMarket(WorldMarket):
    """A market played back from a capture: its book is the one that the exchange's plugin keeps."""

    def __init__(self, book: OrderBook, opened_ns: int) -> None:
        super().__init__(book.instrument, opened_ns)
        self.book = book

    @property
    def is_ready(self) -> bool:
        return self.book.state is BookState.LIVE

    def levels(self, side: Side, n: int | None = None) -> list[Level]:
        return self.book.levels(side, n)


@attrs.define(eq=False)
class Step:
    """What one order, cancellation or amendment did to a market: changed levels with their new sizes."""

    market: SyntheticMarket
    time_ns: int
    levels: list[tuple[Side, Price, Size]]
    executions: list[Execution]
    trades: list[PublicTrade]
    preventions: list[Prevention]


class SyntheticMarket(WorldMarket):
    """A market in which orders really meet.

    Orders of the synthetic flow and of clients go through `submit`, `cancel` and `amend` alike.
    After each, every observer is called once with the `Step` it made, if it changed anything. What an
    observer does to the market is told to all of them after the step that they are being told of.
    """

    def __init__(self, instrument: Instrument, clock: Clock, *, first_trade_id: int = 1) -> None:
        super().__init__(instrument, clock.now_ns())
        self.engine = MatchingEngine(first_trade_id=first_trade_id)
        self.observers: list[Callable[[Step], None]] = []
        self._clock = clock
        self._levels: list[tuple[Side, Price, Size]] = []
        self._executions: list[Execution] = []
        self._preventions: list[Prevention] = []
        self._untold: deque[Step] = deque()
        self._is_telling = False
        self.engine.on_prevention = self._preventions.append
        self.engine.on_execution = self._executions.append
        self.engine.on_level = self._on_level

    @property
    def is_ready(self) -> bool:
        return True

    def levels(self, side: Side, n: int | None = None) -> list[Level]:
        return self.engine.levels(side, n)

    def submit(
        self,
        side: Side,
        size: int,
        price: int | None = None,
        *,
        time_in_force: TimeInForce = TimeInForce.GTC,
        post_only: bool = False,
        owner: object = None,
    ) -> RestingOrder:
        """Place an order; see `MatchingEngine.submit`."""
        order = self.engine.submit(
            side, size, price, time_in_force=time_in_force, post_only=post_only, owner=owner
        )
        self._finish()
        return order

    def cancel(self, order_id: int) -> RestingOrder | None:
        """Cancel an order; see `MatchingEngine.cancel`."""
        order = self.engine.cancel(order_id)
        self._finish()
        return order

    def amend(self, order_id: int, *, size: int, price: int | None = None, keep_place: bool = True) -> bool:
        """Amend an order; see `MatchingEngine.amend`."""
        done = self.engine.amend(order_id, size=size, price=price, keep_place=keep_place)
        self._finish()
        return done

    def _on_level(self, side: Side, price: Price, size: Size) -> None:
        self._levels.append((side, price, size))

    def _finish(self) -> None:
        if not self._levels and not self._preventions:
            return
        now_ns = self._clock.now_ns()
        trades = [
            PublicTrade(execution.trade_id, execution.taker.side, execution.price, execution.size, now_ns)
            for execution in self._executions
        ]
        for trade in trades:
            self.record(trade)
        self._untold.append(
            Step(self, now_ns, self._levels, self._executions.copy(), trades, self._preventions.copy())
        )
        self._levels = []
        self._executions.clear()
        self._preventions.clear()
        if self._is_telling:
            return
        self._is_telling = True
        try:
            while self._untold:
                step = self._untold.popleft()
                for observer in self.observers:
                    observer(step)
        finally:
            self._is_telling = False
