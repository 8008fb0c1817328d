"""Refuse prices and sizes that are no whole numbers, before they get anywhere near an order."""

from __future__ import annotations

from hft.errors import OrderError

__all__ = ["check_whole"]


def check_whole(price: object, size: object) -> None:
    """Raise `OrderError` unless both are integers, as ticks and lots are.

    A type checker says the same, but not every strategy was shown to one: a middle of the book or a
    ``Decimal`` that gets through would be a price between two ticks.
    """
    if not isinstance(price, int):
        raise OrderError(
            f"price {price!r} is no whole number of ticks: round it, or use instrument.price for one in money"
        )
    if not isinstance(size, int):
        raise OrderError(f"size {size!r} is no whole number of lots, use instrument.size")
