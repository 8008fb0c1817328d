"""Which implementation of the order book is in use, and why."""

from __future__ import annotations

import os
from collections.abc import Callable

import attrs

from hft.book.interface import OrderBook
from hft.book.sorted_book import SortedBook
from hft.instrument import Instrument

__all__ = ["BOOK", "BookChoice", "choose_book"]


@attrs.frozen
class BookChoice:
    """An implementation: how to make a book of it, what it is called, and why it was taken."""

    make: Callable[[Instrument], OrderBook]
    name: str
    reason: str


def choose_book() -> BookChoice:
    """Choose the native book, unless it is not there or the environment says ``HFT_PURE_PYTHON=1``."""
    if os.environ.get("HFT_PURE_PYTHON") == "1":
        return BookChoice(SortedBook, "pure", "HFT_PURE_PYTHON=1 asks for it")
    try:
        from hft.book.native_book import NativeBook
    except ImportError as error:
        return BookChoice(SortedBook, "pure", f"the native module is not there: {error}")
    return BookChoice(NativeBook, "native", "the native module is there")


BOOK = choose_book()
"""What `new_book` makes, chosen when this is imported."""
