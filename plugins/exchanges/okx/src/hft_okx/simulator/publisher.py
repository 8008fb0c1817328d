"""Turn what happens in the world into OKX's public channels, as far as somebody is subscribed."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from hft import Clock, Price, Side, Size, Timer
from hft.sim import Hub, Mark, Step, Subscriber, SyntheticMarket, World
from hft_okx.simulator import frames
from hft_okx.simulator.listing import NS_PER_MS, NS_PER_S, Listing

__all__ = ["BUSINESS_CHANNELS", "PUBLIC_CHANNELS", "Publisher"]

PUBLIC_CHANNELS = frozenset(
    {
        *("books", "books5", "bbo-tbt", "books-l2-tbt", "books50-l2-tbt", "trades", "tickers", "mark-price"),
        *("funding-rate", "instruments", "status", "price-limit", "open-interest", "index-tickers"),
    }
)
"""Those of them that bring nothing here can be subscribed to all the same."""

BUSINESS_CHANNELS = frozenset({"trades-all", "candle1m"})

_DEPTHS = {"books": 400}
_BEST = {"books5": 5, "bbo-tbt": 1}
_RHYTHM_NS = 100 * NS_PER_MS
_HEARTBEAT_NS = 60 * NS_PER_S
_FUNDING_NS = 30 * NS_PER_S


@attrs.define(eq=False)
class _Diff:
    """The changes of one book since they were last told."""

    listing: Listing
    prev_id: int
    told_ns: int
    bids: dict[Price, Size] = attrs.field(factory=dict)
    asks: dict[Price, Size] = attrs.field(factory=dict)


class Publisher:
    """Renders events of synthetic markets for the subscribers of a hub.

    A topic is ``channel/name``. Recorded markets publish themselves. The changes of all books are told every
    100 ms, while anybody wants them; of one that does not change an empty update is told every minute.
    """

    def __init__(self, listings: Iterable[Listing], hub: Hub, world: World) -> None:
        self._hub = hub
        self._clock: Clock = world.clock
        self._listings = {
            listing.name: listing for listing in listings if isinstance(listing.market, SyntheticMarket)
        }
        self._by_market = {listing.market: listing for listing in self._listings.values()}
        self._diffs: dict[str, _Diff] = {}
        self._told_funding_ns: dict[Listing, int] = {}
        self._timer: Timer | None = None
        for listing in self._listings.values():
            self._watch(listing)
        world.mark_observers.append(self._on_mark)

    def stop(self) -> None:
        """Cancel the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def subscribed(self, subscriber: Subscriber, channel: str, name: str) -> None:
        """Tell a new subscriber what there is of a channel."""
        listing = self._listings.get(name)
        if listing is None:
            return
        topic, now_ms = f"{channel}/{name}", self._now_ms()
        market = listing.market
        payload = ""
        if channel in _DEPTHS:
            # Those who are subscribed already hear first what led to this book.
            diff = self._diffs.get(name)
            if diff is None:
                diff = self._diffs[name] = _Diff(listing, listing.seq_id, self._clock.now_ns())
                self._begin()
            self._flush(diff)
            depth = _DEPTHS[channel]
            bids, asks = listing.levels(Side.BUY, depth), listing.levels(Side.SELL, depth)
            payload = frames.book(listing, channel, bids, asks, (-1, diff.prev_id), now_ms)
        elif channel in _BEST:
            payload = frames.best(listing, channel, _BEST[channel], now_ms)
        elif channel == "tickers":
            payload = frames.data(channel, name, [frames.ticker(listing, now_ms)])
        elif channel == "trades" and market.trades:
            last = market.trades[-1]
            payload = frames.data(channel, name, [frames.trade(listing, last, last.size, 1)])
        elif channel == "mark-price" and market.mark is not None:
            payload = frames.data(channel, name, [frames.mark_price(listing, market.mark, now_ms)])
        elif channel == "funding-rate" and market.mark is not None:
            payload = self._funding(listing, market.mark)
        if payload:
            self._hub.publish_to(subscriber, topic, payload)

    def begin_anew(self, name: str) -> None:
        """Let the ids of a book begin anew, as at maintenance; its subscribers are told how."""
        listing = self._listings[name]
        diff = self._diffs.get(name)
        if diff is not None:
            self._flush(diff)
        before = listing.begin_anew()
        if diff is not None:
            ids = (before, listing.seq_id)
            diff.prev_id, diff.told_ns = listing.seq_id, self._clock.now_ns()
            self._hub.publish(f"books/{name}", frames.book(listing, "books", [], [], ids, self._now_ms()))

    # -- events ----------------------------------------------------------------------------------

    def _watch(self, listing: Listing) -> None:
        market, hub, name = listing.synthetic(), self._hub, listing.name
        best = self._best(market)

        def on_step(step: Step) -> None:
            nonlocal best
            diff = self._diffs.get(name)
            for side, price, size in step.levels:
                listing.count_change()
                if diff is not None:
                    (diff.bids if side is Side.BUY else diff.asks)[price] = size
            if step.trades:
                if hub.is_wanted(f"trades/{name}"):
                    for row in frames.merged(listing, step.trades):
                        hub.publish(f"trades/{name}", frames.data("trades", name, [row]))
                if hub.is_wanted(f"trades-all/{name}"):
                    for each in step.trades:
                        row = frames.trade(listing, each, each.size, 1)
                        hub.publish(f"trades-all/{name}", frames.data("trades-all", name, [row]))
            was, best = best, self._best(market)
            if best != was:
                for channel, depth in _BEST.items():
                    if hub.is_wanted(f"{channel}/{name}"):
                        payload = frames.best(listing, channel, depth, step.time_ns // NS_PER_MS)
                        hub.publish(f"{channel}/{name}", payload)
            if (step.trades or best != was) and hub.is_wanted(f"tickers/{name}"):
                row = frames.ticker(listing, step.time_ns // NS_PER_MS)
                hub.publish(f"tickers/{name}", frames.data("tickers", name, [row]))

        market.observers.append(on_step)

    @staticmethod
    def _best(market: SyntheticMarket) -> tuple[object, object]:
        return market.engine.best(Side.BUY), market.engine.best(Side.SELL)

    def _on_mark(self, market: SyntheticMarket, settled: Mark | None) -> None:
        listing = self._by_market.get(market)
        if listing is None or market.mark is None:
            return
        name, now_ns = listing.name, self._clock.now_ns()
        if self._hub.is_wanted(f"mark-price/{name}"):
            row = frames.mark_price(listing, market.mark, now_ns // NS_PER_MS)
            self._hub.publish(f"mark-price/{name}", frames.data("mark-price", name, [row]))
        told_ns = self._told_funding_ns.get(listing, 0)
        if self._hub.is_wanted(f"funding-rate/{name}") and (
            settled is not None or now_ns - told_ns >= _FUNDING_NS
        ):
            self._told_funding_ns[listing] = now_ns
            self._hub.publish(f"funding-rate/{name}", self._funding(listing, market.mark))

    def _funding(self, listing: Listing, mark: Mark) -> str:
        settled = listing.market.settled[-1] if listing.market.settled else None
        row = frames.funding(listing, mark, settled, self._now_ms())
        return frames.data("funding-rate", listing.name, [row])

    # -- the rhythm of books -----------------------------------------------------------------------

    def _begin(self) -> None:
        if self._timer is None:
            self._timer = self._clock.call_later(_RHYTHM_NS, self._again)

    def _again(self) -> None:
        self._timer = None
        for name, diff in list(self._diffs.items()):
            if not self._hub.is_wanted(f"books/{name}"):
                del self._diffs[name]
            else:
                self._flush(diff)
        if self._diffs:
            self._begin()

    def _flush(self, diff: _Diff) -> None:
        listing, now_ns = diff.listing, self._clock.now_ns()
        silent = now_ns - diff.told_ns >= _HEARTBEAT_NS
        if not (diff.bids or diff.asks or silent):
            return
        bids = [listing.level(price, size) for price, size in diff.bids.items()]
        asks = [listing.level(price, size) for price, size in diff.asks.items()]
        ids = (diff.prev_id, listing.seq_id)
        diff.prev_id, diff.told_ns = listing.seq_id, now_ns
        diff.bids.clear()
        diff.asks.clear()
        payload = frames.book(listing, "books", bids, asks, ids, now_ns // NS_PER_MS)
        self._hub.publish(f"books/{listing.name}", payload)

    def _now_ms(self) -> int:
        return self._clock.now_ns() // NS_PER_MS
