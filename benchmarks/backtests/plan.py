"""Orders whose times and prices are fixed beforehand, and what becomes of them in hft."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hft.book import new_book
from hft.clock import SimulatedClock
from hft.data import Day, read_day
from hft.events import Fill, OrderReport
from hft.market import Market
from hft.order import Order
from hft.paper import PaperConfig, PaperExecution, QueueModelName
from hft.paper.choice import new_clock, new_replay
from hft.paper.replay import Replay, ReplayFeed
from hft.plugin.execution import ApprovedOrder, ExecutionEvents
from hft.types import Duration, Price, Side, Size

__all__ = ["follow_plan", "make_plan"]

LATENCY_NS = Duration(1_000_000)
EVERY_NS = 450_000_000
STAYS_NS = 400_000_000
FARTHEST = 3


class Told(ExecutionEvents):
    """Takes down how much of each order traded, and when it last did."""

    def __init__(self) -> None:
        self.fills: dict[int, tuple[int, int]] = {}

    def on_report(self, report: OrderReport) -> None: ...

    def on_fill(self, fill: Fill) -> None:
        order_id = int(fill.client_order_id)
        before, _ = self.fills.get(order_id, (0, 0))
        self.fills[order_id] = before + fill.size, fill.exchange_ns


def make_plan(folder: Path, orders: int, size: int = 1, seed: int = 3) -> npt.NDArray[np.int64]:
    """Return rows of time, order id (negated: cancel it), side, price and size, by time.

    Prices are those near the best as they are seen at the time, a few of them through it.
    """
    clock, told, chance = new_clock(), Told(), np.random.default_rng(seed)
    replay, _, market = _join(folder, clock, told, PaperConfig())
    rows = []
    now_ns = int(read_day(folder).columns["recv_ns"][0]) + EVERY_NS
    for order_id in range(1, orders + 1):
        while replay.step(10_000, now_ns):
            pass
        side = int(chance.choice([1, -1]))
        away = int(chance.integers(-1, FARTHEST))
        best = market.book.best_bid if side > 0 else market.book.best_ask
        assert best is not None, "the feed keeps both sides"
        rows.append((now_ns, order_id, side, best - side * away, size))
        rows.append((now_ns + STAYS_NS, -order_id, side, 0, 0))
        now_ns += EVERY_NS
    return np.array(sorted(rows), dtype=np.int64)


def follow_plan(folder: Path, plan: npt.NDArray[np.int64], queue: str) -> dict[int, tuple[int, int]]:
    """Send the orders of a plan; return of those that traded how many lots, and when last."""
    told = Told()
    clock = new_clock()
    config = PaperConfig(
        order_latency=LATENCY_NS,
        response_latency=LATENCY_NS,
        queue=QueueModelName(queue),
        queue_power=Decimal(3),
    )
    replay, paper, market = _join(folder, clock, told, config)
    orders: dict[int, ApprovedOrder] = {}
    for when_ns, order_id, side, price, size in plan.tolist():
        if order_id < 0:
            clock.call_at(when_ns, partial(paper.cancel, orders[-order_id]))
            continue
        order = orders[order_id] = ApprovedOrder(
            Order(
                client_order_id=str(order_id),
                strategy="plan",
                instrument=market.instrument,
                side=Side.BUY if side > 0 else Side.SELL,
                price=Price(price),
                size=Size(size),
            )
        )
        clock.call_at(when_ns, partial(paper.place, order))
    while replay.step(1_000_000):
        pass
    return told.fills


def _join(
    folder: Path, clock: SimulatedClock, told: Told, config: PaperConfig
) -> tuple[Replay, PaperExecution, Market]:
    market = Market(read_day(folder).instrument)
    book = new_book(market.instrument)
    paper = PaperExecution(config, told, clock)

    def days() -> Iterator[Day]:
        yield read_day(folder)

    feed = ReplayFeed(
        market=market,
        book=book,
        model=paper.simulate(market.instrument, book),
        settle=paper.settle,
        days=days,
        latency_ns=None,
    )
    return new_replay(clock, [feed]), paper, market
