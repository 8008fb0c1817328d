"""What holds of every history: random ones against the laws, and against a queue of real orders."""

from __future__ import annotations

import random
from collections.abc import Iterable
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from hft.book import SortedBook
from hft.instrument import Instrument, InstrumentId
from hft.paper import FillModel, Match, Outcome, RiskAverseQueue
from hft.types import BookState, InstrumentKind, Liquidity, Price, Side, Size, TimeInForce

BUY, SELL = Side.BUY, Side.SELL
LOW, HIGH = 95, 105
INSTRUMENT = Instrument(
    id=InstrumentId("BTC/USDT", "acme"),
    native_symbol="BTCUSDT",
    kind=InstrumentKind.SPOT,
    base="BTC",
    quote="USDT",
    settle="USDT",
    tick_size=Decimal("0.5"),
    lot_size=Decimal("0.001"),
)


class World:
    """A market that moves at random, our orders in it, and the laws checked at every step."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.book = SortedBook(INSTRUMENT)
        self.book.state = BookState.LIVE
        self.model = FillModel(self.book, RiskAverseQueue())
        self.now_ns = 0
        self.sides: dict[int, Side] = {}
        self.prices: dict[int, Price | None] = {}
        self.sizes: dict[int, int] = {}
        self.filled: dict[int, int] = {}
        self.post_only: set[int] = set()
        self.taken: dict[tuple[Side, Price], tuple[int, int]] = {}
        self.history: list[Match] = []
        self.update()

    def step(self) -> None:
        self.now_ns += 1
        ahead = {order_id: self.model.ahead(order_id) for order_id in self.sizes}
        move = self.random.choices(
            [self.update, self.trade, self.place, self.amend, self.cancel], [5, 5, 3, 1, 1]
        )[0]
        requeued = move()
        for order_id, before in ahead.items():
            after = self.model.ahead(order_id)
            if order_id != requeued and before is not None and after is not None:
                assert 0 <= after <= before, "a queue position grew"
        for order_id, size in self.sizes.items():
            assert self.filled[order_id] <= size, "more was filled than ordered"

    def update(self) -> None:
        """Show a new book around a new middle, so that it also jumps over our prices."""
        book, roll = self.book, self.random
        middle = roll.randint(LOW + 2, HIGH - 2)
        for price in range(LOW, HIGH + 1):
            for side in (BUY, SELL):
                if (price - middle) * side.sign >= 0:
                    book.set_level(side, Price(price), Size(0))
                elif roll.random() < 0.5:
                    book.set_level(side, Price(price), Size(roll.choice([0, 1, 3, 10])))
        book.exchange_ns = self.now_ns
        self.taken = {
            (side, price): taken
            for (side, price), taken in self.taken.items()
            if taken[0] == book.size_at(side, price)
        }
        matches = self.model.on_book()
        for match in matches:
            side = self.sides[match.order_id]
            opposite = book.best_ask if side is BUY else book.best_bid
            assert match.price == self.prices[match.order_id]
            assert opposite is not None
            assert (match.price - opposite) * side.sign >= 0, "nothing was shown at that price"
        shown = sum(size for side in Side for _, size in book.levels(side))
        assert sum(match.size for match in matches) <= shown
        self.settle(matches, Liquidity.MAKER)

    def trade(self) -> None:
        roll = self.random
        side, price, size = roll.choice([BUY, SELL]), roll.randint(LOW, HIGH), roll.choice([1, 4, 20])
        at = roll.choice([0, self.now_ns, self.now_ns - 1, max(1, self.now_ns - 5)])
        matches = self.model.on_trade(side, Price(price), Size(size), at)
        for match in matches:
            assert self.sides[match.order_id] is side.opposite, "a trade filled the aggressor's side"
            assert match.price == self.prices[match.order_id], "a waiting order fills at its own price"
            assert (match.price - price) * side.sign <= 0, "the trade never reached our price"
        assert sum(match.size for match in matches if match.price == price) <= size
        self.settle(matches, Liquidity.MAKER)

    def place(self) -> int:
        roll = self.random
        order_id = len(self.sizes) + 1
        side, size = roll.choice([BUY, SELL]), Size(roll.choice([1, 5, 30]))
        price = None if roll.random() < 0.1 else Price(roll.randint(LOW, HIGH))
        time_in_force = roll.choice([TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK])
        post_only = time_in_force is TimeInForce.GTC and price is not None and roll.random() < 0.4
        self.sides[order_id], self.prices[order_id] = side, price
        self.sizes[order_id], self.filled[order_id] = size, 0
        arrival = self.model.place(
            order_id, side, price, size, time_in_force=time_in_force, post_only=post_only
        )
        self.taking(order_id, arrival.matches)
        waits = self.model.ahead(order_id) is not None
        assert waits is (arrival.outcome is Outcome.RESTING)
        if post_only:
            self.post_only.add(order_id)
            assert not arrival.matches
        if time_in_force is TimeInForce.FOK:
            assert self.filled[order_id] in (0, size), "fill or kill was filled in part"
        if waits:
            assert price is not None
            assert time_in_force is TimeInForce.GTC
            assert self.model.ahead(order_id) == self.book.size_at(side, price)
        return order_id

    def amend(self) -> int | None:
        open_ids = [order_id for order_id in self.sizes if self.model.ahead(order_id) is not None]
        if not open_ids:
            return None
        order_id = self.random.choice(open_ids)
        price, size = Price(self.random.randint(LOW, HIGH)), Size(self.random.choice([1, 4, 40]))
        keeps = price == self.prices[order_id] and size <= self.sizes[order_id]
        arrival = self.model.amend(order_id, price, size)
        if arrival.outcome is Outcome.REJECTED:
            return None
        self.prices[order_id], self.sizes[order_id] = price, size
        assert not (arrival.matches and order_id in self.post_only)
        self.taking(order_id, arrival.matches)
        return None if keeps else order_id

    def cancel(self) -> None:
        if self.sizes:
            order_id = self.random.choice(list(self.sizes))
            was_open = self.model.ahead(order_id) is not None
            left = self.model.cancel(order_id)
            assert left == (self.sizes[order_id] - self.filled[order_id] if was_open else 0)

    def taking(self, order_id: int, matches: Iterable[Match]) -> None:
        """Check that a taker got what was shown, within its limit, and that nobody had had it."""
        side, limit = self.sides[order_id], self.prices[order_id]
        for match in matches:
            assert limit is None or (match.price - limit) * side.sign <= 0, "worse than the limit"
            key = (side.opposite, match.price)
            shown = self.book.size_at(*key)
            lots = self.taken.get(key, (0, 0))[1] + match.size
            assert lots <= shown, "liquidity was taken twice"
            self.taken[key] = (shown, lots)
        self.settle(matches, Liquidity.TAKER)

    def settle(self, matches: Iterable[Match], liquidity: Liquidity) -> None:
        for match in matches:
            assert match.size > 0
            assert match.liquidity is liquidity
            self.filled[match.order_id] += match.size
            self.history.append(match)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_no_history_breaks_a_law(seed: int) -> None:
    world = World(seed)
    for _ in range(80):
        world.step()


def test_the_same_history_gives_the_same_fills() -> None:
    runs = []
    for _ in range(2):
        world = World(7)
        for _ in range(500):
            world.step()
        runs.append(world.history)
    assert runs[0] == runs[1]
    kinds = {match.liquidity for match in runs[0]}
    assert kinds == set(Liquidity), "the histories of these tests no longer make fills of both kinds"


class RealQueue:
    """A queue of real orders at one price, with a mark where ours would stand."""

    def __init__(self, sizes: list[int]) -> None:
        self.in_front = list(sizes)
        self.behind: list[int] = []
        self.filled = 0

    @property
    def shown(self) -> int:
        return sum(self.in_front) + sum(self.behind)

    def cancel(self, index: int) -> None:
        if index < len(self.in_front):
            del self.in_front[index]
        else:
            del self.behind[index - len(self.in_front)]

    def trade(self, size: int) -> None:
        """Use up the front; what gets past it would have met us first."""
        for orders in (self.in_front, self.behind):
            while orders and size:
                part = min(size, orders[0])
                orders[0] -= part
                size -= part
                self.filled += part * (orders is self.behind)
                if not orders[0]:
                    del orders[0]


@given(seed=st.integers(0, 2**32))
@settings(max_examples=200, deadline=None)
def test_our_place_is_never_better_than_a_real_queue_gives(seed: int) -> None:
    """Trades and the books that contain them may be told in either order."""
    roll = random.Random(seed)
    real = RealQueue([roll.randint(1, 9) for _ in range(roll.randint(0, 4))])
    book = SortedBook(INSTRUMENT)
    book.state = BookState.LIVE
    model = FillModel(book, RiskAverseQueue())
    now_ns = book.exchange_ns = 1
    book.set_level(BUY, Price(100), Size(real.shown))
    model.on_book()
    model.place(1, BUY, Price(100), Size(10**6))
    filled = 0
    for _ in range(12):
        trades: list[tuple[Size, int]] = []
        for _ in range(roll.randint(0, 4)):
            now_ns += 1
            move = roll.choice(["add", "cancel", "trade"])
            if move == "add":
                real.behind.append(roll.randint(1, 9))
            elif move == "cancel" and real.shown:
                real.cancel(roll.randrange(len(real.in_front) + len(real.behind)))
            elif move == "trade" and real.shown:
                size = Size(roll.randint(1, real.shown))
                real.trade(size)
                trades.append((size, now_ns))
        now_ns += 1
        early = roll.randint(0, len(trades))
        matches = [m for size, at in trades[:early] for m in model.on_trade(SELL, Price(100), size, at)]
        book.set_level(BUY, Price(100), Size(real.shown))
        book.exchange_ns = now_ns
        matches += model.on_book()
        matches += [m for size, at in trades[early:] for m in model.on_trade(SELL, Price(100), size, at)]
        filled += sum(match.size for match in matches)
        ahead = model.ahead(1)
        assert ahead is not None
        assert ahead >= sum(real.in_front)
        assert filled <= real.filled
