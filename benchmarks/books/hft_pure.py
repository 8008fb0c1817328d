"""hft's book without its native module."""

from __future__ import annotations

from benchmarks.books.hft_book import HftBook
from hft.book import SortedBook

__all__ = ["Book"]


class Book(HftBook):
    name = "hft, pure Python"

    def __init__(self) -> None:
        super().__init__(SortedBook)
