"""See every update of the book, and do nothing."""

from __future__ import annotations

import attrs

from hft import OrderBook, Strategy


@attrs.frozen(kw_only=True)
class Config:
    """Nothing to set."""


class Books(Strategy[Config]):
    """Is called for every update."""

    def on_book(self, book: OrderBook) -> None:
        """Do nothing."""
