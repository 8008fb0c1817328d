"""Memory of many books, each kind in a process of its own."""

from __future__ import annotations

import gc
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs

from benchmarks.inputs import DepthInput, depth_input

__all__ = ["MemoryFigure", "memory_of_books"]

COUNT = 500
LEVELS = 1_000


@attrs.frozen(kw_only=True)
class MemoryFigure:
    """What ``COUNT`` books of ``LEVELS`` levels a side added to a process's resident memory."""

    name: str
    megabytes: float


def memory_of_books() -> tuple[list[MemoryFigure], dict[str, str]]:
    """Fill the books of each kind in a child process; return the figures, and why others are missing."""
    figures, missing = [], {}
    for name in _MAKERS:
        child = subprocess.run(
            [sys.executable, "-m", "benchmarks.memory", name], capture_output=True, text=True, check=False
        )
        if child.returncode:
            missing[name] = child.stderr.strip().splitlines()[-1]
        else:
            figures.append(MemoryFigure(name=name, megabytes=json.loads(child.stdout)))
    return figures, missing


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


# -- a filled book of each kind; what it holds is parsed anew for every book, as it would be -----------------


def _hft(depth: DepthInput) -> Any:
    from benchmarks.inputs import INSTRUMENT
    from hft.book import new_book
    from hft_binance import codec

    return _load_hft(new_book(INSTRUMENT), codec.decode_depth_snapshot(depth.snapshot))


def _hft_pure(depth: DepthInput) -> Any:
    from benchmarks.inputs import INSTRUMENT
    from hft.book import SortedBook
    from hft_binance import codec

    return _load_hft(SortedBook(INSTRUMENT), codec.decode_depth_snapshot(depth.snapshot))


def _load_hft(book: Any, snapshot: Any) -> Any:
    book.apply_snapshot(snapshot.bids, snapshot.asks)
    assert len(book.bids()) == LEVELS
    return book


def _sorted(depth: DepthInput) -> Any:
    from sortedcontainers import SortedDict

    return [
        SortedDict((float(price), float(size)) for price, size in side) for side in (depth.bids, depth.asks)
    ]


def _order_book(depth: DepthInput) -> Any:
    book = importlib.import_module("order_book").OrderBook()
    book.bids = {Decimal(price): Decimal(size) for price, size in depth.bids}
    book.asks = {Decimal(price): Decimal(size) for price, size in depth.asks}
    book.bids.index(0), book.asks.index(0)
    return book


def _contestant(module: str) -> Callable[[DepthInput], Any]:
    def make(depth: DepthInput) -> Any:
        book = importlib.import_module(f"benchmarks.books.{module}").Book()
        book._depth = depth
        book.load_raw()
        return book

    return make


_MAKERS: dict[str, Callable[[DepthInput], Any]] = {
    "hft": _hft,
    "hft, pure Python": _hft_pure,
    "sortedcontainers, float": _sorted,
    "order_book, Decimal": _order_book,
    "nautilus_trader": _contestant("nautilus"),
    "cryptofeed": _contestant("cryptofeed_book"),
}


def main(name: str) -> None:
    """Print, as JSON, by how many megabytes the books of a kind made this process grow."""
    make, depth = _MAKERS[name], depth_input(LEVELS, 0)
    warm = make(depth)
    gc.collect()
    before = _resident_bytes()
    books = [make(depth) for _ in range(COUNT)]
    gc.collect()
    print(json.dumps((_resident_bytes() - before) / 1e6))
    del warm, books


if __name__ == "__main__":
    main(sys.argv[1])
