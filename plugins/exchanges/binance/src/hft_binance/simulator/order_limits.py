"""How many orders an account may place, as Binance counts them."""

from __future__ import annotations

from typing import Any

import attrs

from hft import Clock
from hft_binance.simulator.listing import NS_PER_S, ProductRules
from hft_binance.simulator.params import ApiError

__all__ = ["OrderCounter"]

_INTERVALS = {"SECOND": ("S", 1), "MINUTE": ("M", 60), "HOUR": ("H", 3600), "DAY": ("D", 86_400)}


@attrs.define
class _Window:
    number: int = 0
    count: int = 0


class OrderCounter:
    """The orders of each account in windows of the clock; ``factor`` 0 counts without a limit.

    On spot these are unfilled orders: the first fill of an order gives its place back.
    """

    def __init__(self, product: ProductRules, clock: Clock, factor: float = 1.0) -> None:
        self._limits = product.order_limits
        self._factor = factor
        self._clock = clock
        self._windows: dict[tuple[str, int], _Window] = {}

    def charge(self, account: str, orders: int) -> None:
        """Count orders; raise `ApiError` and count nothing if there would be too many."""
        windows = [self._window(account, index) for index in range(len(self._limits))]
        for window, (interval, number, limit) in zip(windows, self._limits, strict=True):
            most = int(limit * self._factor)
            if most and window.count + orders > most:
                raise ApiError(
                    -1015,
                    f"Too many new orders; current limit is {most} orders per {number} {interval}.",
                    429,
                )
        for window in windows:
            window.count += orders

    def refund(self, account: str, orders: int = 1) -> None:
        """Give places back."""
        for index in range(len(self._limits)):
            window = self._window(account, index)
            window.count = max(0, window.count - orders)

    def headers(self, account: str) -> dict[str, str]:
        """State the counts as REST does."""
        return {
            f"X-MBX-ORDER-COUNT-{number}{_INTERVALS[interval][0]}": str(self._window(account, index).count)
            for index, (interval, number, _) in enumerate(self._limits)
        }

    def state(self, account: str, *, with_counts: bool = True) -> list[dict[str, Any]]:
        """State limits and counts as the websocket API does."""
        return [
            {
                "rateLimitType": "ORDERS",
                "interval": interval,
                "intervalNum": number,
                "limit": int(limit * (self._factor or 1)),
            }
            | ({"count": self._window(account, index).count} if with_counts else {})
            for index, (interval, number, limit) in enumerate(self._limits)
        ]

    def _window(self, account: str, index: int) -> _Window:
        interval, number, _ = self._limits[index]
        window = self._windows.setdefault((account, index), _Window())
        current = self._clock.now_ns() // (number * _INTERVALS[interval][1] * NS_PER_S)
        if window.number != current:
            window.number, window.count = current, 0
        return window
