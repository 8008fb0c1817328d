"""Turn what happens in the world into the public feeds of Hyperliquid, as far as somebody is subscribed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hft import Clock, Side, Timer
from hft.sim import Hub, Step, SyntheticMarket
from hft_hyperliquid.simulator.bodies import asset_context
from hft_hyperliquid.simulator.events import frame
from hft_hyperliquid.simulator.info import FULL_LEVELS, PublicInfo, book_body, trades_body
from hft_hyperliquid.simulator.listing import Listing

__all__ = ["FAST_LEVELS", "Publisher"]

FAST_LEVELS = 5


class Publisher:
    """Renders events of synthetic markets for the subscribers of a hub.

    Topics are ``l2Book/COIN``, ``l2Book/COIN/fast``, ``bbo/COIN``, ``trades/COIN``, ``activeAssetCtx/COIN``
    and ``allMids``. Whole books come every so often, best prices when they change.
    """

    def __init__(self, public: PublicInfo, hub: Hub, clock: Clock, *, full_ns: int, fast_ns: int) -> None:
        self._public = public
        self._hub = hub
        self._clock = clock
        self._intervals = {FULL_LEVELS: full_ns, FAST_LEVELS: fast_ns}
        self._timers: dict[str, Timer] = {}
        for listing in public.by_coin.values():
            if isinstance(listing.market, SyntheticMarket):
                self._watch(listing, listing.market)

    def stop(self) -> None:
        """Cancel every timer."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def first(self, topic: str) -> list[str]:
        """Return what a subscription begins with, and set in motion what comes at its own pace."""
        kind, _, rest = topic.partition("/")
        if kind == "allMids":
            self._repeat(topic, self._intervals[FAST_LEVELS], self._mids)
            return [self._mids()]
        coin, fast = (rest.removesuffix("/fast"), rest.endswith("/fast"))
        listing = self._public.by_coin[coin]
        if not listing.market.is_ready:
            return []  # of a recorded market, until its first book has been played
        if kind == "l2Book":
            levels = FAST_LEVELS if fast else FULL_LEVELS
            write = self._book_writer(listing, levels)
            if isinstance(listing.market, SyntheticMarket):
                self._repeat(topic, self._intervals[levels], write)
            return [write()]
        if kind == "trades":
            recent = self._public.recent(listing)
            return [frame("trades", recent)] if recent else []
        return [self._context(listing) if kind == "activeAssetCtx" else self._bbo(listing)]

    # -- what is written -----------------------------------------------------------------------------

    def _mids(self) -> str:
        return frame("allMids", {"mids": self._public.mids()})

    def _book_writer(self, listing: Listing, levels: int) -> Callable[[], str]:
        return lambda: frame("l2Book", book_body(listing, levels, self._public.now_ms()))

    @staticmethod
    def _context(listing: Listing) -> str:
        channel = "activeSpotAssetCtx" if listing.is_spot else "activeAssetCtx"
        return frame(channel, {"coin": listing.coin, "ctx": asset_context(listing)})

    def _bbo(self, listing: Listing) -> str:
        best: list[Any] = [
            next((listing.level(side, *level) for level in listing.market.levels(side, 1)), None)
            for side in Side
        ]
        return frame("bbo", {"coin": listing.coin, "time": self._public.now_ms(), "bbo": best})

    # -- events --------------------------------------------------------------------------------------

    def on_mark(self, market: SyntheticMarket) -> None:
        """Tell of a new mark price."""
        for listing in self._public.perps:
            topic = f"activeAssetCtx/{listing.coin}"
            if listing.market is market and self._hub.is_wanted(topic):
                self._hub.publish(topic, self._context(listing))

    def _watch(self, listing: Listing, market: SyntheticMarket) -> None:
        hub = self._hub
        trades_topic, bbo_topic = f"trades/{listing.coin}", f"bbo/{listing.coin}"
        best = self._best(market)

        def on_step(step: Step) -> None:
            nonlocal best
            if step.trades and hub.is_wanted(trades_topic):
                hub.publish(trades_topic, frame("trades", trades_body(listing, step.trades)))
            was, best = best, self._best(market)
            if best != was and hub.is_wanted(bbo_topic):
                hub.publish(bbo_topic, self._bbo(listing))

        market.observers.append(on_step)

    @staticmethod
    def _best(market: SyntheticMarket) -> tuple[object, object]:
        return market.engine.best(Side.BUY), market.engine.best(Side.SELL)

    def _repeat(self, topic: str, interval_ns: int, write: Callable[[], str]) -> None:
        if topic in self._timers:
            return

        def again() -> None:
            if not self._hub.is_wanted(topic):
                self._timers.pop(topic, None)
                return
            self._hub.publish(topic, write())
            self._timers[topic] = self._clock.call_later(interval_ns, again)

        self._timers[topic] = self._clock.call_later(interval_ns, again)
