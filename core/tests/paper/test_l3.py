"""Queues of single orders: against queues that are kept as lists, and the same in both implementations."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("numpy", reason="numpy comes with hft-core[data]")

from hft.book import BOOK, SortedBook, new_book
from hft.clock import SimulatedClock
from hft.data import LAST, ORDER_COLUMNS, ColumnsWriter, Kind, read_day
from hft.errors import DataError, ProfileError, UsageError
from hft.market import Channel, Market
from hft.paper import FillModel, L3Queue, Match, PaperConfig, PaperExecution, QueueModelName
from hft.paper.choice import new_clock, new_fill_model
from hft.paper.replay import Replay, ReplayFeed
from hft.profile import read_profile
from hft.registry.loader import Registry
from hft.types import BookState, Duration, Price, Side, Size

from .conftest import make_instrument
from .histories import HIGH, LOW, Actor, figures_of
from .single_orders import Event, RandomExchange, write_orders

BUY, SELL = Side.BUY, Side.SELL
ENGINES = ["pure", "native"] if BOOK.name == "native" else ["pure"]


def make_model(engine: str) -> FillModel:
    instrument = make_instrument()
    if engine == "pure":
        return FillModel(SortedBook(instrument), L3Queue())
    return new_fill_model(new_book(instrument), L3Queue())


def tell(model: FillModel, events: Sequence[Event]) -> list[Match]:
    """Play a message to the model as a replay does."""
    matches: list[Match] = []
    orders = model.orders
    for kind, sign, price, size, order_id in events:
        side = BUY if sign > 0 else SELL
        if kind == Kind.CLEAR:
            orders.clear()
        elif kind == Kind.ADD:
            orders.add(order_id, side, Price(price), size)
        elif kind == Kind.CHANGE:
            order = orders.find(order_id)
            side, was, rank = order.side, order.price, order.rank
            model.on_leave(side, was, rank, orders.change(order, Price(price), size))
        elif kind == Kind.REMOVE:
            order = orders.remove(order_id)
            model.on_leave(order.side, order.price, order.rank, order.size)
        elif kind == Kind.FILL:
            matches += model.on_fill(orders.find(order_id), size)
        else:
            matches += model.on_trade(side, Price(price), Size(size), 0)
    if orders.end_message():
        model.on_snapshot()
    both = model.book.best_bid is not None and model.book.best_ask is not None
    model.book.state = BookState.LIVE if both else BookState.SYNCING
    matches += model.on_book()
    return matches


@attrs.define
class Mine:
    """One of our orders, and who stood before it when it came."""

    side: int
    price: int
    left: int
    before: set[int]


class Reference:
    """What must become of our orders, by the lists of the exchange itself."""

    def __init__(self, exchange: RandomExchange) -> None:
        self.exchange = exchange
        self.orders: dict[int, Mine] = {}

    def add(self, order_id: int, side: int, price: int, size: int) -> None:
        queue = self.exchange.queues.get((side, price), [])
        self.orders[order_id] = Mine(side, price, size, {each for each, _ in queue})

    def ahead(self, order_id: int) -> int | None:
        """Return the lots of those that were there and have not lost their place since."""
        mine = self.orders.get(order_id)
        if mine is None:
            return None
        queue = self.exchange.queues.get((mine.side, mine.price), [])
        return sum(size for each, size in queue if each in mine.before)

    def message(self, events: Sequence[Event]) -> dict[int, int]:
        """Return what must fill of which order."""
        filled: dict[int, int] = {}

        def fill(number: int, size: int) -> None:
            self.orders[number].left -= size
            filled[number] = filled.get(number, 0) + size
            if not self.orders[number].left:
                del self.orders[number]

        for kind, side, price, size, order_id in events:
            if kind == Kind.FILL:
                left = size
                for number, mine in list(self.orders.items()):
                    if mine.side != side:
                        continue
                    if (mine.price - price) * side > 0:
                        fill(number, mine.left)
                    elif mine.price == price and order_id not in mine.before and left:
                        part = min(left, mine.left)
                        left -= part
                        fill(number, part)
        for mine in self.orders.values():
            queue = self.exchange.queues.get((mine.side, mine.price), [])
            mine.before &= {each for each, _ in queue} - self.exchange.requeued
        return filled


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_place_is_that_in_the_queue_itself(engine: str, seed: int) -> None:
    chance = random.Random(seed)
    exchange, model = RandomExchange(chance), make_model(engine)
    reference = Reference(exchange)
    tell(model, [(Kind.CLEAR, 0, 0, 0, 0), *exchange.arrive(1), *exchange.arrive(-1)])
    for number in range(1, 120):
        if chance.random() < 0.4:
            side, price, size = chance.choice([1, -1]), chance.randint(LOW, HIGH), chance.randint(1, 30)
            opposite = exchange.best(-side)
            # Those that would take are another matter.
            if opposite is not None and (price - opposite) * side < 0 and model.book.state is BookState.LIVE:
                model.place(number, BUY if side > 0 else SELL, Price(price), Size(size))
                reference.add(number, side, price, size)
        elif reference.orders and chance.random() < 0.1:
            gone = chance.choice(list(reference.orders))
            model.cancel(gone)
            del reference.orders[gone]
        events = exchange.message()
        # Whoever came to our price would have met us: then ours go, and are looked at no more.
        matches = tell(model, events)
        expected = reference.message(events)
        crossing = {
            each
            for each, mine in list(reference.orders.items())
            if (best := exchange.best(-mine.side)) is not None and (mine.price - best) * mine.side >= 0
        }
        told: dict[int, int] = {}
        for match in matches:
            told[match.order_id] = told.get(match.order_id, 0) + match.size
        assert {k: v for k, v in told.items() if k not in crossing} == {
            k: v for k, v in expected.items() if k not in crossing
        }
        for each in crossing:
            model.cancel(each)
            del reference.orders[each]
        for each in range(1, number + 1):
            assert model.ahead(each) == reference.ahead(each), (each, events)
        for side in (BUY, SELL):
            queues = {
                price: sum(size for _, size in queue)
                for (sign, price), queue in exchange.queues.items()
                if sign == side.sign and queue
            }
            assert dict(model.book.levels(side)) == queues, "the book is what the orders make"


def test_by_hand() -> None:
    """Two orders of ours, one that comes between them, and one that goes to the back."""
    for engine in ENGINES:
        model = make_model(engine)
        tell(model, [(Kind.ADD, 1, 100, 5, 1), (Kind.ADD, 1, 100, 3, 2), (Kind.ADD, -1, 102, 9, 3)])
        model.place(1, BUY, Price(100), Size(4))
        tell(model, [(Kind.ADD, 1, 100, 7, 4)])
        model.place(2, BUY, Price(100), Size(2))
        assert (model.ahead(1), model.ahead(2)) == (8, 15)
        tell(model, [(Kind.CHANGE, 1, 100, 2, 1)])  # smaller: keeps its place
        assert (model.ahead(1), model.ahead(2)) == (5, 12)
        tell(model, [(Kind.CHANGE, 1, 100, 4, 2)])  # larger: to the back
        assert (model.ahead(1), model.ahead(2)) == (2, 9)
        tell(model, [(Kind.REMOVE, 0, 0, 0, 4)])
        assert (model.ahead(1), model.ahead(2)) == (2, 2)
        assert tell(model, [(Kind.FILL, 1, 100, 2, 1), (Kind.REMOVE, 1, 100, 0, 1)]) == []
        assert (model.ahead(1), model.ahead(2)) == (0, 0)
        # A public trade says nothing that the fills do not say.
        assert tell(model, [(Kind.TRADE, -1, 100, 50, 0)]) == []
        # The order that trades stands behind both of ours: its 4 lots are the first's, its next the second's.
        (match,) = tell(model, [(Kind.FILL, 1, 100, 4, 2)])
        assert (match.order_id, match.size) == (1, 4)
        (match,) = tell(model, [(Kind.FILL, 1, 100, 1, 2)])
        assert (match.order_id, match.size) == (2, 1)
        # A fill below our price goes through it.
        tell(model, [(Kind.ADD, 1, 99, 1, 5)])
        (match,) = tell(model, [(Kind.FILL, 1, 99, 1, 5)])
        assert (match.order_id, match.size, match.price) == (2, 1, 100)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("events", "says"),
    [
        ([(Kind.REMOVE, 1, 100, 1, 7)], "order 7 is not in the book"),
        ([(Kind.CHANGE, 1, 100, 1, 7)], "order 7 is not in the book"),
        ([(Kind.FILL, 1, 100, 1, 7)], "order 7 is not in the book"),
        ([(Kind.ADD, 1, 100, 1, 7), (Kind.ADD, 1, 99, 1, 7)], "order 7 is in the book already"),
    ],
)
def test_orders_that_make_no_book_stop_the_run(
    engine: str, events: list[Event], says: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=says):
        tell(make_model(engine), events)
    rows = [(5, 5, kind, side, price, size, LAST, each) for kind, side, price, size, each in events]
    with ColumnsWriter(tmp_path / "x" / "a", make_instrument(), orders=True) as writer:
        writer.append(dict(zip(ORDER_COLUMNS, zip(*rows, strict=True), strict=True)))
    with pytest.raises(DataError, match=says):
        play(tmp_path, 1, QueueModelName.L3, engine, pytest.MonkeyPatch())


# -- the replay ----------------------------------------------------------------------------------------


def play(
    folder: Path, seed: int, queue: QueueModelName, engine: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[Any, ...]:
    """Let somebody act at random on what is recorded; return all that he was told."""
    native = engine == "native"
    make_book = new_book if native else SortedBook
    clock = new_clock(990) if native else SimulatedClock(990)
    actor = Actor(clock, seed)
    config = PaperConfig(order_latency=Duration(seed % 7), response_latency=Duration(3), queue=queue)
    actor.paper = PaperExecution(config, actor, clock)
    feeds = []
    for path in sorted(folder.iterdir()):
        folders = sorted(path.iterdir())
        market = Market(read_day(folders[0]).instrument)
        market.book = make_book(market.instrument)
        actor.markets.append(market)
        if seed % 2:
            market.listen(Channel.BOOK, lambda event: actor.see("book", event))
            market.listen(Channel.TRADE, lambda event: actor.see("trade", event))
        market.listen_lost(lambda book: actor.see("lost", book))
        book = make_book(market.instrument)
        if not native:
            monkeypatch.setattr("hft.paper.execution.new_fill_model", FillModel)
        model = actor.paper.simulate(market.instrument, book)
        monkeypatch.undo()
        feeds.append(
            ReplayFeed(
                market=market,
                book=book,
                model=model,
                settle=actor.paper.settle,
                days=lambda folders=folders: map(read_day, folders),  # type: ignore[misc]
                latency_ns=None,
            )
        )
    actor.tick()
    if native:
        from hft.paper.native_replay import NativeReplay

        replay: Replay = NativeReplay(clock, feeds)
    else:
        replay = Replay(clock, feeds)
    while replay.step(50):
        pass
    return replay.played, figures_of(actor.paper), actor.log


@pytest.mark.skipif(BOOK.name != "native", reason=f"nothing to compare: {BOOK.reason}")
@pytest.mark.parametrize("queue", QueueModelName)
def test_replays_of_single_orders_tell_the_same(
    tmp_path: Path, queue: QueueModelName, monkeypatch: pytest.MonkeyPatch
) -> None:
    fills = 0
    for seed in range(6):
        chance = random.Random(f"{seed} {queue}")
        folder = tmp_path / str(seed)
        write_orders(folder / "BTC", make_instrument(), chance, chance.choice([5, 600]))
        pure, native = (play(folder, seed, queue, engine, monkeypatch) for engine in ENGINES)
        for one, other in zip(pure[-1], native[-1], strict=False):
            assert one == other
        assert pure == native
        fills += sum(isinstance(line, tuple) and len(line) == 5 for line in pure[-1])
    assert fills > 100


@pytest.mark.parametrize("queue", [QueueModelName.RISK_AVERSE, QueueModelName.LOG])
def test_other_queues_see_the_levels_that_the_orders_make(
    tmp_path: Path, queue: QueueModelName, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same messages as levels give the same fills."""
    write_orders(tmp_path / "orders" / "BTC", make_instrument(), random.Random(3), 900)
    for part in "ab":
        as_levels(tmp_path / "orders" / "BTC" / part, tmp_path / "levels" / "BTC" / part)
    logs = [play(tmp_path / form, 3, queue, ENGINES[-1], monkeypatch)[1:] for form in ("orders", "levels")]
    assert logs[0] == logs[1]
    assert logs[0][0][0]["maker_fills"] > 20


def as_levels(source: Path, target: Path) -> None:
    """Write a day of orders as levels: each event as the sizes of the levels that it changes."""
    day = read_day(source)
    model = make_model("pure")
    if source.name == "b":
        tell(model, list(_events(source.parent / "a")))
    rows: list[tuple[int, ...]] = []
    columns = [column.tolist() for column in day.columns.values()]
    for happened, recv_ns, kind, sign, price, size, flags, order_id in zip(*columns, strict=True):
        row = (happened, recv_ns)
        if kind == Kind.FILL:
            continue
        if kind in (Kind.TRADE, Kind.CLEAR):
            rows.append((*row, kind, sign, price, size, flags))
        orders = [model.orders.find(order_id)] if kind in (Kind.CHANGE, Kind.REMOVE) else []
        places = [(each.side, each.price) for each in orders]
        tell(model, [(kind, sign, price, size, order_id)])
        if kind in (Kind.CHANGE, Kind.ADD):
            order = model.orders.find(order_id)
            places.append((order.side, order.price))
        for side, each in dict.fromkeys(places):
            rows.append((*row, Kind.LEVEL, side.sign, each, model.book.size_at(side, each), 0))
        rows[-1] = (*rows[-1][:6], flags)
    with ColumnsWriter(target, day.instrument) as writer:
        names = [name for name in ORDER_COLUMNS if name != "order_id"]
        writer.append(dict(zip(names, zip(*rows, strict=True), strict=True)))


def _events(folder: Path) -> Sequence[Event]:
    columns = read_day(folder).columns
    names = ("kind", "side", "price", "size", "order_id")
    return list(zip(*(columns[name].tolist() for name in names), strict=True))


# -- where it cannot be had ------------------------------------------------------------------------------


def test_streams_have_no_single_orders() -> None:
    clock = SimulatedClock()
    paper = PaperExecution(PaperConfig(queue=QueueModelName.L3), Actor(clock, 1), clock)
    with pytest.raises(UsageError, match="which no stream tells of"):
        paper.attach(Market(make_instrument()))


@pytest.mark.parametrize("mode", ["dry-run", "live"])
def test_a_profile_that_does_not_backtest_is_refused(tmp_path: Path, mode: str) -> None:
    (tmp_path / "p.yaml").write_text(
        f"name: test\nmode: {mode}\nexchanges:\n  binance: {{use: binance, paper: {{queue: l3}}}}\n"
    )
    with pytest.raises(ProfileError, match=r"4: exchanges\.binance\.paper: queue: l3 needs single orders"):
        read_profile(tmp_path / "p.yaml", Registry())
