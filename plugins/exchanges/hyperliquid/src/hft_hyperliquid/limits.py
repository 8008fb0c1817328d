"""The exchange's published limits, as data (its documentation, 2026)."""

from __future__ import annotations

from hft import Costs, RateLimit

__all__ = [
    "ACTIONS",
    "ACTIONS_PER_WINDOW",
    "ADDRESS",
    "BATCH",
    "CONNECTIONS",
    "MAX_POSTS",
    "MAX_SUBSCRIPTIONS",
    "MESSAGES",
    "MESSAGES_PER_S",
    "ORDER_LIMITS",
    "ORDER_MESSAGES_PER_S",
    "PAGE_ROWS",
    "PING_NS",
    "RATE_LIMITS",
    "SILENCE_NS",
    "WINDOW_NS",
    "action_costs",
    "info_weight",
]

_SECOND_NS = 1_000_000_000
_MINUTE_NS = 60 * _SECOND_NS

ADDRESS = "weight"
"""Requests by weight, counted per IP address."""
CONNECTIONS = "connections"
MESSAGES = "messages"
"""What we send on all websockets of an IP address."""
ACTIONS = "actions"
"""What an account may do, however it is asked."""

WINDOW_NS = 10 * _SECOND_NS
ACTIONS_PER_WINDOW = 1_000_000
"""An account has a budget for its whole life rather than one for each window: as long as something is left
of it nothing needs to wait, and afterwards one action goes every ten seconds (see `Budget`)."""

RATE_LIMITS = (
    RateLimit(name=ADDRESS, weight=1200, per_ns=_MINUTE_NS),
    RateLimit(name=CONNECTIONS, weight=30, per_ns=_MINUTE_NS),
)

ORDER_LIMITS = (
    RateLimit(name=MESSAGES, weight=2000, per_ns=_MINUTE_NS),
    RateLimit(
        name=ACTIONS, weight=ACTIONS_PER_WINDOW, per_ns=WINDOW_NS, scope="account", reserve=0, pace_above=1
    ),
)

MAX_SUBSCRIPTIONS = 1000
"""Of one IP address; there may be ten connections as well, but one carries as many."""

MAX_POSTS = 100
"""Requests over websockets that may be without an answer."""

BATCH = 40
"""Orders of one action; the weight grows by one with every so many."""

MESSAGES_PER_S = 20.0
"""What a stream sends a second while it subscribes."""

ORDER_MESSAGES_PER_S = 1_000.0
"""What the connection for orders lets through: there the limits decide, which let cancels go first."""

PING_NS = 15 * _SECOND_NS
"""The exchange cuts a line on which it has sent nothing for a minute."""

SILENCE_NS = 40 * _SECOND_NS
"""A line that leaves our pings unanswered for this long is dead."""

PAGE_ROWS = 500
"""Rows of one answer to a question about a stretch of time."""

_INFO_WEIGHTS = {
    "l2Book": 2,
    "allMids": 2,
    "clearinghouseState": 2,
    "orderStatus": 2,
    "spotClearinghouseState": 2,
    "exchangeStatus": 2,
    "userRole": 60,
}
_ROWS_PER_WEIGHT = 20
_USUAL_ROWS = 100
_BY_ROWS = frozenset({"userFillsByTime", "userFunding"})
"""Answers that weigh by their rows, of which nobody knows beforehand how many there are: 2000 at most, and
few when an account is compared every so often."""


def info_weight(kind: str) -> int:
    """Return what a question usually weighs."""
    rows = _USUAL_ROWS if kind in _BY_ROWS else 0
    return _INFO_WEIGHTS.get(kind, 20) + rows // _ROWS_PER_WEIGHT


def action_costs(orders: int, *, over_socket: bool, cancels: bool) -> Costs:
    """Return what an action about some orders takes; cancels have a budget of their own, which is wider."""
    weight: Costs = ((ADDRESS, 1 + orders // BATCH),)
    message: Costs = ((MESSAGES, 1),) if over_socket else ()
    return weight + message + (() if cancels else ((ACTIONS, orders),))
