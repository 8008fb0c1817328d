"""What an answer that is no success proves about the order that it is about; pure.

Source: the exchange's "Error codes" page of the v5 API (2026).
"""

from __future__ import annotations

from hft import Ruling

__all__ = ["BAD_KEY", "BAD_TIME", "NO_SUCH_ORDER", "TOO_MANY", "verdict"]


BAD_TIME = frozenset({10002})
"""Our time or the exchange's clock was off: the request was not looked at any further."""

BAD_KEY = frozenset({10003, 10004, 10005, 10007, 10009, 10010, 33004})
"""The key, its signature, its rights, our address."""

TOO_MANY = frozenset({10006, 10018, 10403, 10429, 20003, 170005, 170222})
"""Refused for want of a limit."""

NO_SUCH_ORDER = frozenset({110001, 170213})
"""There is no such order, or not any more: it may be filled or cancelled."""

_UNKNOWN = frozenset(
    {
        10000,  # time-out of the server
        10014,  # the same request was made before
        10016,  # internal error
        10019,  # the service restarts
        170007,  # time-out of what is behind it
        170146,  # time-out while the order was created
        170147,  # time-out while it was cancelled
        # An order of this id exists: perhaps this one, sent twice by something in between.
        110072,
        170141,
    }
)

_NOT_TAKEN = BAD_TIME | TOO_MANY | frozenset({20006})

_FAMILIES = (range(10001, 11000), range(20000, 21000), range(110000, 111000), range(170000, 171000))
"""Codes by which the gateway, the order websocket, contracts and spot refuse. Others are not documented."""

_NO_SUCH_REQUEST = 404
_REFUSED_UNREAD = frozenset({401, 403, 418, 429})
"""Turned away at the door, whatever the body says."""


def verdict(status: int, code: int) -> Ruling:
    """Judge an answer that is no success: by its code, where it has one, otherwise by its HTTP status."""
    if code in _UNKNOWN:
        return Ruling.UNKNOWN
    if code in _NOT_TAKEN or status in _REFUSED_UNREAD:
        return Ruling.NOT_TAKEN
    if code == 33004 or any(code in family for family in _FAMILIES):
        return Ruling.REFUSED
    return Ruling.REFUSED if status == _NO_SUCH_REQUEST else Ruling.UNKNOWN
