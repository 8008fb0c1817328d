"""The book that a user writes, on floats."""

from __future__ import annotations

from benchmarks.books.sorted_book import SortedDictBook

__all__ = ["Book"]


class Book(SortedDictBook):
    name = "sortedcontainers, json, float"

    def __init__(self) -> None:
        super().__init__(float)
