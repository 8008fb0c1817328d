"""The one place where what a strategy raises is caught."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

__all__ = ["Guard"]

T = TypeVar("T")


class Guard:
    """Wraps a strategy's callbacks, once, when they are wired.

    The first exception closes the guard and goes to ``on_fault``; from then on none of the wrapped
    callbacks is called. `close` does the same without a fault. Nothing raised means nothing paid
    beyond the wrapper's own call.
    """

    def __init__(self, on_fault: Callable[[Exception], None]) -> None:
        self.closed = False
        self._on_fault = on_fault

    def wrap(self, callback: Callable[[T], None]) -> Callable[[T], None]:
        """Return ``callback`` as it may be called by the kernel."""

        def guarded(event: T) -> None:
            if self.closed:
                return
            try:
                callback(event)
            except Exception as error:  # a strategy may raise anything
                self.fail(error)

        return guarded

    def call(self, callback: Callable[[], None]) -> None:
        """Call something that is not worth wrapping."""
        if self.closed:
            return
        try:
            callback()
        except Exception as error:  # a strategy may raise anything
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """Close because of a fault."""
        self.closed = True
        self._on_fault(error)

    def close(self) -> None:
        """Let nothing through any more."""
        self.closed = True
