"""The shadow ledger: what we hold and what we earned, from our fills alone."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

import attrs

from hft.errors import UsageError
from hft.events import Fill
from hft.instrument import Instrument
from hft.ledger.position import Position, PositionView
from hft.money import difference, total, trim
from hft.types import Side, Size

__all__ = ["AssetTotals", "Ledger"]

_REMEMBERED = 100_000
"""Trade ids kept to refuse a second booking: a repeat comes within minutes, not days."""

_Key = tuple[Instrument, str, Side]


@attrs.frozen(kw_only=True)
class AssetTotals:
    """What was earned and paid in one asset over all instruments, exactly."""

    realized: Decimal = Decimal(0)
    unrealized: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)

    @property
    def net(self) -> Decimal:
        """Profit after fees: realized + unrealized - fees."""
        return trim(difference(total((self.realized, self.unrealized)), self.fees))


class Ledger:
    """Positions, profit and loss and fees per instrument, for linear ones.

    An inverse contract, whose arithmetic is another, raises `UsageError`.

    A fee counts in the asset it was paid in. One that an exchange took from the base currency just
    bought (spot) does not change `position`, which is what was traded, so the balance is lower than
    the position by such fees.

    A fill is booked once: a second one of the same instrument, ``trade_id`` and side is counted in
    ``duplicates`` and not booked (a trade with ourselves is two fills with one id). The order manager
    refuses them first; here it costs a lookup, and a position that is counted twice costs more.
    """

    def __init__(self) -> None:
        self.duplicates = 0
        self._positions: dict[Instrument, Position] = {}
        self._booked: set[_Key] = set()
        self._order: deque[_Key] = deque()

    def on_fill(self, fill: Fill) -> None:
        """Book a fill, once."""
        instrument = fill.instrument
        key = (instrument, fill.trade_id, fill.side)
        if key in self._booked:
            self.duplicates += 1
            return
        position = self._positions.get(instrument)
        if position is None:
            position = self._open(instrument, instrument.price_to_decimal(fill.price))
        position.book(fill)
        self._booked.add(key)
        self._order.append(key)
        if len(self._order) > _REMEMBERED:
            self._booked.remove(self._order.popleft())

    def mark(self, instrument: Instrument, price: Decimal) -> None:
        """Value an instrument at this price; until then the price of its first fill serves."""
        position = self._positions.get(instrument)
        if position is None:
            position = self._open(instrument, price)
        position.mark(price)

    def position(self, instrument: Instrument) -> Size:
        """Return what is held, in signed lots."""
        position = self._positions.get(instrument)
        return Size(0) if position is None else position.size

    def account(self, instrument: Instrument) -> PositionView:
        """Return an instrument's figures as they are now; all 0 if it was neither traded nor marked."""
        position = self._positions.get(instrument)
        return (position or Position(instrument, Decimal(0))).view()

    def accounts(self) -> list[PositionView]:
        """Return the figures of every instrument that was traded or marked, in that order."""
        return [position.view() for position in self._positions.values()]

    def totals(self) -> dict[str, AssetTotals]:
        """Return realized, unrealized and fees by asset; a fee asset nothing settles in has fees alone."""
        totals: dict[str, AssetTotals] = {}
        for view in self.accounts():
            settle = view.instrument.settle
            so_far = totals.get(settle, AssetTotals())
            totals[settle] = attrs.evolve(
                so_far,
                realized=trim(total((so_far.realized, view.realized))),
                unrealized=trim(total((so_far.unrealized, view.unrealized))),
            )
            for asset, fee in view.fees.items():
                so_far = totals.get(asset, AssetTotals())
                totals[asset] = attrs.evolve(so_far, fees=trim(total((so_far.fees, fee))))
        return totals

    def _open(self, instrument: Instrument, mark: Decimal) -> Position:
        if instrument.inverse:
            raise UsageError(f"{instrument.id}: the ledger cannot book inverse contracts, use a linear one")
        position = self._positions[instrument] = Position(instrument, mark)
        return position
