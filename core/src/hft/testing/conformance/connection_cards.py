"""Cards of market-data streams about connections and requests, and about what is left behind."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Sequence
from functools import partial

from hft.clock import NS_PER_S
from hft.sim import Fault, FaultKind
from hft.sim.fault import Place
from hft.testing.conformance.books import BookWatch
from hft.testing.conformance.cards import card
from hft.testing.conformance.exchange import ExchangeUnderTest
from hft.testing.conformance.public import BUSY, book_topic, live
from hft.testing.conformance.stage import play, stage
from hft.types import Duration

__all__ = ["ConnectionCards"]

_OUTAGE_S = 3_600
_MOST_ATTEMPTS = 400
"""In an hour, with a back-off that grows to half a minute, and some connections."""


class ConnectionCards:
    """What breaks comes back, at a bounded rate; what is stopped is gone."""

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
                await live(on, books)
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
                await live(on, books)
                for times in (1, 2):
                    on.cut()
                    await on.until(partial(_lost, books, times), "LIVE is left")
                    await on.sleep(1)
                    await live(on, books)
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
                await live(on, books)
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
                await live(on, books)
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
        topic = book_topic(exchange)

        async def script() -> None:
            async with stage(exchange, rate=BUSY) as on, on.books() as books:
                await live(on, books)
                for _ in range(2):
                    on.inject(Fault(kind=FaultKind.DROP, where=topic))
                    on.inject(Fault(kind=FaultKind.DISCONNECT, where=topic, after=1))
                    await on.sleep(8)
                assert on.world.faults.hits == 4
                await live(on, books)
                await on.rest(3)
                for book in books:
                    book.check_right()

        play(script)

    @card("MD-20")
    def test_nothing_is_left_behind(self, exchange: ExchangeUnderTest) -> None:
        """A stream that is stopped leaves no task, timer, socket or warning, whenever that is.

        Setup: the stream runs.
        Action: it is stopped as it connects, as it synchronises, when it is LIVE, and as it resynchronises.
        Holds: no task, timer or connection is left, no warning is raised, the event loop has no complaint.
        """
        topic = book_topic(exchange)

        async def stopped_after(seconds: float, *faults: Fault) -> None:
            async with stage(exchange) as on, on.books() as books:
                if faults:
                    await live(on, books)
                for fault in faults:
                    on.inject(fault)
                await on.sleep(seconds)

        with warnings.catch_warnings(record=True) as raised:
            warnings.simplefilter("always")
            for seconds in (0.0, 0.0015, 0.004, 0.012, 0.2, 5.0):
                play(partial(stopped_after, seconds))
            play(lambda: stopped_after(0.25, Fault(kind=FaultKind.GAP, where=topic)))
            play(lambda: stopped_after(0.05, Fault(kind=FaultKind.DISCONNECT, where=topic)))
            gc.collect()
        assert not raised, [str(each.message) for each in raised]


def _lost(books: Sequence[BookWatch], times: int) -> bool:
    return all(book.times_lost == times for book in books)
