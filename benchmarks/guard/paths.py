"""The paths that are counted, each over a fixed input."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count, islice

import attrs

from benchmarks.chain import Chain
from benchmarks.inputs import INSTRUMENT, DepthInput, depth_input
from hft import Clock, Instrument, OrderBook, SimulatedClock
from hft.book import SortedBook, new_book

__all__ = ["COUNTED", "NOW_NS", "Path", "paths"]

COUNTED = 200
"""How many frames are counted; their numbers are recorded as a sum."""

NOW_NS = 1_700_000_000_000_000_000
"""When every frame arrives, and when everything about it happens: the clock stands still."""

_LEVELS = 1_000


@attrs.frozen(kw_only=True)
class Path:
    """``frames`` yields what is to be counted, and leaves the book at the end as it was at the beginning."""

    name: str
    chain: Chain
    frames: Callable[[], Iterator[bytes]]
    pass_length: int
    """How many frames one pass handles, those included that only bring the book back."""


def paths() -> list[Path]:
    """Return the paths, those through the book on every kind of book that there is here."""
    depth = depth_input(_LEVELS)
    clock = SimulatedClock(NOW_NS)
    quiet = Chain(depth, clock, strategy=None)
    books = {type(make(INSTRUMENT)): make for make in (new_book, SortedBook)}
    return [
        Path(name="trade that nobody listens to", chain=quiet, frames=_trades(), pass_length=COUNTED),
        *(path for make in books.values() for path in _book_paths(depth, clock, make)),
    ]


def _book_paths(depth: DepthInput, clock: Clock, make_book: Callable[[Instrument], OrderBook]) -> list[Path]:
    quiet = Chain(depth, clock, strategy=None, make_book=make_book)
    order = Chain(depth, clock, make_book=make_book)
    kind = type(quiet.book).__name__
    return [
        Path(
            name=f"depth frame to {kind}",
            chain=quiet,
            frames=partial(_depth_frames, quiet, depth),
            pass_length=len(depth.frames),
        ),
        Path(
            name=f"depth frame to {kind} to order, five rules",
            chain=order,
            frames=partial(_depth_frames, order, depth),
            pass_length=len(depth.frames),
        ),
    ]


def _depth_frames(chain: Chain, depth: DepthInput) -> Iterator[bytes]:
    chain.rewind()
    yield from depth.frames[:COUNTED]
    for frame in depth.frames[COUNTED:]:
        chain.on_frame(frame, NOW_NS)
        chain.answer()


def _trades() -> Callable[[], Iterator[bytes]]:
    # A trade that is not newer than the last is dropped early: each time there are new ones.
    numbers = count(1)

    def frames() -> Iterator[bytes]:
        for number in islice(numbers, COUNTED):
            yield (
                b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1723100000000,"s":"BTCUSDT",'
                b'"t":%d,"p":"60000.01000000","q":"0.00100000","T":1723100000000,"m":true,"M":true}}'
            ) % (4_000_000_000 + number)

    return frames
