"""State a bid and an ask at the best prices ten times a second."""

from __future__ import annotations

import attrs

from hft import Size, Strategy

RENEW_NS = 100_000_000
SIZE = Size(10)


@attrs.frozen(kw_only=True)
class Config:
    """Nothing to set."""


class Quotes(Strategy[Config]):
    """Joins the best bid and ask."""

    def on_start(self) -> None:
        (self.market,) = self.trading.markets
        self.trading.every(RENEW_NS, self.renew)

    def renew(self) -> None:
        """State the quotes as they are to be now."""
        book = self.market.book
        bid, ask = book.best_bid, book.best_ask
        if bid is not None and ask is not None:
            self.trading.quote(book.instrument, [(bid, SIZE)], [(ask, SIZE)])
