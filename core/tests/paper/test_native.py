"""Fill model and replay in native code do what those in Python do: random histories, step by step."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hft.book import BOOK, OrderBook, SortedBook, new_book
from hft.clock import SimulatedClock
from hft.instrument import InstrumentId
from hft.market import Channel, Market
from hft.paper import (
    FillModel,
    LogQueue,
    PaperConfig,
    PaperExecution,
    PowerQueue,
    QueueModel,
    QueueModelName,
    RiskAverseQueue,
)
from hft.types import BookState, Duration, Price, Side, Size, TimeInForce

from .conftest import make_instrument
from .histories import HIGH, LOW, Actor, figures_of, record

if BOOK.name != "native":
    pytest.skip(f"nothing to compare: {BOOK.reason}", allow_module_level=True)

from hft.paper.native_fill_model import NativeFillModel

QUEUES: list[Callable[[], QueueModel]] = [
    RiskAverseQueue,
    lambda: PowerQueue(3.0),
    lambda: PowerQueue(0.7),
    lambda: LogQueue(1.0),
    lambda: LogQueue(0.001),
]
STATES = list(BookState)
FIRST = 1000  # the first number of an order: numbers so large are equal and not the same object


class Pair:
    """One history, told to both models; what they answer must be the same."""

    def __init__(self, queue: Callable[[], QueueModel]) -> None:
        instrument = make_instrument()
        self.books: list[OrderBook] = [SortedBook(instrument), new_book(instrument)]
        self.models = [FillModel(self.books[0], queue()), NativeFillModel(self.books[1], queue())]  # type: ignore[arg-type]
        self.now_ns = 0
        self.order_ids = FIRST
        self.heard: Callable[[Any], None] = lambda answer: None

    def both(self, call: Callable[[FillModel], Any]) -> Any:
        pure, native = map(call, self.models)
        assert _plain(pure) == _plain(native)
        self.heard(native)
        aheads = [[model.ahead(each) for each in range(FIRST, self.order_ids + 1)] for model in self.models]
        assert aheads[0] == aheads[1]
        return pure

    def step(self, random: random.Random) -> None:
        what = random.random()
        side = random.choice([Side.BUY, Side.SELL])
        price, size = Price(random.randint(LOW, HIGH)), Size(random.randint(1, 30))
        if what < 0.45:
            self.now_ns += random.randint(0, 2)
            for _ in range(random.randint(1, 3)):
                side, price = random.choice([Side.BUY, Side.SELL]), Price(random.randint(LOW, HIGH))
                lots = Size(random.choice([0, 1, 5, 20, 40]))
                # Mostly apart, so that books are crossed now and then and not always.
                if random.random() < 0.9:
                    price = Price(min(price, 100) if side is Side.BUY else max(price, 101))
                for book in self.books:
                    book.set_level(side, price, lots)
                    book.exchange_ns = self.now_ns
            state = random.choice(STATES) if random.random() < 0.05 else BookState.LIVE
            for book in self.books:
                book.state = state
            self.both(lambda model: model.on_book())
        elif what < 0.65:
            when = random.choice(
                [0, self.now_ns + 1, self.now_ns, max(0, self.now_ns - random.randint(0, 3))]
            )
            self.both(lambda model: model.on_trade(side, price, size, when))
        elif what < 0.85:
            self.order_ids += 1
            order_id, limit = self.order_ids, None if random.random() < 0.1 else price
            how = random.choice([TimeInForce.GTC] * 4 + [TimeInForce.IOC, TimeInForce.FOK])
            post_only = random.random() < 0.3
            self.both(
                lambda model: model.place(order_id, side, limit, size, time_in_force=how, post_only=post_only)
            )
        elif what < 0.93:
            order_id = random.randint(FIRST, self.order_ids)
            self.both(lambda model: model.amend(order_id, price, size))
        else:
            order_id = random.randint(FIRST, self.order_ids)
            self.both(lambda model: model.cancel(order_id))


def _plain(answer: Any) -> Any:
    if hasattr(answer, "outcome"):
        return answer.outcome, [tuple(match) for match in answer.matches], answer.reason, answer.ahead
    return [tuple(match) for match in answer] if isinstance(answer, list | tuple) else answer


@pytest.mark.parametrize("queue", QUEUES)
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_models_answer_alike(queue: Callable[[], QueueModel], seed: int) -> None:
    pair, chance = Pair(queue), random.Random(seed)
    for _ in range(150):
        pair.step(chance)


@pytest.mark.parametrize("seed", range(20))
def test_an_answer_that_is_kept_stays_as_it_is(seed: int) -> None:
    pair, chance = Pair(RiskAverseQueue), random.Random(seed)
    kept: list[tuple[Any, str]] = []

    def keep(answer: Any) -> None:
        matches = answer if isinstance(answer, list) else getattr(answer, "matches", ())
        # Not all of them, so that some are free to be used again.
        kept.extend((each, repr(each)) for each in (answer, *matches) if chance.random() < 0.5)

    pair.heard = keep
    for _ in range(300):
        pair.step(chance)
    assert sum("Match" in was for _, was in kept) > 10
    assert [repr(each) for each, _ in kept] == [was for _, was in kept]


# -- the replay ----------------------------------------------------------------------------------------

np = pytest.importorskip("numpy", reason="numpy comes with hft-core[data]")

from hft.data import read_day  # noqa: E402
from hft.paper.native_clock import NativeClock  # noqa: E402
from hft.paper.native_replay import NativeReplay  # noqa: E402
from hft.paper.replay import Replay, ReplayFeed  # noqa: E402


def books_of(feeds: list[ReplayFeed]) -> list[OrderBook]:
    return [book for feed in feeds for book in (feed.book, feed.market.book)]


def play(
    folder: Path,
    seed: int,
    latency_ns: int | None,
    listens: set[str],
    native: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[Any, ...]:
    make_book = new_book if native else SortedBook
    make_model = NativeFillModel if native else FillModel
    monkeypatch.setattr("hft.paper.execution.new_fill_model", make_model)
    clock = NativeClock(990) if native else SimulatedClock(990)
    actor = Actor(clock, seed)
    config = PaperConfig(
        order_latency=Duration(seed % 7),
        response_latency=Duration(seed % 5),
        queue=list(QueueModelName)[seed % len(QueueModelName)],
    )
    actor.paper = PaperExecution(config, actor, clock)
    feeds = []
    for path in sorted(folder.iterdir()):
        folders = sorted(path.iterdir())
        market = Market(read_day(folders[0]).instrument)
        market.book = make_book(market.instrument)
        actor.markets.append(market)
        for name in sorted(listens):
            market.listen(Channel(name), lambda event, name=name: actor.see(name, event))  # type: ignore[misc]
        market.listen_lost(lambda book: actor.see("lost", book))
        book = make_book(market.instrument)
        feeds.append(
            ReplayFeed(
                market=market,
                book=book,
                model=actor.paper.simulate(market.instrument, book),
                settle=actor.paper.settle,
                days=lambda folders=folders: map(read_day, folders),  # type: ignore[misc]
                latency_ns=latency_ns,
            )
        )
    actor.tick()
    replay = (NativeReplay if native else Replay)(clock, feeds)
    while replay.step((1, 2, 7, 50, 1_000)[seed % 5], 3_000):
        books = [(book.bids(), book.asks(), book.exchange_ns, book.state) for book in books_of(feeds)]
        aheads = [
            (each.exchange_order_id, feed.model.ahead(each))
            for each in actor.paper.exchange.orders.values()
            for feed in feeds
            if feed.model.ahead(each) is not None
        ]
        actor.log.append((replay.played, clock.now_ns(), books, aheads))
    actor.log.append("over")
    while replay.step(10_000):
        pass
    counters = [market.counters for market in actor.markets]
    return replay.played, clock.now_ns(), counters, figures_of(actor.paper), actor.log


@pytest.mark.parametrize("latency_ns", [None, 0, 15])
@pytest.mark.parametrize("listens", [{"book", "trade", "quote"}, {"trade"}, set[str]()], ids=str)
def test_replays_tell_the_same(
    tmp_path: Path, latency_ns: int | None, listens: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fills = 0
    for seed in range(6):
        chance = random.Random(f"{seed} {latency_ns} {sorted(listens)}")
        folder = tmp_path / str(seed)
        for name in ("BTC/USDT", "ETH/USDT", "XRP/USDT")[: chance.randint(1, 3)]:
            instrument = make_instrument(id=InstrumentId(name, "acme"), tick_size=Decimal("0.5"))
            record(folder / name[:3], instrument, chance, chance.choice([3, 400]))
        pure, native = (
            play(folder, seed, latency_ns, listens, native, monkeypatch) for native in (False, True)
        )
        for one, other in zip(pure[-1], native[-1], strict=False):
            assert one == other
        assert pure == native
        fills += sum(isinstance(line, tuple) and len(line) == 5 for line in pure[-1])
    assert fills > 100
