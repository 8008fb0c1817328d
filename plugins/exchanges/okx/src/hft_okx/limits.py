"""The exchange's published limits, as data (its documentation, 2026)."""

from __future__ import annotations

from collections.abc import Iterator

from hft import Costs, RateLimit, RestAnswer, RestCall

__all__ = [
    "BATCH",
    "CONNECTIONS",
    "INSTRUMENTS",
    "MESSAGES_PER_S",
    "ORDER_MESSAGES_PER_S",
    "PING_NS",
    "RATE_LIMITS",
    "REQUESTS_PER_HOUR",
    "SILENCE_NS",
    "SUB_ACCOUNT",
    "account",
    "instrument_limits",
    "new_order_costs",
    "of_instrument",
    "refusals",
]

_SECOND_NS = 1_000_000_000
_WINDOW_NS = 2 * _SECOND_NS
"""All limits of REST and of orders are counted within two seconds."""

INSTRUMENTS, CONNECTIONS, SUB_ACCOUNT = "instruments", "connections", "sub-account orders"

_ACCOUNT = {
    "public": 10,
    "config": 5,
    "balance": 10,
    "positions": 10,
    "leverage": 20,
    "bills": 5,
    "order": 60,
    "pending": 60,
    "fills": 60,
    "fills-history": 10,
    "cancel-all-after": 2,
}
"""What one account may ask of each kind; where nothing is published it is a careful guess."""

RATE_LIMITS = (
    RateLimit(name=INSTRUMENTS, weight=20, per_ns=_WINDOW_NS),
    RateLimit(name=CONNECTIONS, weight=3, per_ns=_SECOND_NS),
    RateLimit(name=SUB_ACCOUNT, weight=1000, per_ns=_WINDOW_NS, scope="account"),
    *(
        RateLimit(name=name, weight=weight, per_ns=_WINDOW_NS, scope="ip" if name == "public" else "account")
        for name, weight in _ACCOUNT.items()
    ),
)
"""Limits of the address and of the account; those of an instrument are added when it is known."""

BATCH = 20
"""Orders that one message places or cancels."""

_SINGLE, _BATCHED = 60, 300


def account(name: str) -> Costs:
    """Return what one request of a kind costs."""
    return ((name, 1),)


def of_instrument(action: str, inst_id: str) -> str:
    """Return the name of the limit of an action (place, amend, cancel, or the same in batches)."""
    return f"{action} {inst_id}"


def instrument_limits(inst_id: str) -> Iterator[RateLimit]:
    """Yield the limits of one instrument and account: 60 orders in two seconds, and 300 in batches.

    Placing, amending and cancelling are counted apart from each other, REST and websocket together.
    """
    for action in ("place", "amend", "cancel"):
        for name, weight in ((action, _SINGLE), (f"{action} batch", _BATCHED)):
            yield RateLimit(
                name=of_instrument(name, inst_id), weight=weight, per_ns=_WINDOW_NS, scope="account"
            )


def new_order_costs(action: str, inst_id: str, number: int, *, capped: bool) -> Costs:
    """Return what ``number`` orders in one message cost; ``capped``: they count against the sub-account.

    A batch of one counts as a single order does.
    """
    name = action if number == 1 else f"{action} batch"
    costs = ((of_instrument(name, inst_id), number),)
    return (*costs, (SUB_ACCOUNT, number)) if capped else costs


_TOO_MANY_OF_ACCOUNT = b'"50061"'


def refusals(call: RestCall, answer: RestAnswer) -> list[str]:
    """Return the limit of the whole sub-account where it was that one; cancels do not count against it."""
    return [SUB_ACCOUNT] if _TOO_MANY_OF_ACCOUNT in answer.body else []


MESSAGES_PER_S = 3.0
"""Frames that we send a second on a connection of market data; how many are allowed is not published."""

ORDER_MESSAGES_PER_S = 1_000.0
"""What the connection for orders lets through: there the limits decide, which let cancels go first."""

REQUESTS_PER_HOUR = 480
"""Subscribing, unsubscribing and logging in on one connection."""

PING_NS = 15 * _SECOND_NS
"""How often we ping: a connection on which nothing passes for 30 s is closed."""

SILENCE_NS = 35 * _SECOND_NS
"""A line that leaves our pings unanswered for this long is dead."""
