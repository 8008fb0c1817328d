"""Close positions at the market, after trading has been stopped, until there are none."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_FLOOR

from hft.clock import NS_PER_S, Clock, Timer
from hft.events import Fill
from hft.ledger import Ledger
from hft.order import Order
from hft.orders.desk import Desk
from hft.orders.manager import OrderManager
from hft.orders.owner import Owner
from hft.types import InstrumentKind, PositionSide, Side, Size

__all__ = ["Flattener"]

_LOOK_NS = 50_000_000
_AGAIN_NS = NS_PER_S
"""A position whose order was refused or has left something is tried again after this."""


class Flattener(Owner):
    """Owns the orders that close positions. Begins with `start`; ``is_done`` once nothing can be closed.

    What else is open in an instrument is cancelled first: an order that fills meanwhile would turn the
    position over. A spot position is sold as far as it is still held, fees taken from it left aside. What
    is too small for the exchange to trade is left, and said. Everything is tried again until `stop`.
    """

    name = "flatten"
    refusal = ""

    def __init__(
        self, manager: OrderManager, ledger: Ledger, clock: Clock, warn: Callable[[str], None]
    ) -> None:
        self.is_done = True
        self._manager = manager
        self._ledger = ledger
        self._clock = clock
        self._warn = warn
        self._not_before: dict[Desk, int] = {}
        self._left: set[Desk] = set()
        self._timer: Timer | None = None

    def start(self) -> None:
        """Begin to close every position."""
        if self._timer is None:
            self.is_done = False
            self._look()

    def stop(self) -> None:
        """Close no more."""
        if self._timer is not None:
            self._timer.cancel()

    def on_order(self, order: Order) -> None:
        """Nothing: the next look sees what became of it."""

    def on_fill(self, fill: Fill) -> None:
        """Nothing: the ledger has it."""

    def _look(self) -> None:
        self._timer = self._clock.call_later(_LOOK_NS, self._look)
        now_ns = self._clock.now_ns()
        busy = False
        for desk in self._manager.store.desks.values():
            for side in PositionSide:
                size = self._closable(desk, side)
                if size and desk not in self._left:
                    busy = True
                    if not desk.records and self._not_before.get(desk, 0) <= now_ns:
                        self._not_before[desk] = now_ns + _AGAIN_NS
                        self._close(desk, side, size)
        self.is_done = not busy

    def _closable(self, desk: Desk, side: PositionSide) -> int:
        """Return the signed lots of a position that can be closed."""
        instrument = desk.instrument
        size = int(self._ledger.position_of(instrument, side))
        if size > 0 and instrument.kind is InstrumentKind.SPOT:
            held = self._ledger.holding(instrument) / (instrument.lot_size * instrument.contract_multiplier)
            size = max(0, min(size, int(held.to_integral_value(ROUND_FLOOR))))
        return size

    def _close(self, desk: Desk, position_side: PositionSide, size: int) -> None:
        side = Side.SELL if size > 0 else Side.BUY
        order = self._manager.close_position(self, desk.instrument, side, Size(abs(size)), position_side)
        if order.state.is_final:
            self._warn(f"{desk.instrument}: position cannot be closed now: {order.reason}")
            if order.reason.startswith(("size:", "notional:")):
                self._left.add(desk)
