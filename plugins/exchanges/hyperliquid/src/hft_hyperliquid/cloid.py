"""Our client order ids as the exchange wants them: 128 bits in hexadecimal."""

from __future__ import annotations

import re

from hft import OrderError

__all__ = ["client_id_of", "cloid_of"]

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_VALUES = {digit: value for value, digit in enumerate(_DIGITS, 1)}
_BASE = len(_DIGITS)
_LONGEST = 24
_OURS = 1 << 127
"""Set in what stands for a text; others' ids that have it set as well read as some text, and back."""

_CLOID = re.compile("0x[0-9a-f]{32}")


def cloid_of(client_order_id: str) -> str:
    """Return the exchange's form of a client id: small letters and digits, at most 24 of them.

    A client id that is one of the exchange's forms already stays as it is. Raise `OrderError` for others.
    """
    if _CLOID.fullmatch(client_order_id):
        return client_order_id
    number = 0
    for digit in client_order_id:
        value = _VALUES.get(digit, 0)
        if not value:
            break
        number = number * _BASE + value
    else:
        if 0 < len(client_order_id) <= _LONGEST:
            return f"0x{_OURS | number:032x}"
    raise OrderError(
        f"client id {client_order_id[:40]!r} is not made of small letters and digits, {_LONGEST} at most"
    )


_MOST = sum(_BASE**length for length in range(1, _LONGEST + 1))


def client_id_of(cloid: str | None) -> str:
    """Return the client id that a form stands for: itself where no text does, empty where there is none."""
    if cloid is None:
        return ""
    if not _CLOID.fullmatch(cloid):
        return cloid
    number = int(cloid, 16) - _OURS
    if not 0 < number <= _MOST:
        return cloid
    text = ""
    while number:
        number, value = divmod(number - 1, _BASE)
        text = _DIGITS[value] + text
    return text
