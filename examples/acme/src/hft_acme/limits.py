"""The rate limits that Acme publishes."""

from __future__ import annotations

from hft import RateLimit

__all__ = ["ORDERS", "RATE_LIMITS", "REQUESTS"]

S = 1_000_000_000

ORDERS, REQUESTS = "orders", "requests"
RATE_LIMITS = (
    RateLimit(name=ORDERS, weight=50, per_ns=S, scope="account"),
    RateLimit(name=REQUESTS, weight=100, per_ns=10 * S),
)
