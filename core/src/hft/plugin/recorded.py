"""The markets of one exchange as captures tell of them, through its own codec and synchroniser."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from hft.clock import SimulatedClock
from hft.instrument import Instrument
from hft.market import Channel, Market
from hft.plugin.feed import RecordedFeed
from hft.plugin.market_data import MarketDataStream

if TYPE_CHECKING:  # reading captures takes libraries that nothing else here needs
    from hft.capture import CaptureRecord

__all__ = ["RecordedMarkets"]


class RecordedMarkets:
    """Plays records in their order, at their own times, and keeps the markets that come of them.

    ``markets`` are by unified symbol: those that the records themselves list. With every new listing the
    stream is subscribed again, to all of them. ``make`` makes each market, which is heard on every channel.
    Records that say they are another exchange's are left out, and that exchange is noted in ``skipped``.
    ``clock`` never goes backwards, also where the records do. ``warn`` takes a key, by which it limits the
    rate, and a line.
    """

    def __init__(
        self,
        exchange: str,
        stream_class: type[MarketDataStream[Any]],
        config: Any,
        *,
        warn: Callable[[str, str], None],
        make: Callable[[Instrument], Market] = Market,
    ) -> None:
        self.clock = SimulatedClock()
        self.feed = RecordedFeed(exchange, stream_class.environments[0], clock=self.clock, warn=warn)
        self.feed.stream = stream_class(config, self.feed)
        self.markets: dict[str, Market] = {}
        self._make = make
        self._listings = 0
        self._skipped: dict[str, None] = {}

    @property
    def skipped(self) -> tuple[str, ...]:
        """The other exchanges whose records were left out."""
        return tuple(self._skipped)

    def play(self, record: CaptureRecord) -> None:
        """Take the next record."""
        feed = self.feed
        if record.exchange is not None and record.exchange != feed.exchange:
            self._skipped[record.exchange] = None
            return
        self.clock.advance_to(record.t)
        feed.play(record)
        if feed.listings != self._listings:
            self._listings = feed.listings
            if self._list(feed.instruments.values()):
                feed.stream.subscribe(list(self.markets.values()))

    def _list(self, instruments: Iterable[Instrument]) -> bool:
        """Make a market of each instrument that is new; return whether any is."""
        changed = False
        for instrument in instruments:
            known = self.markets.get(instrument.symbol)
            # Listed again is the same instrument, unless its grid has changed: then its book begins anew.
            if known is not None and _same_grid(known.instrument, instrument):
                continue
            market = self.markets[instrument.symbol] = self._make(instrument)
            for channel in Channel:
                market.listen(channel, _ignore)
            if known is not None:
                market.counters = known.counters
            changed = True
        return changed


def _same_grid(known: Instrument, new: Instrument) -> bool:
    return (known.native_symbol, known.tick_size, known.lot_size, known.contract_multiplier) == (
        new.native_symbol,
        new.tick_size,
        new.lot_size,
        new.contract_multiplier,
    )


def _ignore(_event: Any) -> None:
    """Listen to a channel only so that it is subscribed to."""
