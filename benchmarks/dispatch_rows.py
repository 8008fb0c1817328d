"""The rows about what an event costs beyond decoding it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.chain import Chain, Watch
from benchmarks.inputs import DepthInput, depth_input
from benchmarks.schedule import Contestant, Row
from hft import Instrument, OrderBook, SystemClock
from hft.book import SortedBook, new_book
from hft_binance import codec

__all__ = ["dispatch_rows"]


def dispatch_rows() -> list[Row]:
    """Return a row for the book that hft takes by itself, and one for the pure one if that is another."""
    depth = depth_input(1_000)
    rows = [_row(depth, new_book)]
    if not isinstance(Chain(depth, SystemClock(), strategy=None).book, SortedBook):
        rows.append(_row(depth, SortedBook))
    return rows


def _row(depth: DepthInput, make_book: Callable[[Instrument], OrderBook]) -> Row:
    clock = SystemClock()

    def contestant(name: str, chain: Chain, note: str = "", statement: str = "") -> Contestant:
        names: dict[str, Any] = {"chain": chain, "on_frame": chain.on_frame, "frames": depth.frames}
        names["bare"] = _bare(chain, depth.frames)
        return Contestant(
            name=name,
            statement=statement or "chain.rewind()\nfor frame in frames: on_frame(frame, 0)",
            names=names,
            operations=len(depth.frames),
            note=note,
        )

    quiet = Chain(depth, clock, strategy=None, make_book=make_book)
    kind = type(quiet.book).__name__
    return Row(
        name=f"one depth message on {kind}",
        contestants=[
            contestant("decode by the codec and apply, nothing else", quiet, statement="bare()"),
            contestant(
                "nobody listens", quiet, "feed, dispatch, sequence check, crossed check, counters, clock"
            ),
            contestant(
                "one strategy listens",
                Chain(depth, clock, strategy=Watch, make_book=make_book),
                "guarded; it reads the touch",
            ),
        ],
    )


def _bare(chain: Chain, frames: Sequence[bytes]) -> Callable[[], None]:
    """Return what decodes the frames and applies them with nothing in between."""
    envelope, depth, apply_delta = codec.decode_envelope, codec.decode_depth, chain.book.apply_delta

    def run() -> None:
        for frame in frames:
            update = depth(envelope(frame).data)
            apply_delta(update.bids, update.asks)

    return run
