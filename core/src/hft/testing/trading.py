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
from hft.money import Amount, product, to_amount
from hft.order import Order, OrderRequest
from hft.plugin.routing import DEFAULT_STYLE, ParentOrder, RoutingStyle
from hft.plugin.strategy import Trading
from hft.risk import AccountView
from hft.types import (
    BookState,
    InstrumentKind,
    OrderState,
    OrderType,
    PositionSide,
    Price,
    Side,
    Size,
    TimeInForce,
)

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
    price_figures: int | None = None,
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
        price_figures=price_figures,
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
        trigger_price: Price | None = None,
        expire_ns: int = 0,
        position_side: PositionSide = PositionSide.BOTH,
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
            trigger_price=trigger_price,
            expire_ns=expire_ns,
            position_side=position_side,
            state=OrderState.NEW,
            created_ns=self.clock.now_ns(),
        )
        self.orders.append(order)
        return order

    def place_batch(self, instrument: Instrument, requests: Sequence[OrderRequest]) -> list[Order]:
        return [self.place(instrument, **attrs.asdict(request, recurse=False)) for request in requests]

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


class FakeRiskView(AccountView):
    """A view whose positions, open orders and money are as the test sets them.

    ``sides`` are positions in hedge mode, beside ``positions``. ``profits``, ``profits_today`` and ``peaks``
    are by asset, 0 where not set; ``balances`` by exchange and asset, ``equities`` by asset, unknown where
    not set. Positions are valued at the middle of the markets' books. Exposures are added up from the orders.
    """

    def __init__(self, markets: Iterable[Market]) -> None:
        self.markets = {market.instrument.id: market for market in markets}
        self.positions: dict[Instrument, Size] = {}
        self.sides: dict[tuple[Instrument, PositionSide], Size] = {}
        self.orders: list[Order] = []
        self.profits: dict[str, Decimal] = {}
        self.profits_today: dict[str, Decimal] = {}
        self.peaks: dict[str, Decimal] = {}
        self.balances: dict[tuple[str, str], Decimal] = {}
        self.equities: dict[str, Decimal] = {}
        self.clock = SimulatedClock(1_700_000_000_000_000_000)

    @property
    def now_ns(self) -> int:
        return self.clock.now_ns()

    @property
    def instruments(self) -> list[Instrument]:
        return [market.instrument for market in self.markets.values()]

    def instrument(self, instrument_id: InstrumentId) -> Instrument:
        if instrument_id not in self.markets:
            raise UsageError(f"{instrument_id} is not part of this run, no strategy trades it")
        return self.markets[instrument_id].instrument

    def market(self, instrument: Instrument) -> Market:
        return self.markets[instrument.id]

    def mark(self, instrument: Instrument) -> Decimal | None:
        book = self.market(instrument).book
        if book.best_bid is None or book.best_ask is None:
            return None
        return product(book.best_bid + book.best_ask, instrument.tick_size, Decimal("0.5"))

    def value(self, instrument: Instrument, size: int) -> Amount | None:
        mark = self.mark(instrument)
        if mark is None:
            return None
        return to_amount(product(mark, size, instrument.lot_size, instrument.contract_multiplier))

    def position(self, instrument: Instrument) -> Size:
        sides = sum(size for (each, _), size in self.sides.items() if each is instrument)
        return Size(self.positions.get(instrument, 0) + sides)

    def position_of(self, instrument: Instrument, position_side: PositionSide) -> Size:
        if position_side is PositionSide.BOTH:
            return self.positions.get(instrument, Size(0))
        return self.sides.get((instrument, position_side), Size(0))

    def open_orders(self, instrument: Instrument) -> list[Order]:
        return [order for order in self.orders if order.instrument is instrument and order.is_open]

    def open_order_count(self, instrument: Instrument | None = None) -> int:
        return sum(order.is_open for order in self.orders if instrument in (None, order.instrument))

    def worst_case_position(self, order: Order) -> Size:
        return Size(self.position(order.instrument) + order.side.sign * self._lots_with(order))

    def extremes(self, instrument: Instrument) -> tuple[Size, Size]:
        position = self.position(instrument)
        return (
            Size(position - self._lots(instrument, Side.SELL)),
            Size(position + self._lots(instrument, Side.BUY)),
        )

    def net_profit(self, asset: str) -> Amount:
        return to_amount(self.profits.get(asset, 0))

    def profit_today(self, asset: str) -> Amount:
        return to_amount(self.profits_today.get(asset, 0))

    def peak_profit(self, asset: str) -> Amount:
        return to_amount(self.peaks.get(asset, 0))

    def balance(self, exchange: str, asset: str) -> Amount | None:
        balance = self.balances.get((exchange, asset))
        return None if balance is None else to_amount(balance)

    def equity(self, asset: str) -> Amount | None:
        equity = self.equities.get(asset)
        return None if equity is None else to_amount(equity)

    def gross_exposure(self, asset: str) -> Amount | None:
        total = 0
        for instrument in self.instruments:
            if instrument.settle == asset:
                lots = self._gross(
                    instrument, self._lots(instrument, Side.BUY), self._lots(instrument, Side.SELL)
                )
                value = self.value(instrument, lots) if lots else Amount(0)
                if value is None:
                    return None
                total += value
        return Amount(total)

    def exposure_growth(self, order: Order) -> Amount | None:
        instrument = order.instrument
        side = order.position_side
        if order.reduce_only or (side is PositionSide.LONG and order.side is Side.SELL):
            return Amount(0)
        if side is PositionSide.SHORT and order.side is Side.BUY:
            return Amount(0)
        lots = {side: self._lots(instrument, side) for side in Side}
        before = self._gross(instrument, lots[Side.BUY], lots[Side.SELL])
        lots[order.side] = max(lots[order.side], self._lots_with(order))
        after = self._gross(instrument, lots[Side.BUY], lots[Side.SELL])
        return self.value(instrument, after - before) if after > before else Amount(0)

    def revalue(self, instrument: Instrument) -> bool:
        return True

    def roll_day(self) -> int:
        day = 86_400_000_000_000
        return (self.now_ns // day + 1) * day

    def _lots(self, instrument: Instrument, side: Side) -> int:
        return sum(order.remaining for order in self.open_orders(instrument) if order.side is side)

    def _lots_with(self, order: Order) -> int:
        others = [
            other
            for other in self.open_orders(order.instrument)
            if other.side is order.side and other.client_order_id != order.client_order_id
        ]
        same = [o for o in self.orders if o.client_order_id == order.client_order_id and o.is_open]
        mine = max(candidate.remaining for candidate in [order, *same])
        return mine + sum(other.remaining for other in others)

    def _gross(self, instrument: Instrument, buys: int, sells: int) -> int:
        sides = [abs(size) for (each, _), size in self.sides.items() if each is instrument]
        net = self.positions.get(instrument, Size(0))
        return sum(sides) + abs(net) + buys + sells if any(sides) else max(net + buys, sells - net)
