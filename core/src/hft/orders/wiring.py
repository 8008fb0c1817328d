"""Join a strategy to its markets: only what its class overrides is ever called."""

from __future__ import annotations

from typing import Any

from hft.market import Channel
from hft.orders.trading import StrategyTrading
from hft.plugin.strategy import Strategy

__all__ = ["WiredStrategy", "wire_strategy"]


class WiredStrategy:
    """A strategy that is joined to its markets, from `start` to `stop`."""

    def __init__(self, strategy: Strategy[Any], trading: StrategyTrading) -> None:
        self.strategy = strategy
        self.trading = trading

    @property
    def name(self) -> str:
        """The strategy's key in the profile."""
        return self.trading.name

    @property
    def running(self) -> bool:
        """Whether it is still called: it has neither raised nor been stopped."""
        return not self.trading.guard.closed

    def start(self) -> None:
        """Call `Strategy.on_start`, before the first event; raise what it raises.

        What a strategy raises here is about its profile, and there is nothing to cancel yet. Of orders that
        it owns from an earlier run it hears from here on.
        """
        trading, strategy = self.trading, self.strategy
        if _overrides(strategy, "on_order"):
            trading.tell_order = trading.guard.wrap(strategy.on_order)
        if _overrides(strategy, "on_fill"):
            trading.tell_fill = trading.guard.wrap(strategy.on_fill)
        if _overrides(strategy, "on_parent"):
            trading.tell_parent = trading.guard.wrap(strategy.on_parent)
        strategy.on_start()

    def stop(self) -> None:
        """Refuse its orders, call `Strategy.on_stop`, cancel what it owns and stop its timers."""
        self.trading.refuse("stopping: the strategy is being stopped")
        self.trading.guard.call(self.strategy.on_stop)
        self.trading.close("stopping: the strategy was stopped")


def wire_strategy(strategy: Strategy[Any], trading: StrategyTrading) -> WiredStrategy:
    """Let the markets of ``trading`` call the strategy, guarded, and return it ready to start.

    A simulated exchange must listen to a market before the strategies do, so that it sees a book before
    they act on it.
    """
    wrap = trading.guard.wrap
    for market in trading.markets:
        # First of all: what the strategy does on learning of the loss must meet withdrawn quotes.
        market.listen_lost(trading.on_book_lost)
        for channel in Channel:
            if _overrides(strategy, f"on_{channel.value}"):
                market.listen(channel, wrap(getattr(strategy, f"on_{channel.value}")))
    return WiredStrategy(strategy, trading)


def _overrides(strategy: Strategy[Any], name: str) -> bool:
    return getattr(type(strategy), name) is not getattr(Strategy, name)
