"""Orders and fills of an earlier run on the grid that their instrument has now."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypeVar

import attrs

from hft.errors import GridError
from hft.events import Fill
from hft.instrument import Instrument
from hft.money import EXACT, product
from hft.order import Order
from hft.types import Price, Size

__all__ = ["on_grid"]

RecordT = TypeVar("RecordT", Order, Fill)

_SAME = ("id", "base", "quote", "settle", "contract_multiplier", "inverse")
"""What a contract is; where it has changed, equal numbers do not mean equal things."""

_PRICES = ("price", "trigger_price", "pending_price")
_SIZES = ("size", "filled", "pending_size")


def on_grid(record: RecordT, instrument: Instrument) -> RecordT:
    """Return the order or fill with its prices and sizes counted in ticks and lots of ``instrument``.

    Exact, or a `GridError` where a price or size lies between two ticks or lots of the new grid, or where
    the contract itself is another.
    """
    old = record.instrument
    for name in _SAME:
        before, now = getattr(old, name), getattr(instrument, name)
        if before != now:
            raise GridError(f"{old.id}: {name} was {before} in the journal and is {now} now")
    changes: dict[str, Any] = {"instrument": instrument}
    for name in _PRICES:
        count = getattr(record, name, None)
        if count is not None:
            changes[name] = Price(_count(old, name, count, old.tick_size, instrument.tick_size))
    for name in _SIZES:
        count = getattr(record, name, None)
        if count is not None:
            changes[name] = Size(_count(old, name, count, old.lot_size, instrument.lot_size))
    return attrs.evolve(record, **changes)


def _count(instrument: Instrument, name: str, count: int, old: Decimal, new: Decimal) -> int:
    if old == new:
        return count
    value = product(count, old)
    counted, rest = EXACT.divmod(value, new)
    if rest:
        raise GridError(
            f"{instrument.id}: {name.replace('_', ' ')} {value:f} is not a multiple of {new:f} now"
        )
    return int(counted)
