# cython: boundscheck=False, wraparound=False
"""The states of an order and what may lead from one to another."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

from hft.events import ReportKind
from hft.order import Order
from hft.types import OrderState, Size, quick

__all__ = [
    "EDGES",
    "WAITING",
    "Event",
    "Target",
    "edge_of",
    "event_of",
    "follow",
    "has_ended",
    "largest_size",
    "supported_state",
]


@quick
class Event(enum.Enum):
    """What can happen to an order: what the exchange says, and what we ask."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REPLACED = "replaced"
    CANCEL_REJECTED = "cancel-rejected"
    REPLACE_REJECTED = "replace-rejected"
    UNKNOWN = "unknown"
    NOT_FOUND = "not-found"
    FILL = "fill"
    LAST_FILL = "last-fill"
    CANCEL = "cancel"
    AMEND = "amend"


@quick
class Target(enum.Enum):
    """Where an edge leads that depends on what is known of the order."""

    OPEN = "open"
    """The open state that the evidence supports, see `supported_state`."""
    GONE = "gone"
    """CANCELED if the exchange ever had the order, otherwise REJECTED."""


_TABLE = """
                  accepted  rejected  canceled  expired  replaced  cancel-rejected  replace-rejected  unknown  not-found  fill  last-fill  cancel          amend
pending-new       open      rejected  canceled  expired  -         -                -                 unknown  gone       open  filled     =               =
new               =         -         canceled  expired  open      =                =                 =        gone       open  filled     pending-cancel  pending-replace
partially-filled  =         -         canceled  expired  open      =                =                 =        gone       open  filled     pending-cancel  pending-replace
pending-cancel    =         -         canceled  expired  =         open             =                 unknown  gone       =     filled     =               -
pending-replace   =         -         canceled  expired  open      =                open              unknown  gone       open  filled     pending-cancel  =
unknown           open      rejected  canceled  expired  open      =                =                 =        gone       open  filled     =               -
filled            =         -         -         -        =         =                =                 =        =          -     -          -               -
canceled          =         -         =         =        =         =                =                 =        =          =     filled     -               -
expired           =         -         =         =        =         =                =                 =        =          =     filled     -               -
rejected          -         =         -         -        -         =                =                 =        =          -     -          -               -
"""  # noqa: E501  # a table is read in columns
"""Rows: the state an order is in. Columns: what happens. ``=``: legal, the state stays. ``-``: illegal.

Worth a second look:

- ``fill`` before ``accepted`` proves that the order was accepted; the late ``accepted`` says nothing new.
- ``unknown`` (a request without an answer) matters only while a request is under way. Only the
  exchange's evidence leads out of the state; a refused cancel or amendment is none, since it may
  mean that the order is gone, or that it has not arrived yet.
- ``not-found`` happens only when no request about the order can be under way any more; before, the order
  manager does not take it for evidence.
- ``cancel`` while the exchange has not acknowledged the order waits for that; so does ``amend``, also
  while another amendment is under way. On ``unknown`` a cancel is sent, but is no evidence.
- ``canceled`` and ``expired`` may be overtaken by fills that happened before: these still count.
- ``rejected`` after any sign of life is a contradiction, and the order keeps its exposure.
"""


_TARGETS = [target.value for target in Target]


def _read(table: str) -> dict[OrderState, dict[Event, OrderState | Target]]:
    header, *rows = [line.split() for line in table.strip().splitlines()]
    edges: dict[OrderState, dict[Event, OrderState | Target]] = {}
    for name, *cells in rows:
        state = OrderState(name)
        edges[state] = {}
        for event, cell in zip(header, cells, strict=True):
            if cell == "=":
                edges[state][Event(event)] = state
            elif cell in _TARGETS:
                edges[state][Event(event)] = Target(cell)
            elif cell != "-":
                edges[state][Event(event)] = OrderState(cell)
    return edges


_EDGES = _read(_TABLE)

EDGES: Final[Mapping[OrderState, Mapping[Event, OrderState | Target]]] = _EDGES
"""Every legal edge; what is not there is illegal."""

# A tuple: members of an enum are found in it by identity, in a set by a hash that is a Python call.
WAITING: Final = (OrderState.PENDING_NEW, OrderState.PENDING_REPLACE)
"""A new order or a change is not answered yet: the next change waits until it is."""

# What happens all the time comes first, see `_place_of`. No index is ever out of these.
_STATES = tuple(OrderState)
_KINDS = tuple(sorted(ReportKind, key=lambda kind: kind not in (ReportKind.ACCEPTED, ReportKind.REPLACED)))
_SAID = tuple(Event(kind.value) for kind in _KINDS)
_EVENTS = tuple(sorted(Event, key=lambda event: event not in (Event.FILL, Event.LAST_FILL, *_SAID[:2])))
_CELLS = tuple(tuple(_EDGES[state].get(event) for event in _EVENTS) for state in _STATES)


# Bound once: a member of an enum is looked up in 40 ns where that is compiled.
_NEW: Final = OrderState.NEW
_PARTIALLY_FILLED: Final = OrderState.PARTIALLY_FILLED
_FILLED: Final = OrderState.FILLED
_CANCELED: Final = OrderState.CANCELED
_REJECTED: Final = OrderState.REJECTED
_EXPIRED: Final = OrderState.EXPIRED
_PENDING_REPLACE: Final = OrderState.PENDING_REPLACE
_OPEN: Final = Target.OPEN
_GONE: Final = Target.GONE


def event_of(kind: ReportKind) -> Event:
    """Return what happens to an order of which this is said."""
    return _SAID[_place_of(kind, _KINDS)]


def edge_of(state: OrderState, event: Event) -> OrderState | Target | None:
    """Return where an event leads from a state, None if it is illegal; see `follow`."""
    cells = _CELLS[_place_of(state, _STATES)]
    return cells[_place_of(event, _EVENTS)]


def _place_of(wanted: object, among: tuple[object, ...]) -> int:
    """Return where an object is; a few looks at what it is take less than the hash that a dict asks for."""
    for place in range(len(among)):
        if among[place] is wanted:
            return place
    raise KeyError(wanted)


def follow(order: Order, edge: OrderState | Target) -> OrderState:
    """Return the state that an edge leads an order to.

    What the event brings (fills, a new size) must already be in the order.
    """
    if edge is _OPEN:
        return supported_state(order)
    if edge is _GONE:
        return _CANCELED if order.acknowledged else _REJECTED
    return edge


def has_ended(state: OrderState) -> bool:
    """Say the same as ``state.is_final``, of which compiled code knows nothing, at a tenth of its cost."""
    return state is _FILLED or state is _CANCELED or state is _REJECTED or state is _EXPIRED


def largest_size(order: Order) -> Size:
    """Return the same as ``order.largest_size``, as above."""
    pending = order.pending_size
    return order.size if pending is None or pending < order.size else pending


def supported_state(order: Order) -> OrderState:
    """Return the state of an order that the exchange has, going by what is known of it."""
    if order.filled >= largest_size(order):
        return _FILLED
    if order.pending_size is not None:
        return _PENDING_REPLACE
    return _PARTIALLY_FILLED if order.filled else _NEW
