"""Make columns of captures, through the codec and the synchroniser of their exchange."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs

from hft.capture import CaptureRecord
from hft.data.store import Store
from hft.instrument import Instrument
from hft.market import Market
from hft.plugin.market_data import MarketDataStream
from hft.plugin.recorded import RecordedMarkets
from hft.run.market_recorder import MarketRecorder

__all__ = ["Conversion", "convert"]

_BUFFERED_ROWS = 8_192
"""Rows of one instrument that wait to be written: 290 kB, for there may be hundreds of instruments."""


@attrs.frozen(kw_only=True)
class Conversion:
    """What was read: ``skipped`` are the exchanges whose records were left out."""

    frames: int
    undecoded: int
    skipped: tuple[str, ...]


def convert(
    records: Iterable[CaptureRecord],
    stream_class: type[MarketDataStream[Any]],
    config: Any,
    *,
    exchange: str,
    store: Store,
    warn: Callable[[str, str], None],
) -> Conversion:
    """Play records as `replay` does, and put what their markets show into the store.

    ``warn`` takes a key, by which it limits the rate, and a line.
    """
    recorders: list[MarketRecorder] = []

    def make(instrument: Instrument) -> Market:
        recorders.append(MarketRecorder(instrument, playing.clock, write, store.add_funding, _BUFFERED_ROWS))
        return recorders[-1].market

    def write(recorder: MarketRecorder) -> None:
        store.add(recorder.instrument, recorder.rows.take())

    playing = RecordedMarkets(exchange, stream_class, config, warn=warn, make=make)
    for record in records:
        playing.play(record)
    for recorder in recorders:
        write(recorder)
    return Conversion(
        frames=playing.feed.frames, undecoded=playing.feed.undecoded_frames, skipped=playing.skipped
    )
