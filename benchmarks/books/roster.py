"""Which books there are, and which of them can be had here."""

from __future__ import annotations

import importlib

from benchmarks.books.interface import BookUnderTest

__all__ = ["NAMES", "load_books"]

_OURS = {
    "hft": "hft_native",
    "hft, through its codec": "hft_codec",
    "hft, pure Python": "hft_pure",
}

_PEERS = {
    "sortedcontainers, json, float": "sorted_float",
    "sortedcontainers, json, Decimal": "sorted_decimal",
    "nautilus_trader": "nautilus",
    "order_book, orjson, Decimal": "order_book_decimal",
    "order_book, orjson, float": "order_book_float",
    "ccxt.pro": "ccxt_pro",
    "cryptofeed": "cryptofeed_book",
}

# Named, as its users will look for it.
_NOT_COMPARABLE = {
    "hftbacktest": "its book lives in its backtester and takes numpy records in compiled code; no call of it"
    " takes a message or can be timed from Python"
}

NAMES = (*_OURS, *_PEERS)
"""By the order in which they are shown."""


def load_books() -> tuple[dict[str, type[BookUnderTest]], dict[str, str]]:
    """Return the books that can be imported, and the reasons why the others cannot."""
    books = {name: _load(module) for name, module in _OURS.items()}
    missing = dict(_NOT_COMPARABLE)
    for name, module in _PEERS.items():
        try:
            books[name] = _load(module)
        # Whatever is wrong with a peer, the others are measured, and the table says what it was.
        except Exception as error:
            missing[name] = f"{type(error).__name__}: {error}"
    return books, missing


def _load(module: str) -> type[BookUnderTest]:
    book: type[BookUnderTest] = importlib.import_module(f"benchmarks.books.{module}").Book
    return book
