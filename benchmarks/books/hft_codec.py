"""hft's book where no message takes the short way: the stream decodes each by its codec."""

from __future__ import annotations

from benchmarks.books.hft_book import HftBook
from hft import DepthPaths, RecordedFeed
from hft.book import new_book

__all__ = ["Book"]


class _LongFeed(RecordedFeed):
    def use_paths(self, conn: str, paths: DepthPaths) -> None:
        """Forget it."""


class Book(HftBook):
    name = "hft, through its codec"
    feed_type = _LongFeed
    notes = {**HftBook.notes, "frame": "as a message that is not written to the byte as expected"}

    def __init__(self) -> None:
        super().__init__(new_book)
