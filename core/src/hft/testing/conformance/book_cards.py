"""Cards of market-data streams about instruments and books."""

from __future__ import annotations

from functools import partial

from hft.sim import Fault, FaultKind
from hft.testing.conformance.cards import card
from hft.testing.conformance.exchange import ExchangeUnderTest
from hft.testing.conformance.public import BUSY, book_topic, live
from hft.testing.conformance.stage import Stage, play, stage
from hft.types import BookState

__all__ = ["BookCards"]

_GRID = ("kind", "base", "quote", "settle", "tick_size", "lot_size", "contract_multiplier")


class BookCards:
    """Books are right from their first moment on, whatever is damaged on the way."""

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
            async with stage(exchange, rate=BUSY) as on, on.books() as books:
                for book in books:
                    assert book.states == [BookState.SYNCING]
                await live(on, books)
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
            async with stage(exchange, rate=BUSY) as on, on.books() as books:
                await live(on, books)
                await on.sleep(20)
                await on.rest()
                for book in books:
                    book.check_untouched()
                    assert book.market.counters.gaps == 0
                    assert book.market.counters.frames > 0
                    assert book.market.counters.book_updates > 0

        play(script)

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
        topic = book_topic(exchange)

        async def script() -> None:
            async with stage(exchange, rate=BUSY) as on, on.books() as books:
                await live(on, books)
                for _ in range(3):
                    on.inject(Fault(kind=FaultKind.GAP, where=topic, length=5))
                    await on.sleep(3)
                assert on.world.faults.hits == 3
                await on.rest(5)
                books[0].check_right()
                for other in books[1:]:
                    other.check_untouched()

        play(script)


def _damaged(
    exchange: ExchangeUnderTest,
    kind: FaultKind,
    *,
    count: int = 1,
    is_unreadable: bool = False,
    is_harmless: bool = False,
) -> None:
    """Let updates of the first book be damaged on their way, three times, and look what comes of it."""
    topic = book_topic(exchange)

    async def script() -> None:
        async with stage(exchange, rate=BUSY) as on, on.books() as books:
            await live(on, books)
            for times in (1, 2, 3):
                on.inject(Fault(kind=kind, where=topic, count=count))
                await on.until(partial(_struck, on, times * count), "the fault strikes")
                await on.sleep(4)
                await live(on, books)
            await on.rest(3)
            for book in books:
                book.check_right()
            if is_harmless:
                books[0].check_untouched()
            if is_unreadable:
                said = [line for line in on.lines if "not understood" in line]
                assert said, "what could not be read was not reported"

    play(script)


def _struck(on: Stage, times: int) -> bool:
    return on.world.faults.hits == times
