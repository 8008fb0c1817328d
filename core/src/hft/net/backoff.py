"""How long to wait before trying again: longer every time, never the same for two, for ever."""

from __future__ import annotations

import random

__all__ = ["Backoff"]


class Backoff:
    """Delays of 0, then about ``initial_ns`` doubling up to ``maximum_ns``, with jitter.

    Each delay is drawn between half and the whole of its step, so that many clients that lost the
    same server do not come back as one.
    """

    __slots__ = ("_attempt", "_initial_ns", "_maximum_ns", "_random")

    def __init__(self, random: random.Random, *, initial_ns: int, maximum_ns: int) -> None:
        self._random = random
        self._initial_ns = initial_ns
        self._maximum_ns = maximum_ns
        self._attempt = 0

    def next_ns(self) -> int:
        """Return how long to wait before the next attempt; the first need not wait."""
        attempt, self._attempt = self._attempt, self._attempt + 1
        if not attempt:
            return 0
        # The exponent is bounded before the shift: after days of outage 2**attempt would not fit anything.
        step_ns = min(self._maximum_ns, self._initial_ns << min(attempt - 1, 32))
        return self._random.randint(step_ns // 2, step_ns)

    def reset(self) -> None:
        """Start over: the last attempt brought lasting success."""
        self._attempt = 0
