"""Order books: the interface, and the implementation in use."""

from __future__ import annotations

from hft.book.choice import BOOK
from hft.book.interface import JsonSlice, Level, OrderBook
from hft.book.layout import Chain, DepthLayout, DepthMessage, DepthPart
from hft.book.sorted_book import SortedBook
from hft.instrument import Instrument

__all__ = [
    "BOOK",
    "Chain",
    "DepthLayout",
    "DepthMessage",
    "DepthPart",
    "JsonSlice",
    "Level",
    "OrderBook",
    "SortedBook",
    "new_book",
]


def new_book(instrument: Instrument) -> OrderBook:
    """Make an empty book in state SYNCING, of the fastest implementation there is."""
    return BOOK.make(instrument)
