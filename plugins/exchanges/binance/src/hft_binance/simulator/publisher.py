"""Turn what happens in the world into Binance's streams, as far as somebody is subscribed."""

from __future__ import annotations

import re
from collections.abc import Iterable

import attrs

from hft import Clock, Price, Side, Size, Timer
from hft.sim import Hub, RecordedMarket, Step, SyntheticMarket
from hft_binance.simulator import frames
from hft_binance.simulator.listing import NS_PER_MS, SPOT, USDM, Listing, ProductRules

__all__ = ["MARKET", "PUBLIC", "Publisher"]

PUBLIC, MARKET = "public", "market"
"""The two routes of futures; a stream is silent on the one that it does not belong to."""

_DEPTH_MS = {
    SPOT: {"": 1000, "1000ms": 1000, "100ms": 100},
    USDM: {"": 250, "500ms": 500, "250ms": 250, "100ms": 100, "0ms": 0},
}
_MARK_MS = {"": 3000, "1s": 1000}

_STREAM = re.compile(
    r"(?P<symbol>[a-z0-9_]+)@(?P<kind>depth|markPrice)(?P<levels>5|10|20)?(?:@(?P<speed>\w+))?"
)


@attrs.define(eq=False)
class _Diff:
    """The changes of one symbol since this stream of them was last told."""

    topic: str
    listing: Listing
    interval_ns: int
    prev_id: int
    first_id: int = 0
    bids: dict[Price, Size] = attrs.field(factory=dict)
    asks: dict[Price, Size] = attrs.field(factory=dict)


class Publisher:
    """Renders events of synthetic markets for the subscribers of a hub.

    A topic is ``product-or-route/stream``. Streams that have a rhythm get a timer when somebody
    subscribes, and lose it when nobody is left. Recorded markets publish themselves.
    """

    def __init__(self, listings: Iterable[Listing], hub: Hub, clock: Clock) -> None:
        self._hub = hub
        self._clock = clock
        self._listings = {
            (listing.product.name, listing.symbol.lower()): listing
            for listing in listings
            if not isinstance(listing.market, RecordedMarket)
        }
        self._diffs: dict[str, _Diff] = {}
        self._diffs_of: dict[Listing, list[_Diff]] = {}
        self._timers: dict[str, Timer] = {}
        for listing in self._listings.values():
            if isinstance(listing.market, SyntheticMarket):
                self._watch(listing, listing.market)

    def stop(self) -> None:
        """Cancel every timer."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def activate(self, product: ProductRules, topic: str) -> None:
        """Set a stream in motion that somebody subscribed to; unknown ones stay silent."""
        route, _, stream = topic.partition("/")
        match = _STREAM.fullmatch(stream)
        listing = match and self._listings.get((product.name, match["symbol"]))
        if not match or listing is None or topic in self._timers or topic in self._diffs:
            return
        if match["kind"] == "markPrice":
            interval_ms = _MARK_MS.get(match["speed"] or "")
            if product is USDM and route == MARKET and not match["levels"] and interval_ms is not None:
                self._repeat_mark(topic, listing, interval_ms * NS_PER_MS)
            return
        interval_ms = _DEPTH_MS[product].get(match["speed"] or "")
        if interval_ms is None or route == MARKET:
            return
        if match["levels"]:
            interval_ns = max(interval_ms, 100) * NS_PER_MS
            self._repeat_partial(topic, listing, int(match["levels"]), interval_ns, listing.update_id - 1)
            return
        diff = _Diff(topic, listing, interval_ms * NS_PER_MS, listing.update_id)
        self._diffs[topic] = diff
        self._diffs_of.setdefault(listing, []).append(diff)
        if diff.interval_ns:
            self._repeat_diff(diff)

    # -- events ----------------------------------------------------------------------------------

    def _watch(self, listing: Listing, market: SyntheticMarket) -> None:
        name = listing.symbol.lower()
        spot = listing.product is SPOT
        route, market_route = ("spot", "spot") if spot else (PUBLIC, MARKET)
        trade_topic, ticker_topic = f"{route}/{name}@trade", f"{route}/{name}@bookTicker"
        agg_topic = f"{market_route}/{name}@aggTrade"
        hub, diffs = self._hub, self._diffs_of.setdefault(listing, [])
        best = self._best(market)

        def on_step(step: Step) -> None:
            nonlocal best
            now_ms = step.time_ns // NS_PER_MS
            for side, price, size in step.levels:
                update_id = listing.next_update_id()
                for diff in diffs:
                    (diff.bids if side is Side.BUY else diff.asks)[price] = size
                    diff.first_id = diff.first_id or update_id
            if step.trades:
                if hub.is_wanted(trade_topic):
                    for trade in step.trades:
                        hub.publish(trade_topic, frames.trade(listing, trade, now_ms))
                for group in listing.aggregate(step):
                    if hub.is_wanted(agg_topic):
                        hub.publish(agg_topic, frames.agg_trade(listing, group, now_ms))
            if hub.is_wanted(ticker_topic):
                was, best = best, self._best(market)
                if best != was:
                    hub.publish(ticker_topic, frames.book_ticker(listing, now_ms))
            for diff in tuple(diffs):
                if not diff.interval_ns:
                    self._flush(diff)

        market.observers.append(on_step)

    @staticmethod
    def _best(market: SyntheticMarket) -> tuple[object, object]:
        return market.engine.best(Side.BUY), market.engine.best(Side.SELL)

    # -- rhythms ---------------------------------------------------------------------------------

    def _repeat_diff(self, diff: _Diff) -> None:
        def again() -> None:
            if self._flush(diff):
                self._timers[diff.topic] = self._clock.call_later(diff.interval_ns, again)

        self._timers[diff.topic] = self._clock.call_later(diff.interval_ns, again)

    def _flush(self, diff: _Diff) -> bool:
        """Tell what has changed; False when nobody listens any more."""
        if not self._hub.is_wanted(diff.topic):
            del self._diffs[diff.topic]
            self._diffs_of[diff.listing].remove(diff)
            self._timers.pop(diff.topic, None)
            return False
        if diff.first_id:
            listing = diff.listing
            ids = (diff.first_id, listing.update_id, diff.prev_id)
            bids = [(listing.price(price), listing.size(size)) for price, size in diff.bids.items()]
            asks = [(listing.price(price), listing.size(size)) for price, size in diff.asks.items()]
            diff.prev_id, diff.first_id = listing.update_id, 0
            diff.bids.clear()
            diff.asks.clear()
            now_ms = self._clock.now_ns() // NS_PER_MS
            self._hub.publish(diff.topic, frames.depth_update(listing, ids, bids, asks, now_ms))
        return True

    def _repeat_partial(self, topic: str, listing: Listing, n: int, interval_ns: int, told_id: int) -> None:
        def again() -> None:
            if not self._hub.is_wanted(topic):
                del self._timers[topic]
                return
            update_id = listing.update_id
            if update_id != told_id:
                now_ms = self._clock.now_ns() // NS_PER_MS
                self._hub.publish(topic, frames.partial_depth(listing, n, told_id, now_ms))
            self._repeat_partial(topic, listing, n, interval_ns, update_id)

        self._timers[topic] = self._clock.call_later(interval_ns, again)

    def _repeat_mark(self, topic: str, listing: Listing, interval_ns: int) -> None:
        def again() -> None:
            if not self._hub.is_wanted(topic):
                del self._timers[topic]
                return
            mark = listing.market.mark
            if mark is not None:
                self._hub.publish(topic, frames.mark_price(listing, mark, self._clock.now_ns() // NS_PER_MS))
            self._timers[topic] = self._clock.call_later(interval_ns, again)

        self._timers[topic] = self._clock.call_later(interval_ns, again)
