"""The interface of strategies: they see markets and state what they want."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Protocol

from hft.book import Level, OrderBook
from hft.clock import Clock, Timer
from hft.events import Fill, MarkPrice, Quote, Trade
from hft.instrument import Instrument
from hft.market import Market
from hft.order import Order, OrderRequest
from hft.plugin.config import ConfigT, Configured
from hft.plugin.routing import DEFAULT_STYLE, ParentOrder, RoutingStyle
from hft.types import OrderType, PositionSide, Price, Side, Size, TimeInForce

__all__ = ["Strategy", "Trading"]


class Trading(Protocol):
    """What the kernel gives a strategy to work with: the same in every mode."""

    name: str
    """The strategy's key in the profile."""
    clock: Clock
    random: random.Random
    """Seeded for this strategy: a run can be repeated."""
    markets: Sequence[Market]
    """The markets of the instruments that the profile gives this strategy, in its order."""

    @abstractmethod
    def position(self, instrument: Instrument) -> Size:
        """Return the account's position in signed lots."""

    @abstractmethod
    def open_orders(self, instrument: Instrument) -> Sequence[Order]:
        """Return this strategy's orders that may still trade."""

    @abstractmethod
    def quote(self, instrument: Instrument, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """State the quotes wanted from now on; an empty side withdraws it.

        The kernel turns the difference to what stands into the fewest cancels, amends and places,
        and leaves alone what need not move, so that it keeps its place in the queue. Quotes are
        post-only. A book that leaves LIVE withdraws all of them; state them again when it is back.
        """

    @abstractmethod
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
        """Place one order outside the quotes; a refusal by risk is an order in state REJECTED.

        ``trigger_price`` belongs to stops, ``expire_ns`` to GTD, ``position_side`` to accounts in hedge mode.
        """

    @abstractmethod
    def place_batch(self, instrument: Instrument, requests: Sequence[OrderRequest]) -> list[Order]:
        """Place several orders of one instrument, in as few messages as the exchange takes.

        Each is judged by itself, together with those before it: what is refused comes back REJECTED.
        """

    @abstractmethod
    def amend(self, order: Order, price: Price, size: Size) -> None:
        """Change an open order that `place` returned: natively, or by cancel and place."""

    @abstractmethod
    def cancel(self, order: Order) -> None:
        """Cancel an order that `place` returned; nothing happens if it is already final."""

    @abstractmethod
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
        """Trade ``size`` base currency at ``limit`` or better wherever it costs least, until ``deadline_ns``.

        ``instruments`` are those of one symbol on several exchanges. The size is split over their books by
        price and taker fee into immediate-or-cancel orders; what they leave is split anew by the books as
        they are then. Never is more filled than ``size``, whatever comes late. The orders sent are children
        of the parent that is returned: `Strategy.on_order` and `Strategy.on_fill` see them, and
        `Strategy.on_parent` sees the parent. A request that cannot be worked raises `OrderError`.
        """

    @abstractmethod
    def cancel_parent(self, parent: ParentOrder) -> None:
        """Send nothing more for a parent order and cancel its children; nothing happens if it has ended."""

    @abstractmethod
    def every(self, interval_ns: int, callback: Callable[[], None]) -> Timer:
        """Call back every ``interval_ns`` until cancelled or the strategy stops."""

    @abstractmethod
    def log(self, message: str) -> None:
        """Write a line to the log, off the hot path."""


class Strategy(Configured[ConfigT], ABC):
    """Sees markets and states what it wants. The same class runs in every mode.

    Override what you need; what is not overridden is never called and costs nothing. All calls are
    made from one task, one at a time; none may block, sleep or do I/O. Time comes from
    ``self.trading.clock``, randomness from ``self.trading.random``. What it raises is an event with
    a policy (its quotes are cancelled and it is stopped), never swallowed.

    Order of calls: `on_start` once the instruments are known and before the first event; then
    events; `on_stop` at the end, after which the kernel cancels what the strategy owns.

    ::

        class Joiner(Strategy[Config]):
            \"\"\"Quote one lot at the best bid and ask.\"\"\"

            def on_book(self, book):
                if book.best_bid is not None and book.best_ask is not None:
                    self.trading.quote(
                        book.instrument, [(book.best_bid, Size(1))], [(book.best_ask, Size(1))]
                    )
    """

    def __init__(self, config: ConfigT, trading: Trading) -> None:
        self.config = config
        self.trading = trading

    def on_start(self) -> None:
        """Prepare: turn decimals of the profile into lots and ticks, set timers."""

    def on_book(self, book: OrderBook) -> None:
        """See a LIVE book after an update."""

    def on_trade(self, trade: Trade) -> None:
        """See a public trade."""

    def on_quote(self, quote: Quote) -> None:
        """See the exchange's best bid and ask ticker."""

    def on_mark(self, mark: MarkPrice) -> None:
        """See mark price and funding."""

    def on_order(self, order: Order) -> None:
        """See one of this strategy's orders after its state changed."""

    def on_fill(self, fill: Fill) -> None:
        """See a fill of one of this strategy's orders; the position already includes it."""

    def on_parent(self, parent: ParentOrder) -> None:
        """See one of this strategy's parent orders after it changed state or a child was filled."""

    def on_stop(self) -> None:
        """Finish; orders placed here are refused."""
