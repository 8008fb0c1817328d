"""The states of an order and what may lead from one to another."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

from hft.events import ReportKind
from hft.order import Order
from hft.types import OrderState, quick

__all__ = ["EDGES", "EVENT_OF_REPORT", "WAITING", "Event", "Target", "next_state", "supported_state"]


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


EDGES: Final[Mapping[OrderState, Mapping[Event, OrderState | Target]]] = _read(_TABLE)
"""Every legal edge; what is not there is illegal."""

# A tuple: members of an enum are found in it by identity, in a set by a hash that is a Python call.
WAITING: Final = (OrderState.PENDING_NEW, OrderState.PENDING_REPLACE)
"""A new order or a change is not answered yet: the next change waits until it is."""

EVENT_OF_REPORT: Final[Mapping[ReportKind, Event]] = {kind: Event(kind.value) for kind in ReportKind}


# Bound once: a member of an enum is looked up in 40 ns where that is compiled.
_NEW = OrderState.NEW
_PARTIALLY_FILLED = OrderState.PARTIALLY_FILLED
_FILLED = OrderState.FILLED
_PENDING_REPLACE = OrderState.PENDING_REPLACE
_OPEN = Target.OPEN


def next_state(order: Order, event: Event) -> OrderState | None:
    """Return the state an event leads to, None if it is illegal.

    What the event brings (fills, a new size) must already be in the order.
    """
    edge = EDGES[order.state].get(event)
    if edge is None or isinstance(edge, OrderState):
        return edge
    if edge is _OPEN:
        return supported_state(order)
    return OrderState.CANCELED if order.acknowledged else OrderState.REJECTED


def supported_state(order: Order) -> OrderState:
    """Return the state of an order that the exchange has, going by what is known of it."""
    if order.filled >= order.largest_size:
        return _FILLED
    if order.pending_size is not None:
        return _PENDING_REPLACE
    return _PARTIALLY_FILLED if order.filled else _NEW
