"""The synchroniser against a made-up exchange whose true book is known at every id."""

from __future__ import annotations

import json
import random
from bisect import bisect_right
from collections.abc import Callable, Iterator
from decimal import Decimal

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hft.book import Level, OrderBook
from hft.clock import SimulatedClock
from hft.instrument import Instrument, InstrumentId
from hft.latency import Trace
from hft.market import Channel, Market
from hft.synchroniser import Continuity, Step, Synchroniser
from hft.types import BookState, InstrumentKind, Side

SECOND = 1_000_000_000


@pytest.fixture(autouse=True, scope="module")
def _both_books(book_type: type[OrderBook]) -> Iterator[None]:
    """Let every test run with each implementation of the book."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hft.market.new_book", book_type)
        yield


def make_market(symbol: str = "BTC/USDT") -> Market:
    return Market(
        Instrument(
            id=InstrumentId(symbol, "acme"),
            native_symbol=symbol,
            kind=InstrumentKind.SPOT,
            base="BTC",
            quote="USDT",
            settle="USDT",
            tick_size=Decimal(1),
            lot_size=Decimal(1),
        )
    )


class Contiguous(Continuity):
    """Ids count every change; an update continues the book if it begins no later than the next id."""

    def bridges(self, snapshot_id: int, first_id: int, last_id: int, prev_id: int) -> Step:
        return self.follows(snapshot_id, first_id, last_id, prev_id)

    def follows(self, book_id: int, first_id: int, last_id: int, prev_id: int) -> Step:
        if last_id <= book_id:
            return Step.OLD
        return Step.NEXT if first_id <= book_id + 1 else Step.GAP


class Chained(Continuity):
    """Ids jump; an update names the last id of the one before it."""

    def bridges(self, snapshot_id: int, first_id: int, last_id: int, prev_id: int) -> Step:
        if last_id < snapshot_id:
            return Step.OLD
        return Step.NEXT if prev_id <= snapshot_id else Step.GAP

    def follows(self, book_id: int, first_id: int, last_id: int, prev_id: int) -> Step:
        if last_id <= book_id:
            return Step.OLD
        return Step.NEXT if prev_id == book_id else Step.GAP


def raw(levels: dict[int, int]) -> bytes:
    return json.dumps([[str(price), str(size)] for price, size in levels.items()]).encode()


@attrs.frozen
class Update:
    first_id: int
    last_id: int
    prev_id: int
    bids: dict[int, int]
    asks: dict[int, int]


@attrs.frozen
class Question:
    asked_at_id: int
    asked_ns: int


class Exchange:
    """A true sequence of books, and one synchroniser that sees it through a faulty line."""

    def __init__(self, continuity: Continuity, seed: int, *, synchronous: bool = False) -> None:
        self.random = random.Random(seed)
        self.continuity = continuity
        self.synchronous = synchronous
        self.clock = SimulatedClock(1_700_000_000 * SECOND)
        self.ids = [100]
        self.truth: list[tuple[dict[int, int], dict[int, int]]] = [({50: 1}, {51: 1})]
        self.updates = [Update(99, 100, 98, {}, {})]
        self.connected_id = 100
        self.lagged = False
        self.questions: list[Question] = []
        self.asked_ns: list[int] = []
        self.warnings: list[str] = []
        self.live = False
        self.market = make_market()
        self.market.listen(Channel.BOOK, self.on_book)
        self.market.listen_lost(self.on_lost)
        self.sync = Synchroniser(
            self.market,
            continuity,
            self.request,
            clock=self.clock,
            random=self.random,
            warn=self.warnings.append,
        )

    # -- what the synchroniser sees ------------------------------------------------------------------

    def request(self) -> None:
        now_ns = self.clock.now_ns()
        assert not self.questions, "two requests under way at a time"
        if self.asked_ns:
            assert now_ns - self.asked_ns[-1] >= SECOND // 4, "requests are not spaced"
        self.asked_ns.append(now_ns)
        self.questions.append(Question(self.ids[-1], now_ns))
        if self.synchronous:
            self.answer(self.random.randint(0, 2))

    def on_book(self, book: OrderBook) -> None:
        assert book.state is BookState.LIVE
        self.live = True
        self.check()

    def on_lost(self, book: OrderBook) -> None:
        assert book.state is not BookState.LIVE
        assert self.live, "told of a loss that was none"
        self.live = False

    def check(self) -> None:
        book = self.market.book
        assert (book.state is BookState.LIVE) == self.live
        if self.live:
            assert (book.bids(), book.asks()) == self.true_levels(book.update_id)
            if not self.lagged:
                assert book.update_id >= self.connected_id, "live on what was missed while disconnected"

    def true_levels(self, at_id: int) -> tuple[list[Level], list[Level]]:
        bids, asks = self.truth[bisect_right(self.ids, at_id) - 1]
        return sorted(bids.items(), reverse=True), sorted(asks.items())  # type: ignore[return-value]

    # -- what happens --------------------------------------------------------------------------------

    def trade(self) -> Update:
        """Change one to three levels; the result is never crossed."""
        pick = self.random
        bids, asks = dict(self.truth[-1][0]), dict(self.truth[-1][1])
        changed: tuple[dict[int, int], dict[int, int]] = ({}, {})
        prev_id = self.ids[-1]
        for _ in range(pick.randint(1, 3)):
            side = pick.randrange(2)
            levels = (bids, asks)[side]
            price = pick.randint(40, 50) if side == 0 else pick.randint(51, 60)
            size = pick.randint(0, 3)
            if size:
                levels[price] = size
            else:
                levels.pop(price, None)
            changed[side][price] = size
            self.ids.append(
                self.ids[-1] + (1 if isinstance(self.continuity, Contiguous) else pick.randint(1, 5))
            )
            self.truth.append((dict(bids), dict(asks)))
        first_id = (
            prev_id + 1
            if isinstance(self.continuity, Contiguous)
            else pick.randint(prev_id + 1, self.ids[-1])
        )
        self.updates.append(Update(first_id, self.ids[-1], prev_id, *changed))
        return self.updates[-1]

    def deliver(self, update: Update, *, garbled: bool = False) -> None:
        bids, asks = raw(update.bids), raw(update.asks)
        if garbled:
            asks = self.random.choice([asks[:-1], b'[["60","-1"]]', b'[["1e3","1"]]', b"", b'[["60"]]'])
        now_ns = self.clock.now_ns()
        self.sync.on_delta(update.first_id, update.last_id, update.prev_id, bids, asks, now_ns, now_ns)
        self.check()

    def answer(self, kind: int) -> None:
        if not self.questions:
            return
        question = self.questions.pop()
        if kind == 3:
            self.sync.on_snapshot_failed()
        elif kind == 4:
            self.sync.on_snapshot(self.ids[-1], b'[["50","1"]', b"[]", 0, 0)
        else:
            oldest = question.asked_at_id
            if kind == 2:  # a server that lags behind the stream
                oldest -= 10
                self.lagged = True
            self.give_snapshot(self.random.randint(max(100, oldest), self.ids[-1]))
        self.check()

    def give_snapshot(self, at_id: int) -> None:
        bids, asks = self.true_levels(at_id)
        now_ns = self.clock.now_ns()
        self.sync.on_snapshot(at_id, raw(dict(bids)), raw(dict(asks)), now_ns, now_ns)

    def disconnect(self) -> None:
        self.sync.on_disconnect()
        assert not self.live
        self.check()

    def connect(self) -> None:
        self.connected_id = self.ids[-1]
        self.sync.on_subscribed()
        self.check()

    def behave(self) -> None:
        """Have a few good minutes: everything is delivered and answered."""
        for _ in range(30):
            self.clock.advance(5 * SECOND)
            self.answer(0)
            self.deliver(self.trade())


operations = st.lists(
    st.sampled_from(
        ["deliver"] * 6
        + ["drop", "repeat", "swap", "garble", "reconnect", "silence", "resubscribed", "corrupt"]
        + ["answer", "answer", "answer late", "answer nothing", "answer garbage", "unasked"]
        + ["wait", "wait", "wait long"]
    ),
    max_size=40,
)


def run(exchange: Exchange, operations: list[str]) -> None:
    for operation in operations:
        match operation:
            case "deliver":
                exchange.deliver(exchange.trade())
            case "drop":
                exchange.trade()
            case "repeat":  # of this connection; no exchange sends what was before it
                seen = [update for update in exchange.updates[-5:] if update.last_id > exchange.connected_id]
                if seen:
                    exchange.deliver(exchange.random.choice(seen))
            case "swap":
                first, second = exchange.trade(), exchange.trade()
                exchange.deliver(second)
                exchange.deliver(first)
            case "garble":
                exchange.deliver(exchange.trade(), garbled=True)
            case "reconnect":
                exchange.disconnect()
                for _ in range(exchange.random.randrange(4)):
                    exchange.random.choice([exchange.trade, lambda: exchange.answer(0)])()
                    exchange.clock.advance(SECOND)
                exchange.connect()
            case "silence":  # the kernel's watchdog
                exchange.market.lose(BookState.STALE)
            case "resubscribed":
                exchange.sync.on_subscribed()
            case "corrupt":
                exchange.sync.on_corrupt("checksum failed")
            case "unasked" if not exchange.questions:  # a capture made by somebody else
                exchange.give_snapshot(exchange.random.randint(exchange.connected_id, exchange.ids[-1]))
            case "answer":
                exchange.answer(0)
            case "answer late":
                exchange.answer(2)
            case "answer nothing":
                exchange.answer(3)
            case "answer garbage":
                exchange.answer(4)
            case "wait":
                exchange.clock.advance(exchange.random.randint(1, SECOND))
            case "wait long":
                exchange.clock.advance(90 * SECOND)
        exchange.check()


continuities = st.sampled_from([Contiguous(), Chained()])


@settings(max_examples=300, deadline=None)
@given(continuities, st.integers(0, 2**32), st.booleans(), operations)
def test_live_is_always_true_and_always_comes_back(
    continuity: Continuity, seed: int, synchronous: bool, operations: list[str]
) -> None:
    exchange = Exchange(continuity, seed, synchronous=synchronous)
    other = make_market("ETH/USDT")
    exchange.connect()
    run(exchange, operations)
    exchange.behave()
    book = exchange.market.book
    assert book.state is BookState.LIVE
    assert book.update_id == exchange.ids[-1]
    assert other.book.state is BookState.SYNCING
    assert other.counters == type(other.counters)()


@settings(deadline=None)
@given(continuities, st.integers(0, 2**32), st.integers(0, 20))
def test_a_quiet_line_counts_no_faults(continuity: Continuity, seed: int, before: int) -> None:
    exchange = Exchange(continuity, seed)
    exchange.connect()
    for _ in range(before):
        exchange.deliver(exchange.trade())
    exchange.answer(0)
    for _ in range(20):
        exchange.deliver(exchange.trade())
    counters = exchange.market.counters
    assert (counters.gaps, counters.resyncs, exchange.warnings) == (0, 0, [])
    assert exchange.market.book.update_id == exchange.ids[-1]
    assert 20 <= counters.book_updates <= before + 20


class Scene:
    """A live book and what listeners were told since."""

    def __init__(self, **options: bool) -> None:
        self.clock = SimulatedClock(SECOND)
        self.market = make_market()
        self.told: list[str] = []
        self.asked: list[int] = []
        self.warnings: list[str] = []
        self.market.listen(Channel.BOOK, lambda book: self.told.append(f"book {book.update_id}"))
        self.market.listen_lost(lambda book: self.told.append(f"lost {book.state.value}"))
        self.sync = Synchroniser(
            self.market,
            Contiguous(),
            lambda: self.asked.append(self.clock.now_ns()),
            clock=self.clock,
            random=random.Random(1),
            warn=self.warnings.append,
            **options,
        )

    def snapshot(self, update_id: int, bids: bytes = b'[["50","1"]]', asks: bytes = b'[["51","1"]]') -> None:
        self.sync.on_snapshot(update_id, bids, asks, 7, 8)

    def delta(self, first_id: int, last_id: int, bids: bytes = b"[]", asks: bytes = b"[]") -> None:
        self.sync.on_delta(first_id, last_id, first_id - 1, bids, asks, 9, 10)

    @property
    def state(self) -> BookState:
        return self.market.book.state


@pytest.fixture
def live() -> Scene:
    scene = Scene()
    scene.sync.on_subscribed()
    scene.snapshot(100)
    assert scene.told == ["book 100"]
    scene.told.clear()
    return scene


def test_a_snapshot_bridges_to_what_was_buffered() -> None:
    scene = Scene()
    scene.delta(98, 99, b'[["49","9"]]')
    scene.delta(100, 101, b'[["48","7"]]')
    assert len(scene.asked) == 1
    scene.snapshot(99)
    assert scene.market.book.bids() == [(50, 1), (48, 7)]
    assert scene.told == ["book 101"]  # once: nobody sees the book half way
    assert scene.market.counters.book_updates == 1
    book = scene.market.book
    assert (book.exchange_ns, book.recv_ns) == (9, 10)


def test_an_update_is_stamped_before_and_after_it_is_applied(live: Scene) -> None:
    ticks: list[list[Level]] = []

    def now_ns() -> int:
        ticks.append(live.market.book.bids())
        return 1000 + len(ticks)

    live.market.trace = trace = Trace(now_ns)
    trace.begin(500)
    seen: list[tuple[int, ...]] = []
    live.market.listen(
        Channel.BOOK, lambda _: seen.append((trace.exchange_ns, trace.decoded_ns, trace.applied_ns))
    )
    live.delta(101, 101, b'[["49","9"]]')
    assert seen == [(9, 1001, 1002)]
    assert ticks == [[(50, 1)], [(50, 1), (49, 9)]]
    live.delta(101, 101)
    assert len(ticks) == 2, "what is dropped is not looked at"


def test_a_book_is_as_old_as_its_snapshot_and_not_as_the_updates_that_waited_for_it() -> None:
    """Else a slow answer makes a book LIVE that is at once taken for one not heard of for too long."""
    scene = Scene()
    scene.sync.on_delta(98, 101, 97, b"[]", b"[]", 9, 3)
    scene.snapshot(99)
    assert (scene.market.book.exchange_ns, scene.market.book.recv_ns) == (9, 8)


def test_a_gap_leaves_live_before_the_update_is_seen(live: Scene) -> None:
    live.delta(101, 101)
    live.delta(103, 104, b'[["50","0"]]')
    assert live.told == ["book 101", "lost SYNCING"]
    assert live.market.book.bids() == [(50, 1)]
    assert (live.market.counters.gaps, live.market.counters.resyncs) == (1, 1)
    assert live.warnings == [
        "BTC/USDT@acme: gap between update 101 and 103, synchronising again",
    ]
    live.clock.advance(SECOND)
    live.snapshot(103)
    assert live.told[2:] == ["book 104"]
    assert live.market.book.bids() == []


def test_a_snapshot_older_than_the_stream_is_asked_for_again(live: Scene) -> None:
    live.delta(110, 110)
    live.clock.advance(SECOND)
    live.snapshot(105)
    assert live.state is BookState.SYNCING
    live.clock.advance(SECOND)
    assert len(live.asked) == 3
    live.snapshot(112)
    assert live.state is BookState.LIVE
    assert live.market.counters.gaps == 1


def test_duplicates_are_not_seen(live: Scene) -> None:
    live.delta(101, 102)
    live.delta(101, 102, b'[["50","5"]]')
    live.delta(90, 95, b'[["50","5"]]')
    assert live.told == ["book 102"]
    assert live.market.book.bids() == [(50, 1)]
    assert live.market.counters.book_updates == 1


def test_a_crossed_book_is_broken_and_unseen(live: Scene) -> None:
    live.delta(101, 101, b'[["51","1"]]')
    assert live.told == ["lost BROKEN"]
    live.clock.advance(SECOND)
    live.snapshot(101)
    assert live.state is BookState.LIVE


def test_a_crossed_snapshot_never_goes_live() -> None:
    scene = Scene()
    scene.sync.on_subscribed()
    for _ in range(3):
        scene.clock.advance(60 * SECOND)
        scene.snapshot(100, b'[["52","1"]]')
    assert scene.told == []
    assert scene.state is BookState.BROKEN


def test_a_malformed_update_breaks_the_book_until_the_next_snapshot(live: Scene) -> None:
    live.delta(101, 101, b'[["50","-1"]]')
    assert live.told == ["lost BROKEN"]
    live.delta(102, 102)
    assert live.state is BookState.BROKEN
    live.clock.advance(SECOND)
    live.snapshot(103)
    live.delta(104, 104)
    assert live.told == ["lost BROKEN", "book 103", "book 104"]


def test_silence_is_healed_by_the_next_update(live: Scene) -> None:
    live.market.lose(BookState.STALE)
    live.delta(101, 101)
    assert live.told == ["lost STALE", "book 101"]
    assert len(live.asked) == 1


def test_a_disconnection_takes_back_a_request_not_yet_made(live: Scene) -> None:
    live.delta(105, 105)  # asks after a back-off
    live.sync.on_disconnect()
    live.clock.advance(60 * SECOND)
    assert len(live.asked) == 1
    assert live.state is BookState.STALE
    live.sync.on_subscribed()
    live.clock.advance(60 * SECOND)
    assert len(live.asked) == 2


def test_an_answer_from_before_the_disconnection_is_not_relied_on() -> None:
    scene = Scene()
    scene.sync.on_subscribed()
    scene.sync.on_disconnect()
    scene.sync.on_subscribed()
    scene.snapshot(100)  # update 101 may have come while nobody listened
    assert scene.told == []
    assert scene.state is BookState.SYNCING
    scene.clock.advance(SECOND)
    assert len(scene.asked) == 2
    scene.snapshot(101)
    assert scene.told == ["book 101"]


def test_an_unexpected_snapshot_waits_for_the_update_that_continues_it() -> None:
    scene = Scene()
    scene.snapshot(100)
    assert scene.told == []
    scene.delta(99, 101)
    assert scene.told == ["book 101"]
    assert (scene.market.counters.gaps, scene.asked) == (0, [])


def test_an_unexpected_snapshot_that_is_too_old_is_no_gap() -> None:
    scene = Scene()
    scene.snapshot(100)
    scene.delta(110, 111)
    assert (scene.told, scene.market.counters.gaps, scene.market.counters.resyncs) == ([], 0, 0)
    scene.snapshot(111)
    assert scene.told == ["book 111"]


def test_a_hole_in_what_was_buffered_is_a_gap() -> None:
    scene = Scene()
    scene.delta(100, 101)
    scene.delta(105, 106)
    scene.snapshot(100)
    assert (scene.told, scene.market.counters.gaps) == ([], 1)
    scene.clock.advance(90 * SECOND)
    scene.snapshot(105)
    assert scene.told == ["book 106"]
    scene.delta(108, 108)
    assert len(scene.asked) == 2  # in step only just now: not asked for at once
    scene.clock.advance(5 * SECOND)
    assert len(scene.asked) == 3


def test_a_failure_is_followed_by_one_request() -> None:
    scene = Scene()
    scene.sync.on_subscribed()
    for _ in range(3):
        scene.sync.on_snapshot_failed()
    scene.clock.advance(SECOND)
    assert len(scene.asked) == 2
    scene.sync.on_disconnect()
    scene.sync.on_snapshot_failed()  # nobody listens: what came now would be too old
    scene.clock.advance(60 * SECOND)
    assert len(scene.asked) == 2


def test_a_failure_after_an_answer_not_relied_on_is_asked_again() -> None:
    scene = Scene()
    scene.sync.on_subscribed()
    scene.sync.on_disconnect()
    scene.sync.on_subscribed()
    scene.snapshot(100)
    scene.clock.advance(SECOND)
    scene.sync.on_snapshot_failed()
    scene.clock.advance(2 * SECOND)
    assert len(scene.asked) == 3
    scene.snapshot(100)
    assert scene.told == ["book 100"]


def test_numbering_that_begins_anew_is_noticed(live: Scene) -> None:
    for update_id in range(1, 1001):
        live.delta(update_id % 90, update_id % 90)
    assert live.told == ["lost SYNCING"]
    live.clock.advance(SECOND)
    live.snapshot(20)
    live.delta(21, 21)
    assert live.told[1:] == ["book 20", "book 21"]


def test_waiting_for_ever_keeps_a_bounded_buffer() -> None:
    scene = Scene()
    for update_id in range(1, 20_002):
        scene.delta(update_id, update_id)
    assert scene.sync.dropped == 20_000
    scene.snapshot(20_000)
    assert scene.told == ["book 20001"]


def test_only_a_book_that_held_starts_its_back_off_from_nothing(live: Scene) -> None:
    live.delta(103, 103)
    assert len(live.asked) == 1  # live for too short a time to be asked for at once
    live.clock.advance(SECOND)
    live.snapshot(103)
    live.clock.advance(61 * SECOND)
    live.delta(105, 105)
    assert len(live.asked) == 3
    assert live.asked[-1] == live.clock.now_ns()


def test_an_endless_refusal_is_spaced_out() -> None:
    scene = Scene()
    scene.sync.on_subscribed()
    for _ in range(3600):
        scene.snapshot(1, b"garbage")  # also when nobody asked
        scene.clock.advance(SECOND)
    assert 3600 / 30 <= len(scene.asked) < 3600 / 15 + 10


class TestSnapshotsInStream:
    @pytest.fixture
    def scene(self) -> Scene:
        scene = Scene(snapshots_in_stream=True)
        scene.sync.on_subscribed()
        return scene

    def test_the_subscription_itself_brings_it(self, scene: Scene) -> None:
        scene.snapshot(5)
        scene.delta(6, 6)
        assert (scene.told, scene.asked) == (["book 5", "book 6"], [])
        assert scene.market.counters.book_updates == 2

    def test_one_that_does_not_come_is_asked_for(self, scene: Scene) -> None:
        scene.clock.advance(30 * SECOND)
        assert len(scene.asked) >= 1
        scene.snapshot(5)
        asked = len(scene.asked)
        scene.clock.advance(600 * SECOND)
        assert len(scene.asked) == asked

    def test_a_gap_subscribes_again_and_drops_until_then(self, scene: Scene) -> None:
        scene.snapshot(5)
        scene.delta(8, 8)
        scene.delta(9, 9)
        assert scene.told == ["book 5", "lost SYNCING"]
        assert (scene.sync.dropped, len(scene.asked)) == (2, 1)
        scene.snapshot(20)
        assert scene.told[2:] == ["book 20"]

    def test_one_in_the_middle_replaces_the_book(self, scene: Scene) -> None:
        scene.snapshot(5)
        scene.snapshot(9, b'[["40","1"]]')
        assert scene.market.book.levels(Side.BUY) == [(40, 1)]
        scene.snapshot(10, b"[[]]")
        assert scene.told == ["book 5", "book 9", "lost BROKEN"]


def test_a_snapshot_answered_within_the_call() -> None:
    """A replay or a cache may answer at once; the update that asked must not be lost."""
    market = make_market()
    answer: Callable[[], None] = lambda: sync.on_snapshot(104, b"[]", b"[]", 0, 0)  # noqa: E731
    sync = Synchroniser(
        market,
        Contiguous(),
        lambda: answer(),
        clock=(clock := SimulatedClock()),
        random=random.Random(1),
        warn=lambda _: None,
    )
    sync.on_delta(105, 106, 104, b'[["50","2"]]', b"[]", 0, 0)
    assert market.book.state is BookState.LIVE
    clock.advance(120 * SECOND)
    answer = lambda: sync.on_snapshot(109, b"[]", b"[]", 0, 0)  # noqa: E731
    sync.on_delta(110, 110, 109, b'[["49","2"]]', b"[]", 0, 0)
    assert market.book.state is BookState.LIVE
    assert (market.book.update_id, market.book.bids()) == (110, [(49, 2)])
