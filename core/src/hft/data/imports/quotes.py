"""Best bids and asks as rows: as the ticker they are or, for want of a book, as a book of one level."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hft.data.columns import LAST, Kind
from hft.data.rows import Rows
from hft.errors import DataError

__all__ = ["Quotes", "quote_rows"]

Ints = npt.NDArray[Any]


class Quotes(NamedTuple):
    """Best bids and asks, 0 where a side is empty; ``times`` are columns of `Rows` by name."""

    times: dict[str, Ints]
    bid: Ints
    bid_size: Ints
    ask: Ints
    ask_size: Ints


def quote_rows(path: Path, blocks: Iterable[Quotes], *, as_book: bool) -> Iterator[Rows]:
    """Yield the rows of quotes; as a book they must be in order, for each is what the one before became."""
    return _book(path, blocks) if as_book else map(_quotes, blocks)


def _quotes(block: Quotes) -> Rows:
    times, bid, bid_size, ask, ask_size = block
    there = np.column_stack([bid > 0, ask > 0])
    rows = Rows.of(
        **{name: np.repeat(column, 2) for name, column in times.items()},
        kind=Kind.QUOTE,
        side=np.tile([1, -1], len(bid)),
        price=np.column_stack([bid, ask]).ravel(),
        size=np.column_stack([bid_size, ask_size]).ravel(),
        flags=np.column_stack([np.where(ask > 0, 0, LAST), np.full(len(bid), LAST)]).ravel(),
    )
    return rows[there.ravel()]


def _book(path: Path, blocks: Iterable[Quotes]) -> Iterator[Rows]:
    last_bid = last_ask = last_ns = 0
    for times, bid, bid_size, ask, ask_size in blocks:
        if not len(bid):
            continue
        recv_ns = times["recv_ns"]
        if recv_ns[0] < last_ns or (recv_ns[1:] < recv_ns[:-1]).any():
            raise DataError(f"{path}: time goes backwards, quotes out of order make no book")
        if not last_ns:
            first = {name: column[:1] for name, column in times.items()}
            yield Rows.of(**first, kind=Kind.CLEAR, side=0, price=0, size=0, flags=0)
        old_bid, old_ask = np.concatenate([[last_bid], bid[:-1]]), np.concatenate([[last_ask], ask[:-1]])
        # What leaves first, so that the book is not crossed on the way.
        gone_bid, gone_ask = (old_bid != bid) & (old_bid > 0), (old_ask != ask) & (old_ask > 0)
        kept = np.column_stack([gone_bid, gone_ask, bid > 0, ask > 0])
        nothing = np.zeros(len(bid), np.int64)
        flags = np.zeros(kept.shape, np.uint8)
        flags[np.arange(len(bid)), 3 - np.argmax(kept[:, ::-1], axis=1)] = LAST
        rows = Rows.of(
            **{name: np.repeat(column, 4) for name, column in times.items()},
            kind=Kind.LEVEL,
            side=np.tile([1, -1, 1, -1], len(bid)),
            price=np.column_stack([old_bid, old_ask, bid, ask]).ravel(),
            size=np.column_stack([nothing, nothing, bid_size, ask_size]).ravel(),
            flags=flags.ravel(),
        )
        yield rows[kept.ravel()]
        last_bid, last_ask, last_ns = int(bid[-1]), int(ask[-1]), int(recv_ns[-1])
