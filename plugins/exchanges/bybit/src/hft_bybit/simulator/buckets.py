"""How much an account and an address may ask, as Bybit counts it: within any second, within any five."""

from __future__ import annotations

from collections import deque

import attrs

from hft import Clock
from hft_bybit.simulator.listing import NS_PER_MS, NS_PER_S
from hft_bybit.simulator.params import ApiError

__all__ = ["AddressLimit", "Buckets", "Charge", "TooMany"]

_ADDRESS_WEIGHT, _ADDRESS_NS = 600, 5 * NS_PER_S
_BAN_NS = 600 * NS_PER_S


@attrs.frozen
class Charge:
    """What a request left of its bucket; ``limit`` 0 means that it is not counted."""

    limit: int
    left: int
    reset_ms: int

    def headers(self) -> dict[str, str]:
        """Return the charge as answers state it."""
        if not self.limit:
            return {}
        return {
            "X-Bapi-Limit": str(self.limit),
            "X-Bapi-Limit-Status": str(self.left),
            "X-Bapi-Limit-Reset-Timestamp": str(self.reset_ms),
        }


class TooMany(ApiError):
    """A request for which the bucket had no room; its ``charge`` says until when."""

    def __init__(self, charge: Charge) -> None:
        super().__init__(10006, "Too many visits!")
        self.charge = charge


class Buckets:
    """The buckets of each account, within a rolling second; ``factor`` 0 counts nothing."""

    def __init__(self, clock: Clock, factor: float = 1.0) -> None:
        self._clock = clock
        self._factor = factor
        self._taken: dict[tuple[str, str], deque[int]] = {}

    def charge(self, account: str, bucket: str, limit: int, weight: int = 1) -> Charge:
        """Count a request; raise `TooMany` and count nothing if there would be too many."""
        now_ns = self._clock.now_ns()
        most = int(limit * self._factor)
        if not most:
            return Charge(0, 0, 0)
        taken = self._taken.setdefault((account, bucket), deque())
        while taken and taken[0] <= now_ns - NS_PER_S:
            taken.popleft()
        if len(taken) + weight > most:
            reset_ns = (taken[0] if taken else now_ns) + NS_PER_S
            raise TooMany(Charge(most, most - len(taken), -(-reset_ns // NS_PER_MS)))
        taken.extend([now_ns] * weight)
        return Charge(most, most - len(taken), now_ns // NS_PER_MS)


class AddressLimit:
    """What one address may ask by REST; one that asks more is turned away for ten minutes."""

    def __init__(self, clock: Clock, factor: float = 1.0) -> None:
        self._clock = clock
        self._most = int(_ADDRESS_WEIGHT * factor)
        self._asked: dict[str, deque[int]] = {}
        self._banned: dict[str, int] = {}

    def passes(self, address: str) -> bool:
        """Count a request; False when the address has to stay away."""
        if not self._most:
            return True
        now_ns = self._clock.now_ns()
        if now_ns < self._banned.get(address, 0):
            return False
        asked = self._asked.setdefault(address, deque())
        while asked and asked[0] <= now_ns - _ADDRESS_NS:
            asked.popleft()
        asked.append(now_ns)
        if len(asked) > self._most:
            self._banned[address] = now_ns + _BAN_NS
            return False
        return True
