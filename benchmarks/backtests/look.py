"""Look at the best bid ten times a second."""

from __future__ import annotations

import attrs

from hft import Strategy

RENEW_NS = 100_000_000


@attrs.frozen(kw_only=True)
class Config:
    """Nothing to set."""


class Look(Strategy[Config]):
    """Sums up what it sees, so that it has to look."""

    def on_start(self) -> None:
        (self.market,) = self.trading.markets
        self.seen = 0
        self.trading.every(RENEW_NS, self.look)

    def look(self) -> None:
        """Look once."""
        self.seen += self.market.book.best_bid or 0
