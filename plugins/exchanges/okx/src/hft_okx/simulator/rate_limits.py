"""How much of the published limits each address and account has used."""

from __future__ import annotations

from collections import deque

from hft import Clock
from hft_okx.simulator.errors import ApiError

__all__ = ["Counters"]

_WINDOW_NS = 2_000_000_000

_LIMITS = {"place": 60, "amend": 60, "cancel": 60, "batch": 300, "sub-account": 1000}
_PUBLIC = 20
_ACCOUNT = {
    "order": 60,
    "orders-pending": 60,
    "orders-history": 40,
    "orders-history-archive": 20,
    "fills": 60,
    "fills-history": 10,
    "cancel-all-after": 2,
    "bills": 10,
    "bills-archive": 10,
    "balance": 10,
    "positions": 10,
    "config": 5,
    "leverage-info": 20,
}


class Counters:
    """Counts within two seconds; ``multiple`` is of the published limits, 0: there are none."""

    def __init__(self, clock: Clock, multiple: float) -> None:
        self._clock = clock
        self._multiple = multiple
        self._taken: dict[tuple[str, ...], deque[int]] = {}

    def orders(self, account: str, action: str, inst_id: str, number: int, *, capped: bool) -> None:
        """Count orders of one request; raise `ApiError` where they are too many."""
        if number == 1:
            self._take((account, action, inst_id), 1, _LIMITS[action], "50011", "Too Many Requests")
        else:
            self._take(
                (account, f"{action} batch", inst_id), number, _LIMITS["batch"], "50011", "Too Many Requests"
            )
        if capped and action != "cancel":
            self._take(
                (account, "sub-account"),
                number,
                _LIMITS["sub-account"],
                "50061",
                "Order placement frequency exceeds the limit.",
            )

    def question(self, account: str, what: str) -> None:
        """Count a private request that is about no order."""
        self._take((account, what), 1, _ACCOUNT.get(what, 20), "50011", "Too Many Requests")

    def public(self, address: str, path: str) -> None:
        """Count a public request."""
        self._take((address, path), 1, _PUBLIC, "50011", "Too Many Requests")

    def _take(self, key: tuple[str, ...], number: int, limit: int, code: str, msg: str) -> None:
        if not self._multiple:
            return
        now_ns = self._clock.now_ns()
        taken = self._taken.setdefault(key, deque())
        while taken and taken[0] <= now_ns - _WINDOW_NS:
            taken.popleft()
        if len(taken) + number > limit * self._multiple:
            raise ApiError(code, msg)
        taken.extend([now_ns] * number)
