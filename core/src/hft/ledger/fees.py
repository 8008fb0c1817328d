"""Fees as amounts, for decimals that come again as the same objects."""

from __future__ import annotations

from decimal import Decimal

from hft.ledger.wide import Wide
from hft.money import to_amount

__all__ = ["Fee", "Fees"]

_PLACES = 1_024
"""A power of two."""

_SPREAD = 31
"""Of the sizes over the places, so that few neighbours of price and size share one."""


class Fee(Wide):
    """The amount of a fee, and the decimal that says it."""

    __slots__ = ("value",)

    def __init__(self, value: Decimal) -> None:
        self.clear()
        self.put(to_amount(value))
        self.value = value


class Fees:
    """Amounts of fees that come again, as those of a simulated exchange do.

    A decimal is known by its identity: its hash takes longer than the conversion. It is kept with its amount,
    so that no other can have its identity.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known = [Fee(Decimal(0))] * _PLACES

    def of(self, value: Decimal, price: int, size: int) -> Fee:
        """Return the amount of a fee; it is looked for where that of a fill of this price and size is.

        Raises `decimal.Inexact` for one that is finer than amounts are.
        """
        mask = _PLACES - 1
        place = (price & mask) + _SPREAD * (size & mask) & mask
        fee = self._known[place]
        if fee.value is not value:
            fee = self._known[place] = Fee(value)
        return fee
