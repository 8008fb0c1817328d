"""What an answer that is no success proves about the order that it is about; pure.

Codes of the exchange's "Error code" page (2026).
"""

from __future__ import annotations

from hft import Ruling

__all__ = [
    "BAD_KEY",
    "BAD_TIME",
    "NOT_LOGGED_IN",
    "NO_SUCH_ORDER",
    "SUB_ACCOUNT_FULL",
    "TOO_MANY",
    "explain",
    "verdict",
]

BAD_TIME = frozenset({"50102", "50112", "60004", "60006", "50036", "50037"})
"""Our time or the exchange's clock was off, or what was sent came later than its ``expTime``: the request was
not looked at any further."""

BAD_KEY = frozenset(
    {
        *("50100", "50101", "50103", "50104", "50105", "50106", "50107", "50108", "50109", "50110", "50111"),
        *("50113", "50114", "50119", "50120", "50121", "60005", "60007", "60024", "60032"),
    }
)
"""The key, its passphrase, its rights, our address, its environment or the signature."""

NOT_LOGGED_IN = "60011"

NO_SUCH_ORDER = frozenset({"51400", "51401", "51402", "51410", "51503", "51509", "51510", "51603"})
"""The order has ended, or the exchange never had it."""

SUB_ACCOUNT_FULL = "50061"
TOO_MANY = frozenset({"50011", SUB_ACCOUNT_FULL, "60014"})

_UNKNOWN = frozenset({"50001", "50004", "50013", "50026", "51149"})
"""Timed out, busy, or an internal error: none says that the order was not taken."""

_DUPLICATE = frozenset({"51011", "51016"})
"""An order of this id exists: perhaps this one, sent twice by something in between."""

_WORDS = {
    "1": "all operations failed",
    "2": "some operations failed",
    "50011": "too many requests",
    "50061": "too many orders of the sub-account",
    "51000": "a parameter is wrong",
    "51001": "there is no such instrument",
    "51004": "the position would be larger than its leverage allows",
    "51005": "larger than an order may be",
    "51006": "the price is outside of the limits",
    "51008": "insufficient balance",
    "51010": "not possible in the account's mode",
    "51020": "smaller than an order may be",
    "51021": "not listed any more",
    "51022": "suspended",
    "51025": "too many open orders",
    "51027": "expired",
    "51071": "too many dead man's switches",
    "51120": "smaller than an order may be",
    "51121": "not a multiple of the lot size",
    "51131": "insufficient balance",
    "51137": "the price is above the limit",
    "51138": "the price is below the limit",
    "51169": "there is nothing to reduce",
    "51170": "a reduce-only order of the wrong side",
    "51202": "larger than a market order may be",
    "51203": "larger than a market order may be",
    "51400": "the order has ended or does not exist",
    "51401": "the order was cancelled",
    "51402": "the order was filled",
    "51410": "the order is being cancelled",
    "51502": "insufficient balance for the change",
    "51503": "there is no such order",
    "51509": "the order was cancelled",
    "51510": "the order was filled",
    "51511": "a post-only order would take",
    "51513": "too many changes of the order under way",
    "51603": "there is no such order",
    "54036": "fill-or-kill goes not with this self-trade prevention",
}
"""What is said where the exchange says nothing itself."""

_TIMEOUT = 408
_REFUSED_UNREAD = frozenset({403, 429})
"""Turned away at the door, whatever the body says."""


def verdict(code: str, status: int = 200) -> Ruling:
    """Judge an order by its code, "0" where the answer has none, and the HTTP status."""
    if code in BAD_TIME or code in TOO_MANY or code == NOT_LOGGED_IN:
        return Ruling.NOT_TAKEN
    if code in _UNKNOWN or code in _DUPLICATE:
        return Ruling.UNKNOWN
    if status in _REFUSED_UNREAD:
        return Ruling.NOT_TAKEN
    # A code of the exchange's own says that it has looked; a bare status or a page of its front does not.
    if code.isdigit() and len(code) == len("50000"):
        return Ruling.REFUSED
    return Ruling.REFUSED if 400 <= status < 500 and status != _TIMEOUT else Ruling.UNKNOWN


def explain(code: str, msg: str) -> str:
    """Return a refusal in words."""
    return msg or _WORDS.get(code, "") or f"code {code}"
