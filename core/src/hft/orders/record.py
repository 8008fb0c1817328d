"""What the order manager notes about one order beside what everybody may see."""

from __future__ import annotations

from hft.events import OrderReport
from hft.order import Order
from hft.orders.desk import Desk
from hft.orders.owner import Owner
from hft.orders.states import Event, has_ended, largest_size
from hft.types import OrderState, Price, Side, Size

__all__ = ["Record", "new_record"]


# Bound once: a member of an enum is looked up in 40 ns where that is compiled.
_ACCEPTED = Event.ACCEPTED
_CANCELED = Event.CANCELED
_CANCEL_REJECTED = Event.CANCEL_REJECTED
_EXPIRED = Event.EXPIRED
_REPLACED = Event.REPLACED
_REPLACE_REJECTED = Event.REPLACE_REJECTED
_UNKNOWN = Event.UNKNOWN
_IN_DOUBT = OrderState.UNKNOWN
_BUY = Side.BUY
# There is but one empty string.
_NOTHING = ""


class Record:
    """What the order manager notes about one order beside what everybody may see.

    ``is_open`` says whether it may still trade; its ``number`` is higher than that of any placed before it.
    ``exposure`` is what the order adds to its desk's total. ``cancel_wanted`` and ``amend_wanted``
    wait until the exchange has acknowledged what was sent before. ``unwanted`` is an order that must
    go: its cancel is sent again until it is gone. ``closes`` is one that does nothing but close a position.
    ``successor`` is the price and size
    of the order that follows a cancel, where the exchange cannot amend. ``held`` is a final event
    that is ahead of its fills, which are ``held_filled`` lots in all. ``is_suspect`` is an order that the
    exchange may know otherwise: it refused a request about it, or states more fills than were told.
    ``requested_ns`` is when the newest request about it was handed to the client, ``asked_ns`` when the
    oldest question about it was put that has no answer yet (0: none).
    """

    __slots__ = (
        "amend_wanted",
        "asked_ns",
        "cancel_wanted",
        "closes",
        "desk",
        "exposure",
        "held",
        "held_filled",
        "is_open",
        "is_suspect",
        "last_event",
        "last_ns",
        "number",
        "order",
        "owner",
        "requested_ns",
        "successor",
        "unwanted",
    )

    amend_wanted: tuple[Price, Size] | None
    asked_ns: int
    cancel_wanted: bool
    closes: bool
    desk: Desk
    exposure: int
    held: Event | None
    held_filled: int
    is_open: bool
    is_suspect: bool
    last_event: Event | None
    last_ns: int
    number: int
    order: Order
    owner: Owner
    requested_ns: int
    successor: tuple[Price, Size] | None
    unwanted: bool

    def is_stale(self, event: Event, report: OrderReport) -> bool:
        """Say whether a report was told before, or is older than one that was.

        Repeated acknowledgements do no harm, but a refusal or replacement told twice would be taken for
        the answer to the next request. Where the exchange gives no time it cannot be known.
        """
        order = self.order
        if event is _REPLACED:
            price, size = report.price, report.size
            if size == order.pending_size and price == order.pending_price:
                return False
            if size is not None and size == order.size and price == order.price:
                return True
        elif event is not _CANCEL_REJECTED and event is not _REPLACE_REJECTED:
            return False
        return 0 < report.exchange_ns < self.last_ns or (
            0 < report.exchange_ns == self.last_ns and event is self.last_event
        )

    def expose(self) -> None:
        """Bring the desk's total up to date with the order."""
        order = self.order
        exposure = 0
        if not has_ended(order.state):
            exposure = (largest_size(order) if self.held is None else self.held_filled) - order.filled
            if exposure < 0:
                exposure = 0
        change = exposure - self.exposure
        if change:
            desk = self.desk
            if order.side is _BUY:
                desk.buys += change
            else:
                desk.sells += change
            self.exposure = exposure

    def take(self, report: OrderReport, event: Event) -> None:
        """Note what a report says beside its kind."""
        order = self.order
        named = report.exchange_order_id
        if named is not order.exchange_order_id and named:
            order.exchange_order_id = named
        if report.reason is not _NOTHING or report.code is not _NOTHING:
            said = " ".join(filter(None, (report.code, report.reason)))
            if said:
                order.reason = said
        at_ns = report.exchange_ns
        if at_ns:
            self.last_event = event
            if at_ns > self.last_ns:
                self.last_ns = at_ns
        if event is _ACCEPTED:
            order.acknowledged = True
            # What it states is what the exchange has; fills that are on their way explain themselves.
            filled = report.filled
            self.is_suspect = filled is not None and filled > order.filled
            if order.state is _IN_DOUBT and order.pending_size is not None and report.size:
                # The answer to a query: it says which of the two sizes is in force.
                order.price, order.size = report.price or order.price, report.size
                self.drop_amendment()
        elif event is _REPLACED:
            order.acknowledged = True
            price = report.price or order.pending_price or order.price
            size = report.size or order.pending_size
            if size is not None:
                order.price = price
                order.size = size
            self.drop_amendment()
        elif event is _CANCELED or event is _EXPIRED:
            order.final_filled = report.filled
        elif event is _REPLACE_REJECTED:
            self.drop_amendment()
        elif event is _UNKNOWN and self.successor is not None:
            # When the answer comes, the price may no longer be wanted.
            self.drop_amendment()

    def drop_amendment(self) -> None:
        """Forget the amendment under way: it was answered, or its answer no longer matters."""
        order = self.order
        self.successor = None
        order.pending_price = order.pending_size = None
        self.expose()


def new_record(order: Order, desk: Desk, owner: Owner) -> Record:
    """Make the record of an order. A function, not `Record`: to call a class costs as much as all of this."""
    record = Record.__new__(Record)
    record.order = order
    record.desk = desk
    record.owner = owner
    record.is_open = record.cancel_wanted = record.unwanted = record.closes = record.is_suspect = False
    record.number = record.exposure = record.held_filled = 0
    record.requested_ns = record.asked_ns = record.last_ns = 0
    record.amend_wanted = record.successor = record.held = record.last_event = None
    return record
