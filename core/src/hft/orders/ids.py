"""Client order ids: ours by their prefix, unique, and the same in every repetition of a run."""

from __future__ import annotations

import hashlib
import re

from hft.primitives import joined

__all__ = ["ClientOrderIds"]

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"

_PAIRS = tuple(high + low for high in _DIGITS for low in _DIGITS)
_NUMBER_OF_PAIRS = len(_PAIRS)

_NAME_CHARACTERS = 6
_DIGEST_CHARACTERS = 6


class ClientOrderIds:
    """Makes ``<name><profile><run><count>``: small letters and digits only, 20 to 24 characters.

    That is within the rules of Binance (``[a-zA-Z0-9-_.:/]{1,36}``) and of OKX (alphanumeric, 32), and in
    base 36 within the 128 bits of Hyperliquid. The count is in base 36 as well: two thousand million orders
    a run.
    ``profile_prefix`` marks every order of a profile, ``prefix`` those of one run of it. The digests
    keep profiles apart whose names begin alike. ``run`` is any text that no other run of the profile
    has: the start time of a live run, the seed of a simulated one.
    """

    def __init__(self, profile: str, run: str) -> None:
        name = re.sub("[^a-z0-9]", "", profile.lower())[:_NAME_CHARACTERS].ljust(_NAME_CHARACTERS, "0")
        self.profile_prefix = name + _digest(profile)
        self.prefix = self.profile_prefix + _digest(f"{profile}\n{run}")
        self._count = 0
        self._head = self.prefix
        """All but the last two digits of the count, which change with every order."""

    def next(self) -> str:
        """Return an id that was not returned before."""
        self._count += 1
        low = self._count % _NUMBER_OF_PAIRS
        if not low:
            self._head = self.prefix + _base36(self._count // _NUMBER_OF_PAIRS)
        return joined(self._head, _PAIRS[low])

    def owns(self, client_order_id: str) -> bool:
        """Say whether an order is of this run."""
        return client_order_id.startswith(self.prefix)

    def owns_profile(self, client_order_id: str) -> bool:
        """Say whether an order is of this profile, whichever run placed it."""
        return client_order_id.startswith(self.profile_prefix)


def _base36(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, len(_DIGITS))
        text = _DIGITS[digit] + text
    return text


def _digest(text: str) -> str:
    number = hashlib.blake2b(text.encode(), digest_size=_DIGEST_CHARACTERS).digest()
    return "".join(_DIGITS[byte % len(_DIGITS)] for byte in number)
