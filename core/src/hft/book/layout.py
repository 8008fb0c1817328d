"""How an exchange writes its depth messages, for the reader in native code."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any

import attrs

from hft.book.interface import JsonSlice

__all__ = ["Chain", "DepthLayout", "DepthMessage", "DepthPart"]


class DepthPart(enum.IntEnum):
    """What stands between the parts of a depth message that never change."""

    FIRST_ID = 0
    LAST_ID = 1
    PREV_ID = 2
    TIME = 3
    """The exchange's time."""
    BIDS = 4
    ASKS = 5
    NUMBER = 6
    """A whole number that does not matter."""


class Chain(enum.IntEnum):
    """Which update surely continues a book, by its ids; every other is for the `Continuity` to judge."""

    RANGE = 0
    """It ends behind the book's id, and begins no later than right behind it."""
    PREVIOUS = 1
    """It names the book's id as the one before it, and ends behind it."""
    NEXT = 2
    """Its id is the one right behind the book's."""


@attrs.define(eq=False, kw_only=True)
class DepthLayout:
    """A depth message as its exchange writes it to the byte: what never changes, and what stands between.

    ``parts`` are in turn bytes that are always the same, and a `DepthPart`. The native reader understands a
    message that is exactly this and nothing else: one that has a space more, a field more or its fields in
    another order is for the codec. So a layout can be out of date, which costs time, but never wrong.
    Numbers are whole and not negative; ids that are not in the layout are 0.

    ``time_unit_ns`` is the unit of the exchange's time.
    """

    parts: Sequence[bytes | DepthPart]
    time_unit_ns: int = 1_000_000
    compiled: Any = attrs.field(default=None, init=False, repr=False)
    """What the native module made of it."""


@attrs.frozen(kw_only=True)
class DepthMessage:
    """A depth message that was read; its levels are for the book that read it, as if they were slices."""

    first_id: int
    last_id: int
    prev_id: int
    exchange_ns: int
    bids: JsonSlice
    asks: JsonSlice
