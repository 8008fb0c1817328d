"""The book that hft takes by itself: the native one, where it is built."""

from __future__ import annotations

from benchmarks.books.hft_book import HftBook
from benchmarks.inputs import INSTRUMENT
from hft.book import new_book

__all__ = ["Book"]


class Book(HftBook):
    name = "hft"
    notes = {
        **HftBook.notes,
        "create": type(new_book(INSTRUMENT)).__name__,
    }

    def __init__(self) -> None:
        super().__init__(new_book)
