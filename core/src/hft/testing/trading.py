"""Stand-ins for what the kernel gives strategies and risk rules, to test these by themselves."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

import attrs

from hft.book import Level, OrderBook
from hft.clock import Clock, SimulatedClock, Timer
from hft.errors import UsageError
from hft.instrument import Instrument, InstrumentId
from hft.market import Market
from hft.order import Order
from hft.plugin.risk import RiskView
from hft.plugin.routing import DEFAULT_STYLE, ParentOrder, RoutingStyle
from hft.plugin.strategy import Trading
from hft.types import BookState, InstrumentKind, OrderState, OrderType, Price, Side, Size, TimeInForce

__all__ = ["FakeRiskView", "FakeTrading", "StatedQuotes", "make_instrument", "make_market", "set_book"]


def make_instrument(
    symbol: str = "BTC/USDT",
    exchange: str = "test",
    *,
    tick_size: str = "0.01",
    lot_size: str = "0.00001",
    min_size: Size = Size(1),
    max_size: Size | None = None,
    min_notional: str = "0",
) -> Instrument:
    """Return a spot instrument as large exchanges have it, or with the grid and limits given."""
    base, _, quote = symbol.partition("/")
    return Instrument(
        id=InstrumentId(symbol, exchange),
        native_symbol=f"{base}{quote}",
        kind=InstrumentKind.SPOT,
        base=base,
        quote=quote,
        settle=quote,
        tick_size=Decimal(tick_size),
        lot_size=Decimal(lot_size),
        min_size=min_size,
        max_size=max_size,
        min_notional=Decimal(min_notional),
    )


def make_market(
    instrument: Instrument,
    bids: Iterable[tuple[str, str]] = (("99.99", "1"),),
    asks: Iterable[tuple[str, str]] = (("100.01", "1"),),
) -> Market:
    """Return a market whose book is LIVE with these levels of price and size."""
    market = Market(instrument)
    set_book(market, bids, asks)
    return market


def set_book(market: Market, bids: Iterable[tuple[str, str]], asks: Iterable[tuple[str, str]]) -> OrderBook:
    """Make these levels the whole book of a market, LIVE; tell nobody."""
    book, instrument = market.book, market.instrument
    book.clear()
    for side, levels in ((Side.BUY, bids), (Side.SELL, asks)):
        for price, size in levels:
            book.set_level(side, instrument.price(price), instrument.size(size))
    book.state = BookState.LIVE
    return book


@attrs.frozen
class StatedQuotes:
    """One call of `Trading.quote`."""

    at_ns: int
    instrument: Instrument
    bids: list[Level]
    asks: list[Level]


class FakeTrading(Trading):
    """Notes what a strategy asks for and answers nothing by itself.

    ``quotes`` holds every statement, ``orders`` what was placed (in state NEW), ``cancelled`` and
    ``amended`` what was asked of those, ``parents`` what was routed and ``cancelled_parents`` what was asked
    of that. Set ``positions`` as the test needs it. Timers run when the
    test advances ``clock``.
    """

    clock: SimulatedClock

    def __init__(self, markets: Sequence[Market], *, name: str = "strategy", seed: int = 1) -> None:
        self.name = name
        self.clock = SimulatedClock(1_700_000_000_000_000_000)
        self.random = random.Random(seed)
        self.markets = tuple(markets)
        self.positions: dict[Instrument, Size] = {}
        self.quotes: list[StatedQuotes] = []
        self.orders: list[Order] = []
        self.cancelled: list[Order] = []
        self.amended: list[tuple[Order, Price, Size]] = []
        self.parents: list[ParentOrder] = []
        self.cancelled_parents: list[ParentOrder] = []
        self.logged: list[str] = []

    def position(self, instrument: Instrument) -> Size:
        return self.positions.get(instrument, Size(0))

    def open_orders(self, instrument: Instrument) -> list[Order]:
        return [order for order in self.orders if order.instrument is instrument and order.is_open]

    def quote(self, instrument: Instrument, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        self.quotes.append(StatedQuotes(self.clock.now_ns(), instrument, list(bids), list(asks)))

    def place(
        self,
        instrument: Instrument,
        side: Side,
        size: Size,
        price: Price | None = None,
        *,
        type: OrderType = OrderType.LIMIT,
        time_in_force: TimeInForce = TimeInForce.GTC,
        post_only: bool = False,
        reduce_only: bool = False,
    ) -> Order:
        order = Order(
            client_order_id=f"fake{len(self.orders) + 1}",
            strategy=self.name,
            instrument=instrument,
            side=side,
            size=size,
            price=price,
            type=type,
            time_in_force=time_in_force,
            post_only=post_only,
            reduce_only=reduce_only,
            state=OrderState.NEW,
            created_ns=self.clock.now_ns(),
        )
        self.orders.append(order)
        return order

    def amend(self, order: Order, price: Price, size: Size) -> None:
        self.amended.append((order, price, size))

    def cancel(self, order: Order) -> None:
        self.cancelled.append(order)

    def route(
        self,
        instruments: Sequence[Instrument],
        side: Side,
        size: Decimal,
        limit: Decimal | None = None,
        *,
        deadline_ns: int,
        style: RoutingStyle = DEFAULT_STYLE,
    ) -> ParentOrder:
        parent = ParentOrder(
            parent_id=f"{self.name}-{len(self.parents) + 1}",
            strategy=self.name,
            instruments=tuple(instruments),
            side=side,
            size=size,
            limit=limit,
            deadline_ns=deadline_ns,
            style=style,
            created_ns=self.clock.now_ns(),
        )
        self.parents.append(parent)
        return parent

    def cancel_parent(self, parent: ParentOrder) -> None:
        self.cancelled_parents.append(parent)

    def every(self, interval_ns: int, callback: Callable[[], None]) -> Timer:
        timer = _Every(self.clock, interval_ns, callback)
        timer.arm()
        return timer

    def log(self, message: str) -> None:
        self.logged.append(message)


class _Every(Timer):
    def __init__(self, clock: Clock, interval_ns: int, callback: Callable[[], None]) -> None:
        super().__init__(clock.now_ns(), callback)
        self._clock = clock
        self._interval_ns = interval_ns

    def arm(self) -> None:
        self.when_ns += self._interval_ns
        self._clock.call_at(self.when_ns, self._due)

    def _due(self) -> None:
        if not self.cancelled:
            self.arm()
            self.fire()


class FakeRiskView(RiskView):
    """A view with positions and open orders as the test sets them."""

    def __init__(self, markets: Iterable[Market]) -> None:
        self.markets = {market.instrument.id: market for market in markets}
        self.positions: dict[Instrument, Size] = {}
        self.orders: list[Order] = []

    def instrument(self, instrument_id: InstrumentId) -> Instrument:
        if instrument_id not in self.markets:
            raise UsageError(f"{instrument_id} is not part of this run, no strategy trades it")
        return self.markets[instrument_id].instrument

    def market(self, instrument: Instrument) -> Market:
        return self.markets[instrument.id]

    def position(self, instrument: Instrument) -> Size:
        return self.positions.get(instrument, Size(0))

    def open_orders(self, instrument: Instrument) -> list[Order]:
        return [order for order in self.orders if order.instrument is instrument and order.is_open]

    def worst_case_position(self, order: Order) -> Size:
        others = [
            other
            for other in self.open_orders(order.instrument)
            if other.side is order.side and other.client_order_id != order.client_order_id
        ]
        same = [o for o in self.orders if o.client_order_id == order.client_order_id and o.is_open]
        mine = max(candidate.remaining for candidate in [order, *same])
        worst = mine + sum(other.remaining for other in others)
        return Size(self.position(order.instrument) + order.side.sign * worst)
