"""The short way of depth messages does what codec, synchroniser and pure book do.

Run as a script, it compares them for as many seconds as it is told, with a seed that it prints.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft.book import BOOK, Chain, DepthLayout, DepthPart, OrderBook, SortedBook
from hft.clock import SimulatedClock, SystemClock
from hft.depth_path import new_paths
from hft.errors import DecodeError
from hft.instrument import Instrument, InstrumentId
from hft.latency import Trace
from hft.market import Channel, Market
from hft.synchroniser import Continuity, Step, Synchroniser
from hft.types import BookState, InstrumentKind, Price, Side, Size

pytestmark = pytest.mark.skipif(BOOK.name != "native", reason=f"no native paths: {BOOK.reason}")

HEAD = b'{"s":"'
MS = 1_000_000
ALPHABET = b'0123456789.,:"[]{}-e \\\x00\xff'


class Update(msgspec.Struct):
    """What a codec makes of a message."""

    s: str
    t: int = 0
    f: int = 0
    l: int = 0  # noqa: E741
    p: int = 0
    b: msgspec.Raw = msgspec.Raw(b"[]")
    a: msgspec.Raw = msgspec.Raw(b"[]")


decode = msgspec.json.Decoder(Update).decode

LAYOUT = DepthLayout(
    parts=(
        b'{"s":"btc@depth","t":',
        DepthPart.TIME,
        b',"n":',
        DepthPart.NUMBER,
        b',"f":',
        DepthPart.FIRST_ID,
        b',"l":',
        DepthPart.LAST_ID,
        b',"p":',
        DepthPart.PREV_ID,
        b',"b":',
        DepthPart.BIDS,
        b',"a":',
        DepthPart.ASKS,
        b"}",
    ),
    time_unit_ns=MS,
)


class Ranges(Continuity):
    def bridges(self, snapshot_id: int, first_id: int, last_id: int, prev_id: int) -> Step:
        return self.follows(snapshot_id, first_id, last_id, prev_id)

    def follows(self, book_id: int, first_id: int, last_id: int, prev_id: int) -> Step:
        if last_id <= book_id:
            return Step.OLD
        return Step.NEXT if first_id <= book_id + 1 else Step.GAP


class Chained(Continuity):
    def bridges(self, snapshot_id: int, first_id: int, last_id: int, prev_id: int) -> Step:
        return self.follows(snapshot_id, first_id, last_id, snapshot_id)

    def follows(self, book_id: int, first_id: int, last_id: int, prev_id: int) -> Step:
        if last_id <= book_id:
            return Step.OLD
        return Step.NEXT if prev_id == book_id else Step.GAP


class Counted(Continuity):
    def bridges(self, snapshot_id: int, first_id: int, last_id: int, prev_id: int) -> Step:
        return self.follows(snapshot_id, first_id, last_id, prev_id)

    def follows(self, book_id: int, first_id: int, last_id: int, prev_id: int) -> Step:
        if last_id <= book_id:
            return Step.OLD
        return Step.NEXT if last_id == book_id + 1 else Step.GAP


CONTINUITIES: dict[Chain, Continuity] = {
    Chain.RANGE: Ranges(),
    Chain.PREVIOUS: Chained(),
    Chain.NEXT: Counted(),
}


class World:
    """One market, all that is told of it, and a clock that goes one step whenever it is looked at."""

    def __init__(
        self, make_book: Callable[[Instrument], OrderBook], chain: Chain, *, in_stream: bool, replay: bool
    ) -> None:
        instrument = Instrument(
            id=InstrumentId("BTC/USDT", "acme"),
            native_symbol="BTC",
            kind=InstrumentKind.SPOT,
            base="BTC",
            quote="USDT",
            settle="USDT",
            tick_size=Decimal("0.01"),
            lot_size=Decimal("0.001"),
        )
        self.market = Market(instrument)
        self.market.book = make_book(instrument)
        self.told: list[Any] = []
        self.taken = 0
        self._looks = 0
        self._steps = not replay  # a frame that is not taken after all looks once more in a replay
        self.trace = Trace(self._now_ns, replay_ns=self._now_ns if replay else None)
        self.market.trace = self.trace
        self.market.listen(Channel.BOOK, self._on_book)
        self.market.listen_lost(lambda book: self.told.append(("lost", book.state)))
        self.sync = Synchroniser(
            self.market,
            CONTINUITIES[chain],
            lambda: self.told.append("request"),
            clock=SimulatedClock(),
            random=Random(1),
            warn=self.told.append,
            snapshots_in_stream=in_stream,
        )
        self.paths = new_paths(HEAD)

    def do(self, name: str, arguments: tuple[Any, ...]) -> None:
        """Make one call."""
        owners = {"take": self, "lose": self.market, "set_level": self.market.book}
        getattr(owners.get(name, self.sync), name)(*arguments)

    def take(self, frame: bytes, recv_ns: int) -> None:
        """Do what a feed does."""
        if self.paths.take(frame, recv_ns, self.trace):
            self.taken += 1
            return
        self.trace.begin(recv_ns)
        try:
            update = decode(frame)
            if update.s == "btc@depth":
                self.market.counters.frames += 1
                if min(update.t, update.f, update.l) < 0:
                    raise DecodeError("negative")
                self.sync.on_delta(update.f, update.l, update.p, update.b, update.a, update.t * MS, recv_ns)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.told.append("undecoded")
        except DecodeError as error:
            self.told.append(str(error))
        self.trace.end()

    def observe(self) -> str:
        book, trace = self.market.book, self.trace
        sides = [(book.levels(side), book.exact_levels(side)) for side in Side]
        return repr(
            (
                (book.best_bid, book.best_bid_size, book.best_ask, book.best_ask_size, book.is_crossed),
                (book.state, book.update_id, book.exchange_ns, book.recv_ns, sides),
                (self.market.counters, self.sync.dropped, self.told[-3:], len(self.told)),
                (trace.recv_ns, trace.exchange_ns, trace.decoded_ns, trace.applied_ns),
                {str(stage): each.count for stage, each in trace.stages.items()},
            )
        )

    def _now_ns(self) -> int:
        self._looks += self._steps
        return 10_000 + self._looks

    def _on_book(self, book: OrderBook) -> None:
        self.told.append((book.update_id, book.recv_ns, book.best_bid, book.best_ask))
        if book.update_id % 3 == 0:
            self.trace.decided_ns = self.trace.approved_ns = self._now_ns()
            self.told.append(self.trace.sent())


@attrs.define
class Exchange:
    """Writes messages: mostly the next, often another, sometimes broken."""

    random: Random
    oddness: float
    last_id: int = 100

    def odd(self) -> bool:
        return self.random.random() < self.oddness

    def slice(self, *, bids: bool) -> str:
        return f"[{','.join(self.level(bids=bids) for _ in range(self.random.choice([0, 1, 1, 1, 2, 30])))}]"

    def level(self, *, bids: bool) -> str:
        random = self.random
        # A few prices of the other side: some updates cross the book.
        price = (
            random.randint(950, 999 + self.odd() * 3) if bids else random.randint(1001 - self.odd() * 3, 1050)
        )
        size = random.choice(["0", "0.000", "1", "1.500", "0.001"])
        text = f"{price / 100:.2f}" + random.choice(["", "", "0", "000000"])
        if self.odd():
            size = random.choice(["-1", "1e3", "0.0001", "99999999999999999999", "", "1.", "007"])
        if self.odd():
            text = random.choice([f"{price / 100 + 0.001:.3f}", "0", "-1", "x", f"0{text}"])
        more = ',"0","4"' if self.odd() else ""
        return f'["{text}","{size}"{more}]'

    def message(self) -> bytes:
        random = self.random
        first, prev = self.last_id + 1, self.last_id
        if self.odd():
            first, prev = first + random.choice([-2, -1, 1, 5]), prev + random.choice([-2, -1, 1, 5])
        last = first + random.choice([0, 0, 1, 3])
        if self.odd():
            last = random.choice([last - 4, 2**62, 2**63, 2**64, -5])
        numbers = [random.choice([1_700_000_000_000, 0]), random.randint(0, 9), first, last, prev]
        if self.odd():
            numbers[random.randrange(3)] = random.choice([-1, 10**18, 2**63 - 1, 2**63])
        texts = [str(number) for number in numbers]
        if self.odd():
            where = random.randrange(5)
            texts[where] = random.choice([f"0{texts[where]}", f"{texts[where]}.0", f'"{texts[where]}"', ""])
        stream = "eth@depth" if self.odd() else "btc@depth"
        text = (
            f'{{"s":"{stream}","t":{texts[0]},"n":{texts[1]},"f":{texts[2]},"l":{texts[3]},"p":{texts[4]},'
            f'"b":{self.slice(bids=True)},"a":{self.slice(bids=False)}}}'
        )
        frame = text.encode()
        if self.odd():
            cut = random.randrange(len(frame) + 1)
            frame = random.choice(
                [
                    frame[:cut],
                    frame[:cut] + bytes(random.choices(ALPHABET, k=random.randint(1, 3))) + frame[cut:],
                    frame[:cut] + bytes([random.randrange(256)]) + frame[cut + 1 :],
                    frame + b" ",
                    frame.replace(b'"b":', b'"b": ', 1),
                    frame.replace(b'"f":', b'"x":[],"f":', 1),
                ]
            )
        elif stream == "btc@depth" and 0 < last < 2**62:
            self.last_id = last
        return frame

    def event(self, step: int) -> tuple[str, tuple[Any, ...]]:
        """Return what happens next: what `World.do` calls, and with what."""
        random = self.random
        kind = random.random()
        if kind < 0.88:
            return "take", (self.message(), step)
        if kind < 0.96:
            levels = [self.slice(bids=bids).encode() for bids in (True, False)]
            return "on_snapshot", (self.last_id - random.choice([0, 0, 0, 1, 7]), *levels, 5, step)
        name = random.choice(["on_subscribed", "on_disconnect", "on_snapshot_failed", "lose", "set_level"])
        arguments = {"lose": (BookState.STALE,), "set_level": (Side.BUY, Price(940), Size(step))}
        return name, arguments.get(name, ())


def compare(random: Random, steps: int, native_book: type[OrderBook]) -> int:
    """Give the same to the short way, and to the long one on a pure book; return how many took the short."""
    chain = random.choice(list(Chain))
    options = {"in_stream": random.random() < 0.3, "replay": random.random() < 0.3}
    short, long = World(native_book, chain, **options), World(SortedBook, chain, **options)
    short.paths.add("btc@depth", short.sync.path(LAYOUT, chain))
    exchange = Exchange(random, random.choice([0, 0.01, 0.05, 0.2]))
    for step in range(steps):
        name, arguments = exchange.event(step)
        short.do(name, arguments)
        long.do(name, arguments)
        assert short.observe() == long.observe(), f"step {step}: {name}{arguments}"
    assert short.told == long.told
    return short.taken


@given(st.integers(0, 2**32), st.integers(1, 120))
def test_both_ways_do_the_same(native_book: type[OrderBook], seed: int, steps: int) -> None:
    compare(Random(seed), steps, native_book)


def test_messages_in_step_take_the_path(native_book: type[OrderBook]) -> None:
    world = live_world(native_book)
    for _ in range(50):
        world.take(world.exchange.message(), 7)
    assert world.taken == 49  # all but the first, which bridges
    assert world.market.counters.book_updates == 50


class LiveWorld(World):
    exchange: Exchange


def live_world(native_book: type[OrderBook]) -> LiveWorld:
    """A world whose book has its snapshot, and whose messages are all in order."""
    world = LiveWorld(native_book, Chain.RANGE, in_stream=False, replay=False)
    world.exchange = Exchange(Random(1), 0)
    world.paths.add("btc@depth", world.sync.path(LAYOUT, Chain.RANGE))
    world.sync.on_subscribed()
    world.sync.on_snapshot(world.exchange.last_id, b"[]", b"[]", 0, 0)
    return world


def test_the_system_clock_is_read_as_it_tells_the_time(native_book: type[OrderBook]) -> None:
    world = live_world(native_book)
    clock = SystemClock()
    world.trace = world.market.trace = trace = Trace(clock.now_ns)
    world.market.on_book = lambda book: None
    for _ in range(3):
        before = clock.now_ns()
        world.take(world.exchange.message(), before)
        assert before <= trace.decoded_ns <= trace.applied_ns <= clock.now_ns()
    assert world.taken == 2


def test_what_a_listener_raises_reaches_the_feed_once_the_book_is_right(native_book: type[OrderBook]) -> None:
    world = live_world(native_book)
    world.take(world.exchange.message(), 1)

    def fail(_: OrderBook) -> None:
        raise ZeroDivisionError

    world.market.on_book = fail
    with pytest.raises(ZeroDivisionError):
        world.paths.take(world.exchange.message(), 2, world.trace)
    assert world.market.book.update_id == world.exchange.last_id
    world.market.on_book = lambda book: None
    assert world.paths.take(world.exchange.message(), 3, world.trace)


def test_a_listener_may_take_the_path_away(native_book: type[OrderBook]) -> None:
    world = live_world(native_book)
    world.take(world.exchange.message(), 1)
    world.market.on_book = lambda book: world.paths.clear()
    assert world.paths.take(world.exchange.message(), 2, world.trace)
    assert not world.paths.take(world.exchange.message(), 3, world.trace)


def test_a_message_is_read_for_its_book_alone(native_book: type[OrderBook]) -> None:
    world = live_world(native_book)
    frame = b'{"s":"btc@depth","t":3,"n":0,"f":1,"l":2,"p":0,"b":[["1.00","2"]],"a":[["2.00","3"]]}'
    book = world.market.book
    message = book.read_message(LAYOUT, frame)
    assert message is not None
    assert (message.first_id, message.last_id, message.exchange_ns) == (1, 2, 3 * MS)
    book.apply_snapshot(message.bids, message.asks)
    assert (book.bids(), book.asks()) == ([(100, 2000)], [(200, 3000)])
    book.apply_snapshot(b'[["1.005","1"]]', b'[["2.00","1"]]')  # off the grid: shown at 100
    book.apply_delta(message.bids, message.asks)
    assert book.exact_levels(Side.BUY) == [(Decimal("1.005"), 1), (1, 2)]
    assert book.asks() == [(200, 3000)]
    coarse = native_book(attrs.evolve(book.instrument, tick_size=Decimal("0.1")))
    with pytest.raises(ValueError, match="another grid"):
        coarse.apply_snapshot(message.bids, message.asks)
    assert book.read_message(LAYOUT, frame[:-1]) is None
    assert SortedBook(book.instrument).read_message(LAYOUT, frame) is None


def main(seconds: float, seed: int) -> None:
    from hft.book.native_book import NativeBook

    random, start, steps, taken = Random(seed), time.monotonic(), 0, 0
    while time.monotonic() - start < seconds:
        steps += 100
        taken += compare(random, 100, NativeBook)
    print(f"seed {seed}: {steps} steps, {taken} messages took the path, no difference")


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns())
