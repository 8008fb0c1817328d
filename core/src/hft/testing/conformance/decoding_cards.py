"""Cards of market-data streams about what they do not understand, and about recorded sessions."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator

import pytest

from hft.capture import CaptureRecord, read_capture
from hft.run.replay import ReplayReport, replay
from hft.testing.conformance.cards import card
from hft.testing.conformance.exchange import ExchangeUnderTest
from hft.testing.conformance.frames import MALFORMED, UNKNOWN
from hft.testing.conformance.public import recording
from hft.types import BookState

__all__ = ["DecodingCards"]


class DecodingCards:
    """Whatever comes is understood, or reported as not understood."""

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


def _replayed(
    exchange: ExchangeUnderTest, records: Iterable[CaptureRecord]
) -> tuple[ReplayReport, list[str]]:
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
