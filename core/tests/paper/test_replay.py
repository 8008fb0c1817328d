"""What holds of every backtest, and that a dry-run of the same messages has the same fills."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hft.book import OrderBook, SortedBook, new_book
from hft.clock import SimulatedClock
from hft.data import COLUMNS, ColumnsWriter, Day, Kind, read_day
from hft.events import Fill, Trade
from hft.instrument import InstrumentId
from hft.ledger import Ledger
from hft.market import Channel, Market
from hft.paper import Arrival, FillModel, Match, PaperConfig, PaperExecution, QueueModelName
from hft.paper.choice import new_clock, new_replay
from hft.paper.listing import PaperOrder
from hft.paper.replay import ReplayFeed
from hft.plugin.execution import ApprovedOrder
from hft.types import BookState, Duration, Liquidity, Price, Side, Size

from .conftest import make_instrument
from .histories import Actor, record
from .single_orders import write_orders

ORDER_NS, RESPONSE_NS = 6, 4


class Judge(Actor):
    """Holds what is told against what can have happened."""

    def __init__(self, clock: SimulatedClock, seed: int) -> None:
        super().__init__(clock, seed)
        self.amends = False
        self.ledger = Ledger()
        self.fills: list[Fill] = []
        self.sent_ns: dict[str, int] = {}
        self.models: dict[str, FillModel] = {}
        self.books: dict[str, OrderBook] = {}
        self.aheads: dict[str, float] = {}
        self.judged: set[Liquidity] = set()

    def watch(self, paper: PaperExecution) -> None:
        """Look at all that a simulated exchange is sent, and at all that the replay makes trade."""
        self.paper = paper
        place, settle = paper.place, paper.settle

        def watched_place(order: ApprovedOrder) -> None:
            self.sent_ns[order.client_order_id] = self.clock.now_ns()
            place(order)

        def watched_settle(matches: Sequence[Match]) -> None:
            for match in matches:
                self.judge(match, match.order_id.price)
            settle(matches)

        paper.place, paper.settle = watched_place, watched_settle  # type: ignore[method-assign]

    def watch_model(self, model: FillModel) -> None:
        """Look at all that trades on arrival."""
        place, amend = model.place, model.amend

        def watched_place(mine: PaperOrder, side: Side, price: Price, *others: Any) -> Arrival:
            arrival = place(mine, side, price, *others)
            for match in arrival.matches:
                self.judge(match, price)
            return arrival

        def watched_amend(mine: PaperOrder, price: Price, size: Size) -> Arrival:
            arrival = amend(mine, price, size)
            for match in arrival.matches:
                self.judge(match, price)
            return arrival

        model.place, model.amend = watched_place, watched_amend  # type: ignore[method-assign]

    def judge(self, match: Match, price: Price | None) -> None:
        # The exchange numbers orders as they are sent.
        order = self.orders[int(match.order_id.exchange_order_id) - 1]
        self.judged.add(match.liquidity)
        assert price is not None
        if match.liquidity is Liquidity.TAKER:
            # Not better than what was there, nor more of it, nor worse than what was asked for.
            book = self.books[order.instrument.symbol]
            assert (match.price - price) * order.side.sign <= 0
            assert match.size <= book.size_at(order.side.opposite, match.price)
        else:
            assert match.price == price
        assert self.clock.now_ns() >= self.sent_ns[order.client_order_id] + ORDER_NS

    def on_fill(self, fill: Fill) -> None:
        super().on_fill(fill)
        self.fills.append(fill)
        self.ledger.on_fill(fill)
        assert fill.exchange_ns + RESPONSE_NS == fill.recv_ns == self.clock.now_ns()

    def act(self) -> None:
        for number, order in ((each.exchange_order_id, each) for each in self.paper.exchange.orders.values()):
            ahead = self.models[order.instrument.symbol].ahead(order)
            if ahead is not None:
                assert 0 <= ahead <= self.aheads.get(number, ahead)
                self.aheads[number] = ahead
        super().act()


@pytest.mark.parametrize("queue", QueueModelName)
@pytest.mark.parametrize("seed", range(4))
def test_laws(tmp_path: Path, seed: int, queue: QueueModelName) -> None:
    clock = new_clock(990)
    judge = Judge(clock, seed)
    config = PaperConfig(
        order_latency=Duration(ORDER_NS),
        response_latency=Duration(RESPONSE_NS),
        maker_fee=Decimal("-0.0001"),
        taker_fee=Decimal("0.0005"),
        queue=queue,
    )
    judge.watch(PaperExecution(config, judge, clock))
    feeds = []
    for name in ("BTC/USDT", "ETH/USDT"):
        instrument = make_instrument(id=InstrumentId(name, "acme"))
        write = write_orders if queue is QueueModelName.L3 else record
        write(tmp_path / name[:3], instrument, random.Random(f"{seed} {name}"), 1_500)
        market, book = Market(instrument), new_book(instrument)
        judge.markets.append(market)
        judge.books[name] = book
        judge.models[name] = model = judge.paper.simulate(instrument, book)
        judge.watch_model(model)
        market.listen(Channel.BOOK, lambda book: judge.see("book", book))
        folders = [tmp_path / name[:3] / part for part in "ab"]
        feeds.append(
            ReplayFeed(
                market=market,
                book=book,
                model=model,
                settle=judge.paper.settle,
                days=lambda folders=folders: map(read_day, folders),  # type: ignore[misc]
                latency_ns=None,
            )
        )
    judge.tick()
    replay = new_replay(clock, feeds)
    while replay.step(1_000):
        pass
    clock.advance(RESPONSE_NS)
    assert len(judge.fills) > 30
    assert judge.judged == set(Liquidity)
    # Nothing is filled beyond its size, and money and lots are neither made nor lost.
    for order in judge.orders:
        assert sum(f.size for f in judge.fills if f.client_order_id == order.client_order_id) <= order.size
    for market in judge.markets:
        instrument = market.instrument
        mine = [fill for fill in judge.fills if fill.instrument is instrument]
        held = sum(fill.side.sign * fill.size for fill in mine)
        paid = sum(fill.side.sign * fill.size * fill.price for fill in mine)
        figures, view = judge.paper.statistics[instrument], judge.ledger.account(instrument)
        assert held == view.size == figures.inventory
        assert view.cash == -paid * instrument.point_value
        assert figures.lots == sum(fill.size for fill in mine)
        assert figures.turnover == sum(fill.size * fill.price for fill in mine)
        assert sum(view.fees.values()) == sum(fill.fee for fill in mine)


def quiet_day(folder: Path) -> None:
    """Write a day on which nothing is out of order: what a live book does then is another matter."""
    chance = random.Random(5)
    rows = []
    for number in range(3_000):
        now_ns = 1_000 + 7 * number
        side, away, size = chance.choice([1, -1]), chance.randint(0, 3), chance.randint(1, 30)
        if number > 10 and chance.random() < 0.2:
            rows.append((now_ns, now_ns, Kind.TRADE, side, 101 if side > 0 else 100, size, 1))
        else:
            price = 100 - away if side > 0 else 101 + away
            rows.append((now_ns, now_ns, Kind.LEVEL, side, price, size, 1))
    with ColumnsWriter(folder, make_instrument()) as writer:
        writer.append(dict(zip(COLUMNS, zip(*rows, strict=True), strict=True)))


def rehearse(day: Day, actor: Actor, market: Market) -> None:
    """Bring the messages of a day as a stream does in a dry-run: one book for the exchange and for us."""
    columns = [column.tolist() for column in day.columns.values()]
    touched = False
    for exchange_ns, recv_ns, kind, sign, price, size, flags in zip(*columns, strict=True):
        actor.clock.advance_to(recv_ns)
        side = Side.BUY if sign > 0 else Side.SELL
        if kind == Kind.LEVEL:
            market.book.set_level(side, Price(price), Size(size))
            touched = True
        elif kind == Kind.TRADE:
            market.on_trade(
                Trade(market.instrument, "", side, Price(price), Size(size), exchange_ns, recv_ns)
            )
        if flags and touched:
            touched = False
            market.book.exchange_ns, market.book.recv_ns = exchange_ns, recv_ns
            market.book.state = BookState.LIVE
            market.on_book(market.book)


@pytest.mark.parametrize("make_book", [SortedBook, new_book])
def test_a_dry_run_has_the_same_fills(tmp_path: Path, make_book: Any) -> None:
    quiet_day(tmp_path)
    ended_ns = int(read_day(tmp_path).columns["recv_ns"][-1])
    logs = []
    for is_backtest in (False, True):
        clock = new_clock(990)
        actor = Actor(clock, 1)
        config = PaperConfig(order_latency=Duration(11), response_latency=Duration(3))
        actor.paper = PaperExecution(config, actor, clock)
        day = read_day(tmp_path)
        market = Market(day.instrument)
        market.book = make_book(day.instrument)
        actor.markets.append(market)
        if is_backtest:
            book = make_book(day.instrument)
            model = actor.paper.simulate(day.instrument, book)
        else:
            actor.paper.attach(market)
        market.listen(Channel.BOOK, lambda book, actor=actor: actor.see("book", book))  # type: ignore[misc]
        market.listen(Channel.TRADE, lambda trade, actor=actor: actor.see("trade", trade))  # type: ignore[misc]
        actor.tick()
        if is_backtest:
            feed = ReplayFeed(
                market=market,
                book=book,
                model=model,
                settle=actor.paper.settle,
                days=lambda day=day: iter([day]),  # type: ignore[misc]
                latency_ns=None,
            )
            assert not new_replay(clock, [feed]).step(len(day) + 1)
        else:
            rehearse(day, actor, market)
        clock.advance_to(ended_ns)
        logs.append(actor.log)
    for dry, back in zip(*logs, strict=True):
        assert dry == back
    assert sum(isinstance(line, tuple) and len(line) == 5 for line in logs[0]) > 100


@pytest.mark.parametrize("make_book", [SortedBook, new_book])
def test_what_follows_a_message_waits_for_its_last_event(tmp_path: Path, make_book: Any) -> None:
    levels = [(1, 99, 1), (2, 101, 1), (10, 98, 0), (50, 97, 1), (20, 96, 1), (60, 95, 1), (70, 94, 1)]
    rows = [
        (now_ns, 100, Kind.LEVEL, -1 if price > 100 else 1, price, 5, last) for now_ns, price, last in levels
    ]
    with ColumnsWriter(tmp_path, make_instrument()) as writer:
        writer.append(dict(zip(COLUMNS, zip(*rows, strict=True), strict=True)))
    clock = new_clock(0)
    actor = Actor(clock, 1)
    actor.paper = PaperExecution(PaperConfig(), actor, clock)
    day = read_day(tmp_path)
    market, book = Market(day.instrument), make_book(day.instrument)
    market.book = make_book(day.instrument)
    feed = ReplayFeed(
        market=market,
        book=book,
        model=actor.paper.simulate(day.instrument, book),
        settle=actor.paper.settle,
        days=lambda: iter([day]),
        latency_ns=0,
    )
    seen: list[list[list[Price]]] = []

    def look() -> None:
        seen.append([[price for price, _ in each.bids()] for each in (book, market.book)])

    for now_ns in (30, 55):
        clock.call_at(now_ns, look)
    assert not new_replay(clock, [feed]).step(len(day) + 1)
    assert seen == [[[99, 98, 97]] * 2, [[99, 98, 97, 96]] * 2]
