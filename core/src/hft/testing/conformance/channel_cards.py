"""Cards of market-data streams about trades, quotes and marks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hft.clock import NS_PER_S
from hft.market import Channel
from hft.testing.conformance.cards import card
from hft.testing.conformance.exchange import ExchangeUnderTest
from hft.testing.conformance.public import BUSY, live
from hft.testing.conformance.stage import play, stage

__all__ = ["ChannelCards"]


class ChannelCards:
    """What is told beside the book is what was."""

    @card("MD-17", "channel trade")
    def test_every_trade_is_told_once(self, exchange: ExchangeUnderTest) -> None:
        """Public trades come as they were: price, size, the aggressor's side, in order, each once.

        Setup: books and trades of all instruments are followed.
        Action: twenty seconds of busy trading.
        Holds: the trades told add up to those of the exchange, size by price and side, none of them twice.
        """

        async def script() -> None:
            async with stage(exchange, rate=BUSY) as on, on.books(Channel.TRADE) as books:
                await live(on, books)
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
            async with stage(exchange, rate=BUSY) as on, on.books(Channel.QUOTE) as books:
                await live(on, books)
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
                await live(on, books)
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


def _sums(trades: Iterator[tuple[Any, Any, int]]) -> dict[tuple[Any, Any], int]:
    sums: dict[tuple[Any, Any], int] = {}
    for side, price, size in trades:
        sums[side, price] = sums.get((side, price), 0) + size
    return sums
