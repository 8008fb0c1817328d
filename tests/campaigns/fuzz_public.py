"""Damaged market data: whatever comes, nothing but `DecodeError` is raised and no LIVE book is wrong."""

from __future__ import annotations

import base64
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal

import msgspec

from hft.capture import CaptureRecord, read_capture
from hft.market import Market
from hft.plugin.recorded import RecordedMarkets
from hft.testing.conformance.exchange import ExchangeUnderTest
from hft.testing.conformance.public import recording
from hft.types import BookState, Side
from tests.campaigns.fuzz_mutations import numbers, reworded

__all__ = ["PublicTarget"]

_RECORDS = 120
"""So much of each recording is played: enough for every kind of frame to be among it."""

_AFTERWARDS = 12
"""So many records follow what was damaged."""

_DEPTH = 20

_Book = tuple[BookState, tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]


class _Tape:
    """A recorded session, and the books that it leaves behind each record when nothing is damaged."""

    def __init__(self, exchange: ExchangeUnderTest, records: Sequence[CaptureRecord]) -> None:
        self.records = records
        self.plain: list[dict[str, _Book]] = []
        self.had: dict[str, set[_Book]] = defaultdict(set)
        playing = _Playing(exchange)
        for record in records:
            playing.play(record)
            books = {symbol: _book(market) for symbol, market in playing.markets.items()}
            self.plain.append(books)
            for symbol, book in books.items():
                self.had[symbol].add(book)
        assert not playing.bugs, playing.bugs


class _Playing(RecordedMarkets):
    """A stream at work on a recording; ``bugs`` are what it raised beside `DecodeError`."""

    def __init__(self, exchange: ExchangeUnderTest) -> None:
        self.bugs: list[str] = []
        super().__init__(exchange.key, exchange.stream, exchange.make_config(None), warn=self._heard)

    def _heard(self, _key: str, line: str) -> None:
        if "bug in the plugin" in line:
            self.bugs.append(line)


def _book(market: Market) -> _Book:
    book = market.book
    return book.state, tuple(book.bids(_DEPTH)), tuple(book.asks(_DEPTH))


def _levels(market: Market) -> set[tuple[Decimal, Decimal]]:
    return {level for side in Side for level in market.book.exact_levels(side)}


def _head(records: Sequence[CaptureRecord]) -> list[CaptureRecord]:
    """Return the beginning of a recording with everything that frames need to be understood."""
    found: list[CaptureRecord] = []
    frames = 0
    for record in records:
        frames += record.dir == "recv"
        if frames > _RECORDS:
            break
        if record.dir in ("open", "recv", "http"):
            found.append(record)
    return found


class PublicTarget:
    """The stream of one exchange, on the sessions that its simulator and its capture bring."""

    def __init__(self, exchange: ExchangeUnderTest) -> None:
        self.exchange = exchange
        sessions = [_head(recording(exchange))]
        if exchange.capture is not None and exchange.capture.exists():
            sessions.append(_head(list(_first(exchange, 2_000))))
        self.tapes = [_Tape(exchange, session) for session in sessions]

    def close(self) -> None:
        """Let go of everything: there is nothing."""

    def frames(self) -> Iterator[tuple[int, int, bytes]]:
        """Yield tape, place and bytes of everything that can be damaged."""
        for number, tape in enumerate(self.tapes):
            for at, record in enumerate(tape.records):
                if record.dir in ("recv", "http"):
                    yield number, at, record.payload

    # -- what is tried -------------------------------------------------------------------------------

    def damage(self, number: int, at: int, data: bytes) -> list[str]:
        """Put other bytes in the place of a record and return what went wrong."""
        tape, at = self._place(number, at)
        playing = self._until(tape, at)
        before = {symbol: _levels(market) for symbol, market in playing.markets.items()}
        states = {symbol: market.book.state for symbol, market in playing.markets.items()}
        books = {symbol: _book(market) for symbol, market in playing.markets.items()}
        undecoded = playing.feed.undecoded_frames
        playing.play(_changed(tape.records[at], data))
        is_refused = playing.feed.undecoded_frames > undecoded
        wrong = self._wrong(playing)
        for symbol, market in playing.markets.items():
            if market.book.state is not BookState.LIVE or symbol not in before:
                continue
            if _book(market) == books[symbol]:
                continue
            if is_refused:
                wrong.append(f"{symbol}: a frame that was refused changed a book that is LIVE")
            elif states[symbol] is BookState.LIVE:
                stated = numbers(data)
                for price, size in _levels(market) - before[symbol]:
                    if stated is None or price not in stated or size not in stated:
                        wrong.append(f"{symbol}: {size} at {price} stands in the book and in no frame")
        for record in tape.records[at + 1 : at + 1 + _AFTERWARDS]:
            playing.play(record)
            wrong += self._wrong(playing)
        return wrong

    def reword(self, number: int, at: int, seed: bytes) -> list[str]:
        """Say the same in other words: it is understood as before, or refused."""
        tape, at = self._place(number, at)
        record = tape.records[at]
        playing = self._until(tape, at)
        undecoded = playing.feed.undecoded_frames
        playing.play(_changed(record, reworded(record.payload, random.Random(seed))))
        wrong = self._wrong(playing)
        if playing.feed.undecoded_frames == undecoded:
            for symbol, market in playing.markets.items():
                if _book(market) != tape.plain[at].get(symbol):
                    wrong.append(f"{symbol}: the same in other words gives another book")
        for after in tape.records[at + 1 : at + 1 + _AFTERWARDS]:
            playing.play(after)
            wrong += self._wrong(playing) + self._never_had(tape, playing)
        return wrong

    def shuffle(self, number: int, at: int, seed: bytes) -> list[str]:
        """Lose, double and swap frames: a book that is LIVE is one that there was."""
        tape, at = self._place(number, at)
        playing = self._until(tape, at)
        rng = random.Random(seed)
        rest = list(tape.records[at:])
        wrong: list[str] = []
        while rest:
            record = rest.pop(0)
            if record.dir == "recv":
                chance = rng.random()
                if chance < 0.1:
                    continue
                if chance < 0.2:
                    playing.play(record)
                elif chance < 0.3 and rest:
                    rest.insert(rng.randrange(min(3, len(rest))) + 1, record)
                    continue
            playing.play(record)
            wrong += self._wrong(playing) + self._never_had(tape, playing)
        return wrong

    # -- how -----------------------------------------------------------------------------------------

    def _place(self, number: int, at: int) -> tuple[_Tape, int]:
        tape = self.tapes[number % len(self.tapes)]
        at %= len(tape.records)
        while tape.records[at].dir not in ("recv", "http"):
            at = (at + 1) % len(tape.records)
        return tape, at

    def _until(self, tape: _Tape, at: int) -> _Playing:
        playing = _Playing(self.exchange)
        for record in tape.records[:at]:
            playing.play(record)
        return playing

    def _wrong(self, playing: _Playing) -> list[str]:
        wrong, playing.bugs = playing.bugs, []
        for symbol, market in playing.markets.items():
            book = market.book
            if book.state is BookState.LIVE and book.is_crossed:
                wrong.append(f"{symbol}: a book that is LIVE is crossed")
        return wrong

    def _never_had(self, tape: _Tape, playing: _Playing) -> list[str]:
        return [
            f"{symbol}: a book is LIVE that there never was"
            for symbol, market in playing.markets.items()
            if market.book.state is BookState.LIVE and _book(market) not in tape.had[symbol]
        ]


def _first(exchange: ExchangeUnderTest, count: int) -> Iterator[CaptureRecord]:
    assert exchange.capture is not None
    for number, record in enumerate(read_capture(exchange.capture, warn=lambda _: None)):
        if number == count:
            return
        yield record


def _changed(record: CaptureRecord, data: bytes) -> CaptureRecord:
    """Return the record with other bytes, as they are."""
    return msgspec.structs.replace(record, data=None, data_b64=base64.b64encode(data).decode())
