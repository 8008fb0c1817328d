"""Take up where the runs before left off: the ledger, and the orders that may still trade."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from hft.errors import GridError, UsageError
from hft.events import Fill
from hft.instrument import Instrument, InstrumentId
from hft.journal import NoteKind, Recovered, on_grid
from hft.ledger import Ledger
from hft.order import Order
from hft.orders import OrderManager, Owner, WiredStrategy
from hft.orders.orphanage import Orphanage
from hft.types import OrderState

__all__ = ["open_instruments", "owner_of", "restore_ledger", "restore_orders", "watermark_ns"]

RecordT = TypeVar("RecordT", Order, Fill)

_UNDER_WAY = (OrderState.PENDING_NEW, OrderState.PENDING_CANCEL, OrderState.PENDING_REPLACE)


def open_instruments(recovered: Recovered, exchanges: Iterable[str]) -> list[InstrumentId]:
    """Return the instruments in which orders of earlier runs may still trade, on these exchange keys."""
    known = set(exchanges)
    found = (order.instrument.id for order in recovered.orders.values() if order.is_open)
    return [instrument for instrument in dict.fromkeys(found) if instrument.exchange in known]


def owner_of(strategies: Iterable[WiredStrategy], name: str) -> Owner:
    """Return who is to own an order that was a strategy's, also of one that no longer runs."""
    for each in strategies:
        if each.name == name:
            return each.trading
    return Orphanage(name)


def watermark_ns(recovered: Recovered, exchange: str, now_ns: int) -> int:
    """Return the time up to which every fill on an exchange key is in the journal."""
    note = recovered.last_notes.get(NoteKind.RECONCILIATION)
    watermarks = {} if note is None else note.facts.get("watermarks", {})
    if exchange in watermarks:
        return int(watermarks[exchange])
    return min((run.time_ns for run in recovered.runs), default=now_ns)


def restore_ledger(
    ledger: Ledger, recovered: Recovered, instruments: Mapping[InstrumentId, Instrument]
) -> None:
    """Bring a fresh ledger to where the journal's last run left it; raise `UsageError` if it cannot be.

    What changed it beside fills was followed by a checkpoint.
    """
    if recovered.ledger is not None:
        ledger.load(dict(recovered.ledger), instruments.values())
    for fill in recovered.fills:
        ledger.on_fill(_today(fill, instruments))


def restore_orders(
    manager: OrderManager,
    recovered: Recovered,
    instruments: Mapping[InstrumentId, Instrument],
    owner_of: Callable[[str], Owner],
) -> list[Order]:
    """Give the order manager the orders of earlier runs; return those that may still trade.

    One about which a request was under way is UNKNOWN, and so asked about.
    """
    adopted = []
    for order in recovered.orders.values():
        instrument = instruments.get(order.instrument.id)
        if instrument is None:
            continue
        order = _today(order, instruments)
        owner = owner_of(order.strategy)
        if not order.is_open:
            manager.remember(order, owner)
            continue
        if order.state in _UNDER_WAY:
            order.state = OrderState.UNKNOWN
        manager.adopt(order, owner)
        adopted.append(order)
    return adopted


def _today(record: RecordT, instruments: Mapping[InstrumentId, Instrument]) -> RecordT:
    instrument = instruments.get(record.instrument.id)
    if instrument is None:
        return record
    try:
        return on_grid(record, instrument)
    except GridError as error:
        raise UsageError(
            f"the journal does not fit the exchange any more: {error}; move the journal away to start anew"
        ) from None
