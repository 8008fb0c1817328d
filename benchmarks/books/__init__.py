"""The order books under comparison, each driven the fastest way that its project documents."""

from __future__ import annotations

from benchmarks.books.interface import BookUnderTest, Levels
from benchmarks.books.roster import NAMES, load_books

__all__ = ["NAMES", "BookUnderTest", "Levels", "load_books"]
