"""The matching engine of the simulators and the fill model fill an order by the same event.

The engine has our order among those of others. The model has what the same others would have shown and
traded without it, as it stands in a recording. Nobody cancels what stands ahead of ours, and nobody wants
more than there is: whether somebody did is what a recording does not tell.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hft.book import OrderBook, SortedBook, new_book
from hft.paper import RiskAverseQueue
from hft.paper.choice import new_fill_model
from hft.sim.matching import MatchingEngine, RestingOrder
from hft.types import BookState, Price, Side, Size

from .conftest import make_instrument

WALLS: list[tuple[str, Side, int | None, int]] = [
    ("add", Side.BUY, 80, 10**6),
    ("add", Side.SELL, 120, 10**6),
]
WARM_UP = 15
STEPS = 80

Flow = list[tuple[str, Side, int | None, int]]


def make_flow(chance: random.Random) -> Flow:
    """Return what others do: limit orders, market orders, and cancellations of what they sent at a step."""
    flow: Flow = list(WALLS)
    for step in range(len(WALLS), STEPS):
        side, size = chance.choice([Side.BUY, Side.SELL]), chance.randint(1, 12)
        what = "add" if step < WARM_UP else chance.choice(["add", "add", "take", "cancel"])
        price = None
        if what == "add":
            away = chance.randint(-1 if step >= WARM_UP else 0, 5)
            price = 100 - away if side is Side.BUY else 101 + away
        flow.append((what, side, price, chance.randrange(len(WALLS), step + 1) if what == "cancel" else size))
    return flow


def play(engine: MatchingEngine, flow: Flow, ours: tuple[Side, Price], after: Callable[[int], Any]) -> None:
    """Let others act; tell ``after`` each step."""
    sent: list[RestingOrder | None] = []
    for step, (what, side, price, size) in enumerate(flow):
        sent.append(None)
        if what == "cancel":
            target = sent[size]
            # What stood at our price and side before us is ahead of us.
            is_ahead = size < WARM_UP and target is not None and (target.side, target.price) == ours
            if target is not None and not is_ahead:
                engine.cancel(target.id)
        else:
            sent[-1] = engine.submit(side, size, price)
        after(step)


@pytest.mark.parametrize("make_book", [SortedBook, new_book])
@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_same_event_fills(make_book: Callable[..., OrderBook], seed: int) -> None:
    chance = random.Random(seed)
    flow, side = make_flow(chance), chance.choice([Side.BUY, Side.SELL])
    price = Price(chance.randint(97, 100) if side is Side.BUY else chance.randint(101, 104))
    simulated, recorded = [], []

    engine = MatchingEngine()
    mine: list[RestingOrder] = []

    def after_simulated(step: int) -> None:
        if step == WARM_UP - 1:
            mine.append(engine.submit(side, 1, price, owner="us"))
        elif mine and mine[0].filled and not simulated:
            simulated.append(step)

    play(engine, flow, (side, price), after_simulated)

    engine = MatchingEngine()
    book = make_book(make_instrument())
    model = new_fill_model(book, RiskAverseQueue())
    trades: list[tuple[Side, Price, Size]] = []
    levels: list[tuple[Side, Price, Size]] = []
    engine.on_execution = lambda trade: trades.append((trade.taker.side, trade.price, trade.size))
    engine.on_level = lambda *level: levels.append(level)

    def after_recorded(step: int) -> None:
        now_ns = 10 * (step + 1)
        matches = [match for trade in trades for match in model.on_trade(*trade, now_ns - 5)]
        for level in levels:
            book.set_level(*level)
        book.exchange_ns, book.state = now_ns, BookState.LIVE
        matches += model.on_book()
        trades.clear()
        levels.clear()
        if matches and not recorded:
            recorded.append(step)
        if step == WARM_UP - 1:
            model.place(1, side, price, Size(1))

    play(engine, flow, (side, price), after_recorded)
    assert simulated == recorded


def test_these_histories_fill_and_leave_open() -> None:
    outcomes = set()
    for seed in range(60):
        engine, chance = MatchingEngine(), random.Random(seed)
        flow = make_flow(chance)
        mine: list[RestingOrder] = []
        play(
            engine,
            flow,
            (Side.BUY, Price(98)),
            lambda step, engine=engine, mine=mine: (
                step == WARM_UP - 1  # type: ignore[misc]
                and mine.append(engine.submit(Side.BUY, 1, 98, owner="us"))
            ),
        )
        outcomes.add(bool(mine[0].filled))
    assert outcomes == {True, False}
