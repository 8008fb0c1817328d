"""What fills cost: fixed rates, or those of the tier that the volume traded earns."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from decimal import Decimal

from hft.clock import NS_PER_S
from hft.money import product, total
from hft.paper.config import FeeTier, PaperConfig

__all__ = ["FeeSchedule"]

_DAY_NS = 24 * 3600 * NS_PER_S
_DEFAULT = Decimal("0.001")


class FeeSchedule:
    """The rates in force, ``maker`` and ``taker``: those of the highest tier that was reached by volume.

    Tiers are looked at anew at each UTC midnight, by the ``volume_days`` whole UTC days before it:
    `advance_to` the time of a fill before its rate is read, and `count` what it was worth afterwards.
    ``is_tiered`` tells whether that is needed. The ``traded_volume`` of the days before the first, that of
    ``now_ns``, counts as spread evenly over them, so that an equal part of it leaves the window with each
    day.
    """

    def __init__(self, config: PaperConfig, now_ns: int) -> None:
        self.is_tiered = bool(config.fee_tiers)
        self.maker = _DEFAULT if config.maker_fee is None else config.maker_fee
        self.taker = _DEFAULT if config.taker_fee is None else config.taker_fee
        self._tiers: Sequence[FeeTier] = config.fee_tiers
        self._before, self._days = config.traded_volume, config.volume_days
        self._first_day = self._day = now_ns // _DAY_NS
        self._today = Decimal(0)
        self._window: deque[tuple[int, Decimal]] = deque()
        """The days before today on which something was traded, each with its volume."""
        if self.is_tiered:
            self._choose()

    def advance_to(self, now_ns: int) -> None:
        """Let the days end that are over."""
        day = now_ns // _DAY_NS
        if day == self._day:
            return
        if self._today:
            self._window.append((self._day, self._today))
        self._day, self._today = day, Decimal(0)
        while self._window and self._window[0][0] < day - self._days:
            self._window.popleft()
        self._choose()

    def count(self, volume: Decimal) -> None:
        """Add what a fill was worth."""
        self._today = total((self._today, volume))

    def _choose(self) -> None:
        days = self._days
        left = max(0, days - (self._day - self._first_day))
        # Times the number of days, which needs no division.
        own = product(total(volume for _, volume in self._window), days)
        volume = total((own, product(self._before, left)))
        tier = next(each for each in reversed(self._tiers) if product(each.volume, days) <= volume)
        self.maker, self.taker = tier.maker, tier.taker
