"""What the simulated Hyperliquid counts: weights by IP address, actions by account."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from hft import Clock
from hft_hyperliquid.simulator.auth import Rejected
from hft_hyperliquid.simulator.listing import NS_PER_S

__all__ = ["Budgets", "Weights", "weight_of"]

_PER_MINUTE = 1200
_FREE_ACTIONS = 10_000
_MORE_CANCELS = 100_000
_EVERY_NS = 10 * NS_PER_S

_WEIGHTS = {
    "l2Book": 2,
    "allMids": 2,
    "clearinghouseState": 2,
    "orderStatus": 2,
    "spotClearinghouseState": 2,
    "exchangeStatus": 2,
    "userRole": 60,
}


def weight_of(kind: str) -> int:
    """Return what a question weighs."""
    return _WEIGHTS.get(kind, 20)


class Weights:
    """The weight that each address has used within the last minute; ``limits`` 0 counts nothing."""

    def __init__(self, clock: Clock, limits: float) -> None:
        self._clock = clock
        self._most = int(_PER_MINUTE * limits)
        self._used: defaultdict[str, deque[tuple[int, int]]] = defaultdict(deque)

    def charge(self, address: str, weight: int) -> bool:
        """Count a request; False where it is one too many."""
        if not self._most:
            return True
        now_ns, used = self._clock.now_ns(), self._used[address]
        while used and used[0][0] <= now_ns - 60 * NS_PER_S:
            used.popleft()
        if sum(each for _, each in used) + weight > self._most:
            return False
        used.append((now_ns, weight))
        return True


class Budgets:
    """The actions that accounts have used in their lives, of those that they have earned."""

    def __init__(self, clock: Clock, volume: Callable[[str], Decimal], limits: float) -> None:
        self._clock = clock
        self._volume = volume
        self._limits = limits
        self._used: defaultdict[str, int] = defaultdict(int)
        self._cancels: defaultdict[str, int] = defaultdict(int)
        self._last_ns: dict[str, int] = {}

    def cap(self, name: str) -> int:
        """Return how many an account has earned."""
        return int(_FREE_ACTIONS * (self._limits or 1)) + int(self._volume(name))

    def usage(self, name: str) -> Mapping[str, Any]:
        """Tell how many are used."""
        return {
            "cumVlm": f"{self._volume(name):f}",
            "nRequestsUsed": self._used[name],
            "nRequestsCap": self.cap(name),
            "nRequestsSurplus": 0,
        }

    def charge(self, name: str, actions: int, *, cancels: bool) -> None:
        """Count what an action does; raise `Rejected` where there is nothing left and it is too soon."""
        cap = self.cap(name)
        if cancels:
            self._cancels[name] += actions
            if self._cancels[name] <= min(cap + _MORE_CANCELS, 2 * cap):
                return
        self._used[name] += actions
        if not self._limits or self._used[name] <= cap:
            return
        now_ns = self._clock.now_ns()
        if now_ns - self._last_ns.get(name, -_EVERY_NS) >= _EVERY_NS:
            self._last_ns[name] = now_ns
            return
        self._used[name] -= actions
        raise Rejected(
            f"Too many cumulative requests sent ({self._used[name] + actions} > {cap}) for cumulative volume"
            f" traded ${self._volume(name):f}. Place taker orders to free up 1 request per USDC traded."
        )
