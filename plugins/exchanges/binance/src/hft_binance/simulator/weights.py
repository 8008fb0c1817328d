"""Request weights as Binance counts and enforces them, per address and minute."""

from __future__ import annotations

import attrs

from hft import Clock

__all__ = ["Charge", "WeightCounter"]

NS_PER_S = 1_000_000_000
_WINDOW_NS = 60 * NS_PER_S
_BAN_NS = 120 * NS_PER_S
"""The shortest ban; the real exchange makes it longer each time, up to three days."""

_IGNORED_WARNINGS = 10
"""Requests after the first 429 of a minute that make it a ban; the real number is not published."""


@attrs.frozen
class Charge:
    """What a request costs and whether it may pass: ``status`` is 200, 429 or 418."""

    used: int
    status: int = 200
    retry_after_s: int = 0
    banned_until_ms: int = 0


@attrs.define
class _Account:
    window: int = 0
    used: int = 0
    warnings: int = 0
    banned_until_ns: int = 0


class WeightCounter:
    """The used weight of every address, in windows that begin with the minute."""

    def __init__(self, weight_per_min: int, clock: Clock) -> None:
        self.weight_per_min = weight_per_min
        self._clock = clock
        self._accounts: dict[str, _Account] = {}

    def refund(self, address: str, weight: int) -> None:
        """Give back what a request did not cost after all."""
        account = self._accounts.setdefault(address, _Account())
        account.used = max(0, account.used - weight)

    def charge(self, address: str, weight: int) -> Charge:
        """Count a request; refused ones count as well, and too many of them are a ban."""
        now_ns = self._clock.now_ns()
        account = self._accounts.setdefault(address, _Account())
        window = now_ns // _WINDOW_NS
        if window != account.window:
            account.window, account.used, account.warnings = window, 0, 0
        account.used += weight
        if now_ns < account.banned_until_ns:
            return self._ban(account, now_ns)
        if account.used <= self.weight_per_min or not self.weight_per_min:
            return Charge(account.used)
        account.warnings += 1
        if account.warnings > _IGNORED_WARNINGS:
            account.banned_until_ns = now_ns + _BAN_NS
            return self._ban(account, now_ns)
        left_ns = (window + 1) * _WINDOW_NS - now_ns
        return Charge(account.used, 429, -(-left_ns // NS_PER_S))

    @staticmethod
    def _ban(account: _Account, now_ns: int) -> Charge:
        left_ns = account.banned_until_ns - now_ns
        return Charge(account.used, 418, -(-left_ns // NS_PER_S), account.banned_until_ns // 1_000_000)
