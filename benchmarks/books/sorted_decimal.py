"""The book that a user writes, on Decimals."""

from __future__ import annotations

from decimal import Decimal

from benchmarks.books.sorted_book import SortedDictBook

__all__ = ["Book"]


class Book(SortedDictBook):
    name = "sortedcontainers, json, Decimal"

    def __init__(self) -> None:
        super().__init__(Decimal)
