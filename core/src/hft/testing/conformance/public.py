"""What the cards of market data share: books that come alive, and what is learnt once of an exchange."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import attrs

from hft.capture import CaptureRecord
from hft.market import Channel
from hft.sim.fault import Place
from hft.testing.conformance.books import BookWatch
from hft.testing.conformance.exchange import ExchangeUnderTest
from hft.testing.conformance.passages import pattern
from hft.testing.conformance.stage import Stage, play, stage

__all__ = ["BUSY", "book_topic", "live", "recording"]

BUSY = 3.0
"""How busy the markets are in which books are compared."""

_topics: WeakKeyDictionary[ExchangeUnderTest, str] = WeakKeyDictionary()
_recordings: WeakKeyDictionary[ExchangeUnderTest, list[CaptureRecord]] = WeakKeyDictionary()


async def live(on: Stage, books: list[BookWatch]) -> None:
    """Wait until every book is LIVE and was shown."""
    await on.until(lambda: all(book.is_live and book.shown for book in books), "every book is LIVE")


def book_topic(exchange: ExchangeUnderTest) -> str:
    """Return the pattern that means the updates of the first symbol's book, by watching what is published."""
    if exchange not in _topics:
        others: list[str] = []

        async def watch(symbols: slice, found: list[str]) -> None:
            alone = attrs.evolve(exchange, symbols=tuple(exchange.symbols[symbols]) * 2)
            async with stage(alone, symbols=1, rate=BUSY) as on, on.books() as books:
                await live(on, books)
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
                await live(on, books)
                await on.sleep(5)
                # What closing adds would take the books out of LIVE again.
                records.extend(on.tap.records)

        play(script)
        _recordings[exchange] = records
    return list(_recordings[exchange])
