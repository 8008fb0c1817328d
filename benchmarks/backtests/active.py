"""State a bid and an ask at the best prices at every update of the book."""

from __future__ import annotations

import attrs

from hft import OrderBook, Size, Strategy

SIZE = Size(10)


@attrs.frozen(kw_only=True)
class Config:
    """Nothing to set."""


class Active(Strategy[Config]):
    """Joins the best bid and ask, always."""

    def on_book(self, book: OrderBook) -> None:
        """State the quotes as they are to be now."""
        bid, ask = book.best_bid, book.best_ask
        if bid is not None and ask is not None:
            self.trading.quote(book.instrument, [(bid, SIZE)], [(ask, SIZE)])
