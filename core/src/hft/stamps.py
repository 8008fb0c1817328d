"""When the newest request about an order came about."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:  # which counts what is noted here
    from hft.latency import Histogram, Stage

__all__ = ["Moments", "Stamps"]


@attrs.define
class Stamps:
    """When the newest request about an order came about, in nanoseconds; 0 where that did not happen.

    ``exchange_ns`` is the exchange's time of the book that caused it, ``recv_ns`` when that frame arrived,
    ``decoded_ns`` when it was understood, ``applied_ns`` when the book had it, ``decided_ns`` when the
    strategy asked for the order, ``approved_ns`` when the last risk rule had agreed (a cancellation is not
    shown to them), ``written_ns`` when its bytes were with the socket, ``acknowledged_ns`` when the
    exchange's answer arrived. What a timer caused has no frame.

    In a replay ``exchange_ns`` and ``acknowledged_ns`` are the recording's time, and so is ``sent_ns``, which
    is ``written_ns`` otherwise; the others are the machine's.
    """

    exchange_ns: int
    recv_ns: int
    decoded_ns: int
    applied_ns: int
    decided_ns: int
    approved_ns: int
    written_ns: int
    sent_ns: int
    acknowledged_ns: int = 0


class Moments:
    """The times that a `Trace` keeps, where everybody on the way sets them; see there."""

    __slots__ = (
        "_arrived_ns",
        "_last_ns",
        "_pending",
        "_replay_ns",
        "_stages",
        "applied_ns",
        "approved_ns",
        "decided_ns",
        "decoded_ns",
        "exchange_ns",
        "now_ns",
        "recv_ns",
        "stages",
        "tick_to_order",
    )

    _arrived_ns: int
    _last_ns: int
    _pending: list[tuple[Stamps, int, int]]
    _replay_ns: Callable[[], int] | None
    _stages: Any
    applied_ns: int
    approved_ns: int
    decided_ns: int
    decoded_ns: int
    exchange_ns: int
    now_ns: Callable[[], int]
    recv_ns: int
    stages: dict[Stage, Histogram]
    tick_to_order: Histogram
