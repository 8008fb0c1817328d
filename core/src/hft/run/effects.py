"""What a run did: its requests and fills as lines, and its figures at the end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from hft.events import Fill
from hft.order import Order
from hft.orders.interfaces import OrderJournal
from hft.run.kernel import Kernel
from hft.types import OrderType, PositionSide, Price, Size, TimeInForce

__all__ = ["NotedOrders", "final_figures"]


class NotedOrders:
    """Stands before a journal and tells ``note`` of every request, as it is made, and of every fill.

    ``asking(what)`` surrounds what the journal may refuse.
    """

    def __init__(
        self,
        journal: OrderJournal,
        note: Callable[[str], None],
        asking: Callable[[str], AbstractContextManager[None]] = lambda what: nullcontext(),
    ) -> None:
        self._journal = journal
        self._note = note
        self._asking = asking

    def intend_place(self, order: Order) -> None:
        self._note(_placed(order))
        with self._asking(f"note place {order.client_order_id}"):
            self._journal.intend_place(order)

    def intend_amend(self, order: Order, price: Price, size: Size) -> None:
        instrument = order.instrument
        self._note(
            f"amend {order.client_order_id} {instrument.id}"
            f" to {instrument.format_size(size)} at {instrument.format_price(price)}"
        )
        with self._asking(f"note amend {order.client_order_id}"):
            self._journal.intend_amend(order, price, size)

    def intend_cancel(self, order: Order) -> None:
        self._note(f"cancel {order.client_order_id} {order.instrument.id}")
        self._journal.intend_cancel(order)

    def order(self, order: Order) -> None:
        self._journal.order(order)

    def fill(self, fill: Fill) -> None:
        instrument = fill.instrument
        self._note(
            f"fill {fill.client_order_id} {instrument.id} {fill.side.value}"
            f" {instrument.format_size(fill.size)} at {instrument.format_price(fill.price)}"
            f" {fill.liquidity.value} fee {fill.fee:f} {fill.fee_asset}"
        )
        self._journal.fill(fill)


def _placed(order: Order) -> str:
    what = (
        f"place {order.client_order_id} {order.strategy} {order.instrument.id} {order.side.value}"
        f" {order.instrument.format_size(order.size)} at {_price(order, order.price)}"
    )
    if order.type is not OrderType.LIMIT:
        what += f" {order.type.value}"
    if order.time_in_force is not TimeInForce.GTC:
        what += f" {order.time_in_force.value}"
    if order.post_only:
        what += " post-only"
    if order.reduce_only:
        what += " reduce-only"
    if order.trigger_price is not None:
        what += f" trigger {_price(order, order.trigger_price)}"
    if order.expire_ns:
        what += f" until {order.expire_ns}"
    if order.position_side is not PositionSide.BOTH:
        what += f" {order.position_side.value}"
    return f"{what} for {order.replaces}" if order.replaces else what


def _price(order: Order, price: Price | None) -> str:
    return "market" if price is None else order.instrument.format_price(price)


def final_figures(kernel: Kernel, timers: int) -> dict[str, str]:
    """Return what must be equal at the end as well, among it what was refused and so never sent."""
    counters = kernel.manager.counters
    figures = {
        "orders sent": str(counters.sent),
        "orders amended": str(counters.amended),
        "orders cancelled": str(counters.cancelled),
        "fills": str(counters.fills),
        "timers set": str(timers),
        "halted": kernel.manager.halted or "no",
    }
    figures |= {f"refused by {subject}": str(count) for subject, count in sorted(counters.refused.items())}
    for market in kernel.markets.values():
        instrument = market.instrument
        figures[f"position {instrument.id}"] = instrument.format_size(kernel.ledger.position(instrument))
    for currency, totals in sorted(kernel.ledger.totals().items()):
        figures[f"fees {currency}"] = f"{totals.fees:f}"
        figures[f"realized {currency}"] = f"{totals.realized:f}"
    return figures
