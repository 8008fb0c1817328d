"""Mark where messages end, in rows that come block by block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from hft.data.columns import LAST, Kind
from hft.data.rows import Rows

__all__ = ["insert_clears", "mark_messages"]


def mark_messages(blocks: Iterable[tuple[Rows, npt.NDArray[Any]]]) -> Iterator[Rows]:
    """Yield the rows with the last of each message marked.

    The second of each pair are keys, one line a row: rows that follow each other with equal keys are one
    message. The last row of a block is held back until it is known whether its message goes on.
    """
    held: Rows | None = None
    held_key: npt.NDArray[Any] | None = None
    for rows, keys in blocks:
        if not len(rows):
            continue
        if held is not None and held_key is not None:
            rows, keys = Rows.concat([held, rows]), np.concatenate([held_key, keys])
        ends = np.any(keys[1:] != keys[:-1], axis=1)
        done = rows[:-1].columns()
        yield Rows(**{**done, "flags": done["flags"] | np.where(ends, np.uint8(LAST), np.uint8(0))})
        held, held_key = rows[-1:], keys[-1:]
    if held is not None:
        yield Rows(**{**held.columns(), "flags": held.flags | np.uint8(LAST)})


def insert_clears(
    rows: Rows, keys: npt.NDArray[Any], before: npt.NDArray[Any]
) -> tuple[Rows, npt.NDArray[Any]]:
    """Put a row that clears the book before each of the rows at these indices, as part of its message."""
    if not len(before):
        return rows, keys
    clears = rows[before]
    cleared = Rows.of(
        exchange_ns=clears.exchange_ns,
        recv_ns=clears.recv_ns,
        kind=Kind.CLEAR,
        side=0,
        price=0,
        size=0,
        flags=np.zeros(len(before)),
    )
    order = np.argsort(np.concatenate([np.arange(len(rows)) * 2 + 1, before * 2]), kind="stable")
    return Rows.concat([rows, cleared])[order], np.concatenate([keys, keys[before]])[order]
