"""What waits for a price."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import attrs

from hft.clock import Clock
from hft.sim.market import SyntheticMarket
from hft.sim.orders import Trigger, TriggerPrice

__all__ = ["Triggers"]


@attrs.frozen(eq=False)
class _Waiting:
    trigger: Trigger
    go: Callable[[], None]


class Triggers:
    """Calls what waits for a price of a market, once, when that price comes.

    It is called by the clock, not by whoever changed the price: an exchange's conditional orders are
    not part of the trade that sets them off.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[SyntheticMarket, dict[object, _Waiting]] = {}

    def add(self, key: object, market: SyntheticMarket, trigger: Trigger, go: Callable[[], None]) -> None:
        """Let something wait."""
        self._waiting.setdefault(market, {})[key] = _Waiting(trigger, go)

    def discard(self, key: object, market: SyntheticMarket) -> None:
        """Let it wait no more."""
        self._waiting.get(market, {}).pop(key, None)

    def check(self, market: SyntheticMarket, by: TriggerPrice, price: Decimal) -> None:
        """Tell of a price."""
        waiting = self._waiting.get(market)
        if not waiting:
            return
        hit = [
            key for key, entry in waiting.items() if entry.trigger.by is by and entry.trigger.is_hit(price)
        ]
        for key in hit:
            self._clock.call_later(0, waiting.pop(key).go)
