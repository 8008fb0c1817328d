"""Numbers of actions, each used once: the time, and more than the last."""

from __future__ import annotations

__all__ = ["Nonces"]


class Nonces:
    """Makes nonces in milliseconds of the exchange's time; they grow however the clock is set.

    The exchange takes those from two days ago to one day ahead that are above the smallest of the last
    hundred of the signer. After a restart the time is beyond all that were used, unless there were more
    than a thousand a second.
    """

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last = 0

    def next(self, now_ms: int) -> int:
        """Return a number that was not returned before."""
        self._last = now_ms if now_ms > self._last else self._last + 1
        return self._last
