"""Put rows that came in any order into that of their arrival, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from hft.data.rows import Rows

__all__ = ["merge_runs", "sort_rows"]


def sort_rows(rows: Rows) -> Rows:
    """Sort by ``recv_ns``; rows of one time keep their order."""
    return rows[np.argsort(rows.recv_ns, kind="stable")]


def merge_runs(runs: list[Callable[[int, int], Rows]], lengths: list[int], block: int) -> Iterator[Rows]:
    """Merge runs that are sorted each, by ``recv_ns``; of one time, rows of an earlier run come first.

    ``runs[i](start, stop)`` reads rows of a run. At most about ``block`` rows are held at a time, unless
    more than that are of one time.
    """
    step = max(1, block // max(1, len(runs)))
    read = [0] * len(runs)
    held: list[Rows] = [Rows.concat([])] * len(runs)
    while True:
        for number, run in enumerate(runs):
            if not len(held[number]) and read[number] < lengths[number]:
                held[number], read[number] = _more(run, read[number], lengths[number], step)
        # What is later than the last row held of a run that goes on may have to wait for what follows it.
        open_runs = [n for n in range(len(runs)) if read[n] < lengths[n]]
        if not open_runs:
            if rest := [rows for rows in held if len(rows)]:
                yield sort_rows(Rows.concat(rest))
            return
        bound = min(int(held[n].recv_ns[-1]) for n in open_runs)
        cuts = [int(np.searchsorted(rows.recv_ns, bound, side="left")) for rows in held]
        if any(cuts):
            yield sort_rows(Rows.concat([rows[:cut] for rows, cut in zip(held, cuts, strict=True) if cut]))
            held = [rows[cut:] for rows, cut in zip(held, cuts, strict=True)]
            continue
        for n in open_runs:  # nothing is earlier: all of that one time must be at hand
            if held[n].recv_ns[-1] == bound:
                more, read[n] = _more(runs[n], read[n], lengths[n], step)
                held[n] = Rows.concat([held[n], more])


def _more(run: Callable[[int, int], Rows], start: int, length: int, step: int) -> tuple[Rows, int]:
    stop = min(start + step, length)
    return run(start, stop), stop
