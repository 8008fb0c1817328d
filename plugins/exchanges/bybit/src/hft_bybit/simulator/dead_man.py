"""The switch of the simulated Bybit that cancels orders when nobody is connected any more."""

from __future__ import annotations

from collections.abc import Callable

from hft import Clock, Timer
from hft_bybit.endpoints import Product
from hft_bybit.simulator.listing import NS_PER_S
from hft_bybit.simulator.private_socket import PrivateConnection

__all__ = ["DeadManSwitches"]

_DEFAULT_S = 10


class DeadManSwitches:
    """Counts the connections that keep an account's orders alive, by product.

    When the last of them has been gone for the window, ``cancel(account, product)`` is called.
    """

    def __init__(self, clock: Clock, cancel: Callable[[str, Product], None]) -> None:
        self._clock = clock
        self._cancel = cancel
        self._windows: dict[tuple[str, Product], int] = {}
        self._watching: dict[tuple[str, Product], set[PrivateConnection]] = {}
        self._timers: dict[tuple[str, Product], Timer] = {}

    def window_s(self, account: str, product: Product) -> int:
        """Return how long the connections may be gone."""
        return self._windows.get((account, product), _DEFAULT_S)

    def set_window(self, account: str, product: Product, seconds: int) -> None:
        """Set how long they may be gone."""
        self._windows[account, product] = seconds

    def watch(self, connection: PrivateConnection, account: str, products: frozenset[Product]) -> None:
        """Learn for which products a connection stands now; to stand for one no more cancels nothing."""
        for product in Product:
            key = account, product
            watching = self._watching.setdefault(key, set())
            if product in products:
                watching.add(connection)
                self._stop(key)
            else:
                watching.discard(connection)

    def leave(self, connection: PrivateConnection, account: str) -> None:
        """Learn that a connection is gone."""
        for product in Product:
            key = account, product
            watching = self._watching.get(key, set())
            if connection in watching:
                watching.discard(connection)
                if not watching:
                    self._arm(key)

    def stop(self) -> None:
        """Cancel every timer."""
        for key in tuple(self._timers):
            self._stop(key)

    def _arm(self, key: tuple[str, Product]) -> None:
        self._stop(key)

        def run_out() -> None:
            del self._timers[key]
            self._cancel(*key)

        self._timers[key] = self._clock.call_later(self.window_s(*key) * NS_PER_S, run_out)

    def _stop(self, key: tuple[str, Product]) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
