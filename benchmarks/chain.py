"""The hot path as a run has it, from a frame to the bytes of a signed order, without sockets."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import attrs

from benchmarks.books.hft_book import CONN, open_stream
from benchmarks.inputs import INSTRUMENT, DepthInput
from benchmarks.rules import five_rules
from hft import (
    ApprovedOrder,
    Capabilities,
    Channel,
    Clock,
    ExecutionClient,
    ExecutionEvents,
    Instrument,
    Market,
    Order,
    OrderBook,
    OrderReport,
    Price,
    ReportKind,
    Secret,
    Side,
    Size,
    Strategy,
)
from hft.book import new_book
from hft.latency import Trace
from hft.ledger import Ledger
from hft.orders import ClientOrderIds, OrderManager, StrategyTrading, wire_strategy
from hft.risk import LiveRiskView, RiskEngine
from hft_binance.requests import WebsocketOrders
from hft_binance.signing import HmacSigner

__all__ = ["Chain", "Watch"]

_SIZE = Size(100)


@attrs.frozen(kw_only=True)
class NoConfig:
    """Nothing to choose."""


class JoinBid(Strategy[NoConfig]):
    """Places one post-only bid at the touch whenever the book changes."""

    def on_book(self, book: OrderBook) -> None:
        self.trading.place(book.instrument, Side.BUY, _SIZE, book.best_bid, post_only=True)


class Watch(Strategy[NoConfig]):
    """Looks at the touch and does nothing."""

    def on_book(self, book: OrderBook) -> None:
        book.best_bid  # noqa: B018


class SigningClient(ExecutionClient[NoConfig]):
    """Writes and signs orders as frames of Binance's websocket API, and hands them to ``write``."""

    capabilities = Capabilities(amend=True)

    def __init__(self, events: ExecutionEvents, clock: Clock, write: Callable[[bytes], Any]) -> None:
        self.config, self.events, self.clock = NoConfig(), events, clock
        signer = HmacSigner(Secret("k" * 64), Secret("s" * 64))
        self._orders = WebsocketOrders(INSTRUMENT, signer)
        self._write = write
        self.sent: list[Order] = []

    def place(self, order: ApprovedOrder) -> None:
        self.sent.append(order)
        self._write(self._orders.place(order, order.client_order_id, self.clock.now_ns()))

    def amend(self, order: ApprovedOrder, price: Price, size: Size) -> None:
        raise AssertionError("nothing is amended here")

    def cancel(self, order: Order) -> None:
        raise AssertionError("nothing is cancelled here")

    def query(self, order: Order) -> None:
        raise AssertionError("nothing is asked here")


class Chain:
    """One instrument's feed, book, strategy, risk rules, order manager and client, wired as in a run.

    ``strategy`` None: nobody listens. ``on_frame`` is the first call of the hot path; `answer` lets the
    exchange accept and cancel what was sent, which is not part of it; `rewind` makes the frames of the
    input apply once more.
    """

    def __init__(
        self,
        depth: DepthInput,
        clock: Clock,
        *,
        strategy: type[Strategy[NoConfig]] | None = JoinBid,
        rules: int = 5,
        make_book: Callable[[Instrument], OrderBook] = new_book,
        write: Callable[[bytes], Any] = len,
    ) -> None:
        self._depth = depth
        self.market = market = Market(INSTRUMENT)
        self.book = market.book = make_book(INSTRUMENT)
        market.channels.add(Channel.BOOK)
        trace = Trace(clock.now_ns)
        self._feed = open_stream(market, depth, trace)
        market.channels.clear()
        ledger = Ledger()
        self.manager = manager = OrderManager(
            clock, ClientOrderIds("benchmark", "1"), ledger, warn=lambda _, line: None
        )
        client = SigningClient(manager, clock, write)
        self._sent = client.sent
        manager.add_exchange(INSTRUMENT.exchange, client)
        manager.add_market(market)
        view = LiveRiskView(manager, ledger, [market], clock)
        manager.risk = risk = RiskEngine(
            five_rules(INSTRUMENT.id)[:rules], view, lambda halt: manager.halt(halt.reason), clock
        )
        risk.start()
        manager.trace = trace
        if strategy is not None:
            trading = StrategyTrading(
                "benchmark",
                [market],
                manager,
                ledger,
                clock=clock,
                random=Random(1),
                log=lambda line: None,
                on_fault=_raise,
            )
            wire_strategy(strategy(NoConfig(), trading), trading).start()

    def on_frame(self, frame: bytes, recv_ns: int) -> None:
        """Take one frame."""
        self._feed.on_frame(CONN, frame, recv_ns)

    def answer(self) -> None:
        """Let the exchange accept and cancel what was sent, so that the next frame finds nothing open."""
        for order in self._sent:
            for kind in (ReportKind.ACCEPTED, ReportKind.CANCELED):
                self.manager.on_report(OrderReport(client_order_id=order.client_order_id, kind=kind))
        self._sent.clear()

    def rewind(self) -> None:
        """Begin the frames anew: after the last, the book is what it was before the first."""
        self.book.update_id = self._depth.first_id


def _raise(_: str, error: Exception) -> None:
    raise error
