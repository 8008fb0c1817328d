"""The suite of market-data streams."""

from __future__ import annotations

import gc
import random
import warnings
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

import attrs
import pytest

from hft.capture import CaptureRecord, read_capture
from hft.clock import NS_PER_S
from hft.market import Channel
from hft.run.replay import ReplayReport, replay
from hft.sim import Fault, FaultKind
from hft.sim.fault import Place
from hft.testing.conformance.books import BookWatch
from hft.testing.conformance.cards import Suite, card
from hft.testing.conformance.exchange import ExchangeUnderTest
from hft.testing.conformance.frames import MALFORMED, UNKNOWN
from hft.testing.conformance.passages import pattern
from hft.testing.conformance.stage import Stage, play, stage
from hft.types import BookState, Duration

__all__ = ["MarketDataSuite"]

_BUSY = 3.0
"""How busy the markets are in which books are compared."""

_GRID = ("kind", "base", "quote", "settle", "tick_size", "lot_size", "contract_multiplier")

_OUTAGE_S = 3_600
_MOST_ATTEMPTS = 400
"""In an hour, with a back-off that grows to half a minute, and some connections."""


class MarketDataSuite(Suite, about="market-data", number_of_cards=21, fixtures=("exchange",)):
    """What a `MarketDataStream` has to hold, on the plugin's own simulator.

    The one fixture is ``exchange``, an `ExchangeUnderTest`; make it once, at the top of the module.
    """

    def subject(self, request: pytest.FixtureRequest) -> ExchangeUnderTest:
        """Return the exchange."""
        exchange: ExchangeUnderTest = request.getfixturevalue("exchange")
        return exchange

    # -- books ---------------------------------------------------------------------------------------

    @card("MD-01")
    def test_instruments_are_described_exactly(self, exchange: ExchangeUnderTest) -> None:
        """Instruments have the exchange's own grid: ticks, lots and limits, exactly.

        Setup: the simulator lists instruments whose grids are known.
        Action: the stream asks for them and publishes them.
        Holds: each has its symbol, assets, tick, lot and multiplier as listed, and limits that can be met.
        """

        async def script() -> None:
            async with stage(exchange) as on, on.session() as session:
                for market in await on.markets(session):
                    found = market.instrument
                    listed = on.market(found.symbol).instrument
                    for name in _GRID:
                        assert getattr(found, name) == getattr(listed, name), f"{found.id}: {name}"
                    assert found.min_size >= 1
                    assert found.max_size is None or found.max_size > found.min_size
                    assert found.tradable
                    assert found.native_symbol

        play(script)

    @card("MD-02")
    def test_the_first_book_is_whole(self, exchange: ExchangeUnderTest) -> None:
        """A book is LIVE from its snapshot on, and not before: changes alone make no book.

        Setup: markets that are busy from before the stream subscribes.
        Action: the stream subscribes.
        Holds: the first book that is shown is one that the exchange had, whole; so are all that follow.
        """

        async def script() -> None:
            async with stage(exchange, rate=_BUSY) as on, on.books() as books:
                for book in books:
                    assert book.states == [BookState.SYNCING]
                await _live(on, books)
                for book in books:
                    book.check()
                    assert book.states == [BookState.SYNCING, BookState.LIVE]
                    assert book.market.counters.resyncs == 0

        play(script)

    @card("MD-03")
    def test_a_book_is_never_crossed_nor_one_that_never_was(self, exchange: ExchangeUnderTest) -> None:
        """Every update leaves a book that the exchange had at that moment, never a crossed one.

        Setup: LIVE books of all instruments.
        Action: twenty seconds of busy trading, then the markets come to rest.
        Holds: every book shown is one that the exchange had, never crossed, and the last is the last.
        """

        async def script() -> None:
            async with stage(exchange, rate=_BUSY) as on, on.books() as books:
                await _live(on, books)
                await on.sleep(20)
                await on.rest()
                for book in books:
                    book.check_untouched()
                    assert book.market.counters.gaps == 0
                    assert book.market.counters.frames > 0
                    assert book.market.counters.book_updates > 0

        play(script)

    # -- what is damaged on the way --------------------------------------------------------------------

    @card("MD-04")
    def test_a_gap(self, exchange: ExchangeUnderTest) -> None:
        """A hole in the sequence takes the book out of LIVE before it is shown; it comes back by itself.

        Setup: LIVE books of all instruments.
        Action: the exchange loses three updates of one of them in a row.
        Holds: no book is shown that never was; within seconds it is LIVE and right again.
        """
        _damaged(exchange, FaultKind.GAP)

    @card("MD-05")
    def test_a_lost_update(self, exchange: ExchangeUnderTest) -> None:
        """One lost update is a hole as well.

        Setup: LIVE books of all instruments.
        Action: the exchange loses one update of one of them.
        Holds: no book is shown that never was; within seconds it is LIVE and right again.
        """
        _damaged(exchange, FaultKind.DROP)

    @card("MD-06")
    def test_a_duplicate(self, exchange: ExchangeUnderTest) -> None:
        """An update that comes twice changes nothing the second time.

        Setup: LIVE books of all instruments.
        Action: three updates of one of them come twice.
        Holds: no book is shown that never was, and it never leaves LIVE.
        """
        _damaged(exchange, FaultKind.DUPLICATE, count=3, is_harmless=True)

    @card("MD-07")
    def test_a_reordered_update(self, exchange: ExchangeUnderTest) -> None:
        """An update that comes after its successor is not applied in the wrong order.

        Setup: LIVE books of all instruments.
        Action: an update of one of them comes after the next.
        Holds: no book is shown that never was; within seconds it is LIVE and right again.
        """
        _damaged(exchange, FaultKind.REORDER)

    @card("MD-08")
    def test_a_truncated_update(self, exchange: ExchangeUnderTest) -> None:
        """An update that cannot be read is counted as not understood, and its book is not trusted further.

        Setup: LIVE books of all instruments.
        Action: an update of one of them lacks its second half.
        Holds: no book is shown that never was; within seconds it is LIVE and right again.
        """
        _damaged(exchange, FaultKind.TRUNCATE, is_unreadable=True)

    @card("MD-09")
    def test_garbage_in_an_updates_place(self, exchange: ExchangeUnderTest) -> None:
        """What is none of the exchange's frames is counted as not understood, and does no harm.

        Setup: LIVE books of all instruments.
        Action: a web page comes in place of an update of one of them.
        Holds: no book is shown that never was; within seconds it is LIVE and right again.
        """
        _damaged(exchange, FaultKind.GARBAGE, is_unreadable=True)

    @card("MD-10")
    def test_a_resynchronisation_touches_one_instrument(self, exchange: ExchangeUnderTest) -> None:
        """One instrument's gap resynchronises that instrument and no other.

        Setup: LIVE books of all instruments.
        Action: one of them loses updates, three times within ten seconds.
        Holds: the others never leave LIVE and are not asked for again.
        """
        topic = _book_topic(exchange)

        async def script() -> None:
            async with stage(exchange, rate=_BUSY) as on, on.books() as books:
                await _live(on, books)
                for _ in range(3):
                    on.inject(Fault(kind=FaultKind.GAP, where=topic, length=5))
                    await on.sleep(3)
                assert on.world.faults.hits == 3
                await on.rest(5)
                books[0].check_right()
                for other in books[1:]:
                    other.check_untouched()

        play(script)

    # -- requests and connections ----------------------------------------------------------------------

    @card("MD-11")
    def test_a_refused_request_is_made_again(self, exchange: ExchangeUnderTest) -> None:
        """A request that brought no answer is made again, at a bounded rate, for as long as it is needed.

        Setup: nothing is subscribed yet.
        Action: every REST request is refused for half a minute while the stream subscribes.
        Holds: at most thirty requests an instrument are made meanwhile; then every book is LIVE and right.
        """

        async def script() -> None:
            async with stage(exchange) as on, on.session() as session:
                markets = await on.markets(session)
                books = [BookWatch(market, on.market(market.instrument.symbol)) for market in markets]
                refusal = Fault(
                    kind=FaultKind.REFUSE, where="request/* *", count=0, duration=Duration(30 * NS_PER_S)
                )
                on.inject(refusal)
                since_ns = on.clock.now_ns()
                session.subscribe(markets)
                await on.sleep(30)
                asked = on.passages.count([Place.REQUEST], since_ns)
                assert asked <= 30 * len(books), f"{asked} requests in 30 s"
                await _live(on, books)
                await on.rest(3)
                for book in books:
                    book.check_right()

        play(script)

    @card("MD-12")
    def test_connections_that_break_come_back(self, exchange: ExchangeUnderTest) -> None:
        """A connection that breaks takes its books out of LIVE; it is opened and subscribed anew.

        Setup: LIVE books of all instruments.
        Action: every connection is cut without a goodbye, twice, half a minute apart.
        Holds: every book leaves LIVE each time, none is shown that never was, all are right in the end.
        """

        async def script() -> None:
            async with stage(exchange) as on, on.books() as books:
                await _live(on, books)
                for times in (1, 2):
                    on.cut()
                    await on.until(lambda: all(book.times_lost == times for book in books), "LIVE is left")  # noqa: B023
                    await on.sleep(1)
                    await _live(on, books)
                    await on.sleep(29)
                await on.rest()
                for book in books:
                    book.check_right()
                    assert book.times_lost == 2

        play(script)

    @card("MD-13")
    def test_an_exchange_that_is_away_is_waited_for(self, exchange: ExchangeUnderTest) -> None:
        """Every retry is bounded in rate and goes on for ever.

        Setup: LIVE books of all instruments.
        Action: the exchange cannot be reached for an hour.
        Holds: no book is LIVE meanwhile, at most 400 connections are tried, and all books come back.
        """

        async def script() -> None:
            async with stage(exchange) as on, on.books() as books:
                await _live(on, books)
                on.shut()
                on.world.stop()  # an hour of trading that nobody sees takes a minute
                await on.sleep(1)
                since_ns = on.clock.now_ns()
                assert not any(book.is_live for book in books)
                await on.sleep(_OUTAGE_S - 2)
                assert not any(book.is_live for book in books)
                tried = on.passages.count([Place.CONNECT], since_ns)
                assert 0 < tried <= _MOST_ATTEMPTS, f"{tried} connections were tried within an hour"
                on.reopen()
                on.world.start()
                await _live(on, books)
                await on.rest()
                for book in books:
                    book.check_right()

        play(script)

    @card("MD-14")
    def test_a_connection_that_breaks_while_a_book_is_resynchronised(
        self, exchange: ExchangeUnderTest
    ) -> None:
        """A loss in the middle of synchronising begins it anew.

        Setup: LIVE books of all instruments.
        Action: one of them loses updates, and its connection breaks at the next one.
        Holds: no book is shown that never was; all are LIVE and right in the end.
        """
        topic = _book_topic(exchange)

        async def script() -> None:
            async with stage(exchange, rate=_BUSY) as on, on.books() as books:
                await _live(on, books)
                for _ in range(2):
                    on.inject(Fault(kind=FaultKind.DROP, where=topic))
                    on.inject(Fault(kind=FaultKind.DISCONNECT, where=topic, after=1))
                    await on.sleep(8)
                assert on.world.faults.hits == 4
                await _live(on, books)
                await on.rest(3)
                for book in books:
                    book.check_right()

        play(script)

    # -- what is not understood ------------------------------------------------------------------------

    @card("MD-15")
    def test_frames_that_are_not_known(self, exchange: ExchangeUnderTest) -> None:
        """A frame that is not understood is reported or raises `DecodeError`; nothing else is raised.

        Setup: a recorded session of the stream.
        Action: it is played again with whole JSON in between that no exchange writes.
        Holds: nothing is raised but `DecodeError`, and the same trades and books come of it.
        """
        _disturbed(exchange, UNKNOWN, is_harmless=True)

    @card("MD-16")
    def test_frames_that_are_malformed(self, exchange: ExchangeUnderTest) -> None:
        """Bytes that are no frame at all are reported as not understood, whatever they are.

        Setup: a recorded session of the stream.
        Action: it is played again with bytes that are no JSON, and with broken copies of its frames.
        Holds: nothing is raised but `DecodeError`, and what is no JSON is counted.
        """
        report = _disturbed(exchange, MALFORMED, is_harmless=False)
        assert report.undecoded > 0
        recorded = recording(exchange)
        frames = [record for record in recorded if record.dir in ("recv", "http")]
        rng = random.Random(1)
        broken = list(_broken(rng, frames))
        played, said = _replayed(exchange, [*recorded, *broken])
        assert played.frames > report.frames / 2
        assert not said, said[:3]

    # -- the other channels ----------------------------------------------------------------------------

    @card("MD-17", "channel trade")
    def test_every_trade_is_told_once(self, exchange: ExchangeUnderTest) -> None:
        """Public trades come as they were: price, size, the aggressor's side, in order, each once.

        Setup: books and trades of all instruments are followed.
        Action: twenty seconds of busy trading.
        Holds: the trades told add up to those of the exchange, size by price and side, none of them twice.
        """

        async def script() -> None:
            async with stage(exchange, rate=_BUSY) as on, on.books(Channel.TRADE) as books:
                await _live(on, books)
                await on.sleep(2)
                since = {book: on.clock.now_ns() for book in books}
                await on.sleep(20)
                await on.rest()
                for book in books:
                    # Some exchanges add up what one order took at one price.
                    told = _sums(
                        (each.side, each.price, each.size)
                        for each in book.trades
                        if each.recv_ns > since[book]
                    )
                    really = _sums(
                        (each.side, each.price, each.size)
                        for each in book.truth.trades
                        if each.time_ns > since[book] - NS_PER_S
                    )
                    assert told, f"{book.market.instrument.id}: no trades"
                    assert all(size <= really.get(key, 0) for key, size in told.items()), (
                        "more than was traded"
                    )
                    late = _sums(
                        (each.side, each.price, each.size)
                        for each in book.truth.trades
                        if each.time_ns > since[book]
                    )
                    assert all(size <= told.get(key, 0) for key, size in late.items()), "a trade is missing"
                    ids = [each.trade_id for each in book.trades]
                    assert len(set(ids)) == len(ids), "a trade was told twice"
                    for each in book.trades:
                        assert abs(each.exchange_ns - each.recv_ns) < 5 * NS_PER_S
                    assert book.market.counters.trades == len(book.trades)

        play(script)

    @card("MD-18", "channel quote")
    def test_quotes_are_best_prices_that_were(self, exchange: ExchangeUnderTest) -> None:
        """The ticker brings best prices that the exchange had, bid below ask.

        Setup: books and quotes of all instruments are followed.
        Action: ten seconds of busy trading.
        Holds: quotes come, and each is a best bid and ask that the exchange had.
        """

        async def script() -> None:
            async with stage(exchange, rate=_BUSY) as on, on.books(Channel.QUOTE) as books:
                await _live(on, books)
                await on.sleep(10)
                await on.rest()
                for book in books:
                    assert book.quotes, f"{book.market.instrument.id}: no quotes"
                    wrong = book.never_had(book.quotes)
                    assert not wrong, wrong[:3]
                    assert book.market.counters.quotes == len(book.quotes)

        play(script)

    @card("MD-19", "channel mark")
    def test_marks_are_those_of_the_exchange(self, exchange: ExchangeUnderTest) -> None:
        """Mark price and funding come exactly as the exchange states them.

        Setup: books and marks of all instruments are followed.
        Action: ten seconds pass.
        Holds: marks come, positive and near the book, with a funding rate; the times are of now.
        """

        async def script() -> None:
            async with stage(exchange) as on, on.books(Channel.MARK) as books:
                await _live(on, books)
                await on.sleep(10)
                for book in books:
                    assert book.marks, f"{book.market.instrument.id}: no marks"
                    last = book.marks[-1]
                    best = book.truth.engine.best
                    bid = book.market.book.best_bid
                    assert bid is not None
                    assert best is not None
                    price = book.market.instrument.price_to_decimal(bid)
                    assert abs(last.mark / price - 1) < 1 / 20
                    assert last.funding_rate is not None
                    assert abs(last.funding_rate) < 1
                    assert abs(last.recv_ns - on.clock.now_ns()) < 5 * NS_PER_S

        play(script)

    # -- beginning and end -----------------------------------------------------------------------------

    @card("MD-20")
    def test_nothing_is_left_behind(self, exchange: ExchangeUnderTest) -> None:
        """A stream that is stopped leaves no task, timer, socket or warning, whenever that is.

        Setup: the stream runs.
        Action: it is stopped as it connects, as it synchronises, when it is LIVE, and as it resynchronises.
        Holds: no task, timer or connection is left, no warning is raised, the event loop has no complaint.
        """
        topic = _book_topic(exchange)

        async def stopped_after(seconds: float, *faults: Fault) -> None:
            async with stage(exchange) as on, on.books() as books:
                if faults:
                    await _live(on, books)
                for fault in faults:
                    on.inject(fault)
                await on.sleep(seconds)

        with warnings.catch_warnings(record=True) as raised:
            warnings.simplefilter("always")
            for seconds in (0.0, 0.0015, 0.004, 0.012, 0.2, 5.0):
                play(lambda: stopped_after(seconds))  # noqa: B023
            play(lambda: stopped_after(0.25, Fault(kind=FaultKind.GAP, where=topic)))
            play(lambda: stopped_after(0.05, Fault(kind=FaultKind.DISCONNECT, where=topic)))
            gc.collect()
        assert not raised, [str(each.message) for each in raised]

    @card("MD-21", "capture")
    def test_a_recorded_session_is_understood(self, exchange: ExchangeUnderTest) -> None:
        """What the real exchange sent is understood, to the last frame.

        Setup: a capture of the real exchange, from its author.
        Action: it is played.
        Holds: every frame is understood, books of it are LIVE in the end, and none of them is crossed.
        """
        assert exchange.capture is not None
        if not exchange.capture.exists():
            pytest.skip(f"the capture {exchange.capture.name} is not here")
        report, said = _replayed(exchange, read_capture(exchange.capture, warn=lambda _: None))
        assert not said, said[:3]
        assert report.frames
        assert report.undecoded == 0
        live = [market for market in report.markets.values() if market.book.state is BookState.LIVE]
        assert live
        for market in live:
            assert market.book.best_bid is not None
            assert market.book.best_ask is not None
            assert market.book.best_bid < market.book.best_ask


async def _live(on: Stage, books: list[BookWatch]) -> None:
    await on.until(lambda: all(book.is_live and book.shown for book in books), "every book is LIVE")


def _sums(trades: Iterator[tuple[Any, Any, int]]) -> dict[tuple[Any, Any], int]:
    sums: dict[tuple[Any, Any], int] = {}
    for side, price, size in trades:
        sums[side, price] = sums.get((side, price), 0) + size
    return sums


def _damaged(
    exchange: ExchangeUnderTest,
    kind: FaultKind,
    *,
    count: int = 1,
    is_unreadable: bool = False,
    is_harmless: bool = False,
) -> None:
    """Let updates of the first book be damaged on their way, three times, and look what comes of it."""
    topic = _book_topic(exchange)

    async def script() -> None:
        async with stage(exchange, rate=_BUSY) as on, on.books() as books:
            await _live(on, books)
            for times in (1, 2, 3):
                on.inject(Fault(kind=kind, where=topic, count=count))
                await on.until(lambda: on.world.faults.hits == times * count, "the fault strikes")  # noqa: B023
                await on.sleep(4)
                await _live(on, books)
            await on.rest(3)
            for book in books:
                book.check_right()
            if is_harmless:
                books[0].check_untouched()
            if is_unreadable:
                said = [line for line in on.lines if "not understood" in line]
                assert said, "what could not be read was not reported"

    play(script)


# -- what is learnt once for each exchange ----------------------------------------------------------------

_topics: WeakKeyDictionary[ExchangeUnderTest, str] = WeakKeyDictionary()
_recordings: WeakKeyDictionary[ExchangeUnderTest, list[CaptureRecord]] = WeakKeyDictionary()


def _book_topic(exchange: ExchangeUnderTest) -> str:
    """Return the pattern that means the updates of the first symbol's book, by watching what is published."""
    if exchange not in _topics:
        others: list[str] = []

        async def watch(symbols: slice, found: list[str]) -> None:
            alone = attrs.evolve(exchange, symbols=tuple(exchange.symbols[symbols]) * 2)
            async with stage(alone, symbols=1, rate=_BUSY) as on, on.books() as books:
                await _live(on, books)
                since_ns = on.clock.now_ns()
                await on.sleep(3)
                found += [
                    each.name
                    for each in on.passages.seen
                    if each.place is Place.STREAM and each.at_ns >= since_ns
                ]

        found: list[str] = []
        play(lambda: watch(slice(0, 1), found))
        play(lambda: watch(slice(1, 2), others))
        own = [name for name in found if name not in others]
        assert own, (
            f"the simulator publishes under {sorted(set(found))} what is of one instrument and what is of"
            " another: give each instrument's updates a topic of its own"
        )
        _topics[exchange] = pattern(max(set(own), key=own.count))
    return _topics[exchange]


def recording(exchange: ExchangeUnderTest) -> list[CaptureRecord]:
    """Return what a capture of a session on the simulator has, of every channel that the stream brings."""
    if exchange not in _recordings:
        records: list[CaptureRecord] = []

        async def script() -> None:
            channels = [each for each in Channel if each in exchange.stream.channels]
            async with stage(exchange) as on, on.books(*channels) as books:
                await _live(on, books)
                await on.sleep(5)
                # What closing adds would take the books out of LIVE again.
                records.extend(on.tap.records)

        play(script)
        _recordings[exchange] = records
    return list(_recordings[exchange])


def _replayed(exchange: ExchangeUnderTest, records: Any) -> tuple[ReplayReport, list[str]]:
    """Play records; return also what was said of bugs in the plugin."""
    said: list[str] = []
    report = replay(
        records,
        exchange.stream,
        exchange.make_config(None),
        exchange=exchange.key,
        warn=lambda _, line: said.append(line),
    )
    return report, [line for line in said if "bug" in line]


def _disturbed(exchange: ExchangeUnderTest, frames: tuple[bytes, ...], *, is_harmless: bool) -> ReplayReport:
    """Play a recording with frames in between that are none of the exchange's."""
    records = recording(exchange)
    plain, said = _replayed(exchange, records)
    assert not said, said[:3]
    disturbed: list[CaptureRecord] = []
    rng = random.Random(1)
    for record in records:
        disturbed.append(record)
        if record.dir == "recv" and rng.random() < 0.2:
            disturbed += [CaptureRecord.of(record.t, record.conn, "recv", frame) for frame in frames]
    report, said = _replayed(exchange, disturbed)
    assert not said, said[:3]
    assert report.frames > plain.frames
    if is_harmless:
        assert report.instruments(5).keys() == plain.instruments(5).keys()
        for name, before in plain.instruments(5).items():
            after = report.instruments(5)[name]
            assert (after.trades, after.state, after.bids, after.asks) == (
                before.trades,
                before.state,
                before.bids,
                before.asks,
            ), name
    return report


def _broken(rng: random.Random, frames: list[CaptureRecord]) -> Iterator[CaptureRecord]:
    """Yield copies of frames, each broken in one of several ways."""
    ways: list[Callable[[bytes, int, int], bytes]] = [
        lambda data, at, _: data[:at],
        lambda data, at, _: data[at:],
        lambda data, at, length: data[:at] + data[at + length :],
        lambda data, at, length: data[:at] + data[at : at + length] * 2 + data[at + length :],
        lambda data, at, _: data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :],
        lambda data, at, _: data[:at] + b"-" + data[at:],
        lambda data, at, length: data[:at] + b"9" * 50 + data[at + length :],
        lambda data, at, length: data[:at] + b"null" + data[at + length :],
    ]
    for _ in range(1_500):
        record = rng.choice(frames)
        data = record.payload[:20_000]
        at, length = rng.randrange(len(data) + 1), rng.randrange(1, 9)
        yield CaptureRecord.of(record.t, record.conn, record.dir, rng.choice(ways)(data, at, length))
