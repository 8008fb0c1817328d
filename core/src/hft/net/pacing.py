"""Stay within a published limit, whichever way its window lies."""

from __future__ import annotations

import asyncio
from collections import deque

from hft.clock import Clock, Timer
from hft.errors import TransportError
from hft.net.spec import RateLimit

__all__ = ["TokenBucket"]

_MAX_WAITING = 10_000


class TokenBucket:
    """Hands out tokens, never more than ``limit.weight`` within any ``limit.per_ns``.

    A token comes back one ``per_ns`` after it was taken, not at a steady trickle: a bucket that
    refills while it is emptied lets twice the limit through in one window. Who asks first is served
    first; a small request does not pass a large one that waits.
    """

    def __init__(self, limit: RateLimit, *, clock: Clock) -> None:
        self.limit = limit
        self._clock = clock
        self._free = limit.weight
        self._taken: deque[tuple[int, int]] = deque()
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._blocked_until_ns = 0
        self._timer: Timer | None = None

    def try_acquire(self, weight: int = 1) -> bool:
        """Take ``weight`` tokens if they are there and nobody waits; say whether they were taken."""
        self._check(weight)
        return not self._waiting and self._take(weight)

    async def acquire(self, weight: int = 1) -> None:
        """Take ``weight`` tokens once it is our turn and they are there.

        Raises `TransportError` at once where too many wait already.
        """
        if self.try_acquire(weight):
            return
        if len(self._waiting) >= _MAX_WAITING:
            raise TransportError(f"limit {self.limit.name!r}: {_MAX_WAITING} requests wait already")
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((weight, turn))
        self._serve()
        try:
            await turn
        finally:
            # Who gave up at the front must not hold up those behind.
            if turn.cancelled():
                self._serve()

    def block_until(self, when_ns: int) -> None:
        """Hand out nothing before ``when_ns``: the exchange said so."""
        self._blocked_until_ns = max(self._blocked_until_ns, when_ns)

    def ready_ns(self, weight: int = 1) -> int:
        """Return when ``weight`` tokens are there if nobody else takes any, now or later."""
        now_ns = self._clock.now_ns()
        ready_ns = max(now_ns, self._blocked_until_ns)
        missing = weight - self._free
        for taken_ns, taken in self._taken:
            if missing <= 0:
                break
            missing -= taken
            ready_ns = max(ready_ns, self._returns_ns(taken_ns))
        return ready_ns

    def _take(self, weight: int) -> bool:
        now_ns = self._clock.now_ns()
        taken = self._taken
        while taken and self._returns_ns(taken[0][0]) <= now_ns:
            self._free += taken.popleft()[1]
        if weight > self._free or now_ns < self._blocked_until_ns:
            return False
        self._free -= weight
        taken.append((now_ns, weight))
        return True

    def _returns_ns(self, taken_ns: int) -> int:
        # One more: a window that includes both its ends still holds no more than the limit.
        return taken_ns + self.limit.per_ns + 1

    def _serve(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting = self._waiting
        while waiting:
            weight, turn = waiting[0]
            if not turn.done():
                if not self._take(weight):
                    self._timer = self._clock.call_at(self.ready_ns(weight), self._serve)
                    return
                turn.set_result(None)
            waiting.popleft()

    def _check(self, weight: int) -> None:
        if not 0 <= weight <= self.limit.weight:
            raise ValueError(f"weight {weight} can never be taken of limit {self.limit}")
