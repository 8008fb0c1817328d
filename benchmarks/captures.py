"""Recorded frames through each exchange's codec, as ``hft replay`` plays them."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.schedule import Contestant, Row
from hft import Channel, Instrument, Market, MarketDataStream, RecordedFeed, SimulatedClock
from hft.capture import CaptureRecord, read_capture
from hft.registry.discovery import PluginKind
from hft.registry.loader import Registry
from hft.run.replay import replay

__all__ = ["FOLDER", "capture_rows"]

FOLDER = Path(__file__).resolve().parents[1].parent / "shared" / "captures"
"""Recorded sessions, kept beside the repository: they are other people's data and not part of it."""

_RECORDS = 20_000


def capture_rows() -> tuple[list[Row], dict[str, str]]:
    """Return one row for each capture, and the reasons why others cannot be played."""
    if not FOLDER.is_dir():
        return [], {"captures": "there is no folder shared/captures beside the repository"}
    rows, missing = [], {}
    for path in sorted(FOLDER.glob("*/*.jsonl*")):
        exchange = path.parent.name
        try:
            stream = Registry().load(PluginKind.EXCHANGE, exchange).market_data()
        # One exchange that cannot be played must not take the others' figures away.
        except Exception as error:
            missing[f"{exchange}/{path.name}"] = str(error)
        else:
            assert stream is not None
            records = list(islice(read_capture(path), _RECORDS))
            rows.append(_row(f"{exchange}/{path.name}", exchange, stream, records))
    return rows, missing


def _row(name: str, exchange: str, stream: type[MarketDataStream[Any]], records: list[CaptureRecord]) -> Row:
    instruments, playable = _listed(exchange, stream, records)
    frames = [record.payload for record in playable if record.dir == "recv"]

    def play() -> None:
        feed = _feed(exchange, stream)
        markets = [Market(instrument) for instrument in instruments]
        for market in markets:
            for channel in Channel:
                market.listen(channel, _look)
        feed.stream.subscribe(markets)
        for record in playable:
            feed.clock.advance_to(record.t)
            feed.play(record)
        assert feed.frames == len(frames)

    def contestant(title: str, run: Callable[[], None], note: str = "") -> Contestant:
        return Contestant(
            name=title, statement="run()", names={"run": run}, operations=len(frames), note=note
        )

    decoders: dict[str, Callable[[bytes], Any]] = {
        "json.loads": json.loads,
        "msgspec, untyped": msgspec.json.Decoder().decode,
    }
    missing = {}
    try:
        decoders["orjson.loads"] = importlib.import_module("orjson").loads
    except ImportError as error:
        missing["orjson"] = str(error)
    return Row(
        name=f"one recorded message, {name}, the first {len(frames):,}",
        contestants=[
            contestant("hft", play, "typed, book in step, events to one listener a channel"),
            *(
                contestant(f"{title}, nothing else", _loop(decode, frames))
                for title, decode in decoders.items()
            ),
        ],
        missing=missing,
    )


class _Feed(RecordedFeed):
    clock: SimulatedClock


def _feed(exchange: str, stream: type[MarketDataStream[Any]]) -> _Feed:
    feed = _Feed(exchange, stream.environments[0], clock=SimulatedClock())
    feed.stream = stream(stream.Config(), feed)
    return feed


def _listed(
    exchange: str, stream: type[MarketDataStream[Any]], records: list[CaptureRecord]
) -> tuple[list[Instrument], list[CaptureRecord]]:
    """Return the instruments that the records are about, and the records without those that list them."""
    feed, playable = _feed(exchange, stream), []
    for record in records:
        if record.dir == "http":
            before = feed.listings
            feed.play(record)
            if feed.listings != before:
                continue
        playable.append(record)
    report = replay(records, stream, stream.Config(), exchange=exchange, warn=lambda _, line: None)
    return [market.instrument for market in report.markets.values()], playable


def _look(event: Any) -> None:
    """Listen, as somebody has to."""


def _loop(decode: Callable[[bytes], Any], frames: list[bytes]) -> Callable[[], None]:
    def run() -> None:
        for frame in frames:
            decode(frame)

    return run
