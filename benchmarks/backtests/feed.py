"""A synthetic feed as columns: depth and trades of one perpetual, the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hft.data import LAST, ColumnsWriter, Kind, day_folder
from hft.instrument import Instrument, InstrumentId
from hft.types import InstrumentKind

__all__ = ["INSTRUMENT", "write_feed"]

INSTRUMENT = Instrument(
    id=InstrumentId("BTC/USDT:USDT", "binance"),
    native_symbol="BTCUSDT",
    kind=InstrumentKind.PERPETUAL,
    base="BTC",
    quote="USDT",
    settle="USDT",
    tick_size=Decimal("0.1"),
    lot_size=Decimal("0.001"),
)

START_NS = 1_700_000_000_000_000_000
MEAN_GAP_NS = 3_000_000
FEED_NS = (500_000, 1_500_000)
TRADES = 0.1
DEPTH = 50
FIRST_BID = 600_000
MEAN_SIZE = 500
PART = 1_000_000

Rows = list[tuple[int, int, int, int]]


def write_feed(root: Path, events: int, seed: int = 7) -> Path:
    """Write so many events below a folder, and return the folder of their day."""
    folder = day_folder(root, INSTRUMENT.id, datetime.fromtimestamp(START_NS / 1e9, UTC).date())
    chance = np.random.default_rng(seed)
    rows = _rows(chance)
    now_ns = seen_ns = START_NS
    with ColumnsWriter(folder, INSTRUMENT) as writer:
        snapshot = [(Kind.CLEAR, 1, 1, 0), *_snapshot()]
        times = np.full(len(snapshot), START_NS)
        writer.append(_columns(snapshot, times, times, last_only=True))
        left = events
        while left:
            part = min(left, PART)
            times = now_ns + np.cumsum(chance.exponential(MEAN_GAP_NS, part).astype(np.int64) + 1)
            seen = np.maximum(np.maximum.accumulate(times + chance.integers(*FEED_NS, part)), seen_ns)
            writer.append(_columns([next(rows) for _ in range(part)], times, seen))
            now_ns, seen_ns, left = int(times[-1]), int(seen[-1]), left - part
    return folder


def _columns(
    rows: Rows, times: npt.NDArray[np.int64], seen: npt.NDArray[np.int64], *, last_only: bool = False
) -> dict[str, npt.NDArray[np.int64]]:
    table = np.array(rows, dtype=np.int64)
    flags = np.full(len(rows), LAST)
    if last_only:
        flags[:-1] = 0
    names = ("kind", "side", "price", "size")
    return {"exchange_ns": times, "recv_ns": seen, "flags": flags} | {
        name: table[:, i] for i, name in enumerate(names)
    }


def _snapshot() -> Rows:
    bids = [(int(Kind.LEVEL), 1, FIRST_BID - i, MEAN_SIZE) for i in range(DEPTH)]
    return bids + [(int(Kind.LEVEL), -1, FIRST_BID + 1 + i, MEAN_SIZE) for i in range(DEPTH)]


def _rows(chance: np.random.Generator) -> Iterator[tuple[int, int, int, int]]:
    """Yield events for ever: sizes drift, trades eat the best level, and whoever comes first fills a gap."""
    sizes: tuple[dict[int, int], dict[int, int]] = (
        {FIRST_BID - i: MEAN_SIZE for i in range(DEPTH)},
        {-FIRST_BID - 1 - i: MEAN_SIZE for i in range(DEPTH)},
    )
    best = [FIRST_BID, -FIRST_BID - 1]  # of asks the negated price, so that the best is the highest
    shown: tuple[int, int] | None = None  # side and key of what the next event is to show
    while True:
        for draw, side, far, change, lots in zip(
            chance.random(PART).tolist(),
            chance.integers(0, 2, PART).tolist(),
            (chance.geometric(0.15, PART) - 1).tolist(),
            chance.normal(0, MEAN_SIZE / 8, PART).astype(int).tolist(),
            chance.geometric(1 / 25, PART).tolist(),
            strict=True,
        ):
            levels = sizes[side]
            if shown is not None:
                side, key = shown
                shown = None
            elif draw < TRADES:
                # A trade eats the best level of a side; the event behind it shows what is left.
                key = best[side]
                traded = min(lots, levels[key])
                levels[key] -= traded
                shown = side, key
                yield Kind.TRADE, 1 if side else -1, abs(key), traded
                continue
            elif best[0] + best[1] < -1:
                # The spread is wide: one side or the other comes back.
                key = best[side] + 1
                sizes[side][key] = MEAN_SIZE // 4 + lots
            else:
                key = best[side] - min(far, DEPTH - 1)
                drift = (MEAN_SIZE - levels.get(key, 0)) // 50
                levels[key] = max(0, levels.get(key, 0) + change + drift)
            levels = sizes[side]
            size = levels[key]
            best[side] = max(best[side], key)
            if not size:
                del levels[key]
                while levels.get(best[side], 0) == 0:
                    best[side] -= 1
            yield Kind.LEVEL, -1 if side else 1, abs(key), size
