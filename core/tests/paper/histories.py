"""A market made at random, and somebody who acts on it at random and takes down all that he is told."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from hft.clock import SimulatedClock
from hft.events import Fill, OrderReport
from hft.instrument import Instrument
from hft.market import Market
from hft.order import Order
from hft.paper import OrderStatistics, PaperExecution
from hft.plugin.execution import ApprovedOrder, ExecutionEvents
from hft.types import OrderType, Price, Side, Size, TimeInForce

pytest.importorskip("numpy", reason="numpy comes with hft-core[data]")

from hft.data import ColumnsWriter

__all__ = ["HIGH", "LOW", "Actor", "record"]

LOW, HIGH = 95, 105


def record(folder: Path, instrument: Instrument, chance: random.Random, length: int) -> None:
    """Write events as they should be and as they should not, in two parts."""
    rows = []
    recv_ns = 1_000
    crossed = chance.choice([0.05, 0.005])
    while len(rows) < length:
        recv_ns += chance.choice([0, 1, 1, 5, 40])
        happened = chance.choice([0, recv_ns, recv_ns - 3, recv_ns - 10, recv_ns - 60, recv_ns + 7])
        message = []
        for _ in range(chance.choice([1, 1, 1, 2, 4])):
            recv_ns += chance.choice([0, 0, 0, 0, 2])
            kind = chance.choices([1, 2, 3, 4], [70, 20, 1, 9])[0]
            side = chance.choice([1, -1])
            price = chance.randint(LOW, HIGH)
            if kind == 1 and chance.random() >= crossed:
                price = min(price, 100) if side > 0 else max(price, 101)
            size = chance.choice([0, 1, 5, 20, 40]) if kind == 1 else chance.randint(1, 30)
            message.append([happened, recv_ns, kind, side, price, size, 0])
        message[-1][-1] = 1
        rows += message
    half = length // 2
    for name, part in (("a", rows[:half]), ("b", rows[half:])):
        with ColumnsWriter(folder / name, instrument) as writer:
            columns = zip(*part, strict=True)
            names = ("exchange_ns", "recv_ns", "kind", "side", "price", "size", "flags")
            writer.append(dict(zip(names, columns, strict=True)))


_FIGURES = [
    name
    for name in vars(OrderStatistics)
    if not name.startswith("_") and not callable(getattr(OrderStatistics, name))
]


def figures_of(paper: PaperExecution) -> list[dict[str, int]]:
    """Return all that is counted of each instrument."""
    return [{name: getattr(each, name) for name in _FIGURES} for each in paper.statistics.values()]


class Actor(ExecutionEvents):
    """Sees everything, sends at random, and takes it all down."""

    def __init__(self, clock: SimulatedClock, seed: int) -> None:
        self.clock = clock
        self.random = random.Random(seed)
        self.log: list[Any] = []
        self.orders: list[ApprovedOrder] = []
        self.paper: PaperExecution
        self.markets: list[Market] = []
        self.amends = True

    def on_report(self, report: OrderReport) -> None:
        self.log.append((self.clock.now_ns(), report.client_order_id, report.kind, report.reason))
        self.act()

    def on_fill(self, fill: Fill) -> None:
        self.log.append((self.clock.now_ns(), fill.client_order_id, fill.price, fill.size, fill.exchange_ns))

    def see(self, what: str, event: Any) -> None:
        if what in ("book", "lost"):
            event = [event.instrument.symbol, event.state, event.bids(), event.asks(), event.best_bid_size]
        elif what == "quote":
            event = [event.bid, event.bid_size, event.ask, event.ask_size, event.exchange_ns, event.recv_ns]
        else:
            event = [event.side, event.price, event.size, event.exchange_ns, event.recv_ns]
        times = [
            (m.book.exchange_ns, m.book.recv_ns, m.book.best_bid, m.book.best_ask, m.book.state)
            for m in self.markets
        ]
        self.log.append((self.clock.now_ns(), what, event, times))
        if self.random.random() < 0.3:
            self.act()

    def tick(self) -> None:
        self.log.append(
            (self.clock.now_ns(), "tick", [(m.book.bids(), m.book.recv_ns) for m in self.markets])
        )
        self.clock.call_later(23, self.tick)
        self.act()

    def act(self) -> None:
        chance = self.random
        if len(self.log) > 20_000:
            return
        what, market = chance.random(), chance.choice(self.markets)
        if what < 0.4:
            price = Price(chance.randint(LOW, HIGH))
            order = Order(
                client_order_id=str(len(self.orders)),
                strategy="test",
                instrument=market.instrument,
                side=chance.choice([Side.BUY, Side.SELL]),
                price=price,
                size=Size(chance.randint(1, 30)),
                type=OrderType.LIMIT,
                time_in_force=chance.choice([TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC]),
            )
            self.orders.append(ApprovedOrder(order))
            self.paper.place(self.orders[-1])
        elif self.orders and what < 0.6:
            self.paper.cancel(chance.choice(self.orders[-5:]))
        elif self.orders and what < 0.7 and self.amends:
            price, size = Price(chance.randint(LOW, HIGH)), Size(chance.randint(1, 30))
            self.paper.amend(chance.choice(self.orders[-5:]), price, size)
