"""An execution client that trades against the books it watches, and not for real."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from hft.book import OrderBook
from hft.clock import Clock
from hft.errors import UsageError
from hft.events import Trade
from hft.instrument import Instrument
from hft.market import Channel, Market
from hft.order import Order
from hft.paper.choice import new_fill_model
from hft.paper.config import NO_L3, PaperConfig, QueueModelName
from hft.paper.exchange import PaperExchange
from hft.paper.fill_model import FillModel
from hft.paper.funding import ConstantFunding, FundingRates
from hft.paper.latency import ConstantLatency, LatencyModel
from hft.paper.listing import TIMES_IN_FORCE
from hft.paper.queue import new_queue_model
from hft.paper.statistics import OrderStatistics
from hft.plugin.execution import ApprovedOrder, Capabilities, ExecutionClient, ExecutionEvents
from hft.types import Price, Size

__all__ = ["PaperExecution"]


class PaperExecution(ExecutionClient[PaperConfig]):
    """Fills our orders from live or replayed books by the `FillModel`, after realistic delays.

    What we send arrives at the simulated ``exchange`` some time later, what that answers reaches ``events``
    some time after it happened, both in order. ``latency`` says how long that takes, ``funding`` what
    perpetuals pay; by default both are what ``config`` has as constant. So a cancel can meet an order that is
    filled already: then the fill counts and the cancel is rejected. Events never come from inside a call,
    also without latency.
    `attach` every market before it brings data and before the strategies listen, so that a strategy sees
    nothing before the simulated exchange does. `simulate` instead gives the fill model of a book that
    somebody else keeps, who calls the model and hands its matches to `settle`.

    A fill's ``exchange_ns`` is when it happened by our clock, ``recv_ns`` when it was told, with all that was
    due then. Order and trade ids count from 1 and are the same in every run with the same input. Funds are
    unlimited. ``statistics`` are by instrument.
    """

    capabilities: ClassVar[Capabilities] = Capabilities(
        amend=True,
        amend_keeps_priority=True,
        post_only=True,
        reduce_only=True,
        times_in_force=TIMES_IN_FORCE,
    )

    def __init__(
        self,
        config: PaperConfig,
        events: ExecutionEvents,
        clock: Clock,
        latency: LatencyModel | None = None,
        funding: FundingRates | None = None,
    ) -> None:
        # No link: what it trades with is in this process.
        self.config, self.events, self.clock = config, events, clock
        latency = latency or ConstantLatency(config.order_latency, config.response_latency)
        self.exchange = PaperExchange(config, events, clock, latency)
        # Bound, since they are called for every order.
        self._place, self._amend = self.exchange.place, self.exchange.amend
        self.settle = self.exchange.settle
        """Takes what a fill model made trade, books and tells it."""
        self._funding = funding or ConstantFunding(config.funding_rate or Decimal(0), config.funding_interval)

    @property
    def statistics(self) -> dict[Instrument, OrderStatistics]:
        """What became of the orders in each instrument."""
        return {each: listing.statistics for each, listing in self.exchange.listings.items()}

    def attach(self, market: Market) -> None:
        """Trade on this market from now on; raise `UsageError` for one that cannot be simulated."""
        if self.config.queue is QueueModelName.L3:
            raise UsageError(f"{market.instrument.id}: {NO_L3}")
        model = self.simulate(market.instrument, market.book)

        def on_book(_: OrderBook) -> None:
            matches = model.on_book()
            if matches:
                self.settle(matches)

        def on_trade(trade: Trade) -> None:
            matches = model.on_trade(trade.side, trade.price, trade.size, trade.exchange_ns)
            if matches:
                self.settle(matches)

        market.listen(Channel.BOOK, on_book)
        market.listen(Channel.TRADE, on_trade)

    def simulate(
        self, instrument: Instrument, book: OrderBook, funding: FundingRates | None = None
    ) -> FillModel:
        """Trade an instrument on this book; raise `UsageError` for one that cannot be simulated.

        ``funding`` is what this one pays, instead of what all of them do.
        """
        model = new_fill_model(book, new_queue_model(self.config, instrument))
        self.exchange.add(instrument, model, funding or self._funding)
        return model

    def place(self, order: ApprovedOrder) -> None:
        self._place(order)

    def amend(self, order: ApprovedOrder, price: Price, size: Size) -> None:
        self._amend(order.client_order_id, price, size)

    def cancel(self, order: Order) -> None:
        self.exchange.cancel(order.client_order_id)

    def query(self, order: Order) -> None:
        self.exchange.query(order.client_order_id)

    async def stop(self) -> None:
        self.exchange.close()
