"""From a frame to the bytes of a signed order, in process."""

from __future__ import annotations

import gc
from collections.abc import Callable
from time import perf_counter_ns

from benchmarks.chain import Chain
from benchmarks.inputs import depth_input
from benchmarks.samples import Distribution, Sampled
from hft import Instrument, OrderBook, SystemClock
from hft.book import SortedBook, new_book

__all__ = ["frame_to_order"]


def frame_to_order(rounds: int) -> Sampled:
    """Time every frame by itself, from before ``recv_ns`` is read until the order's bytes are written.

    In each round every chain takes all frames once; the exchange's answers are given in between, untimed.
    """
    runs = {
        f"{name}, {rules or 'no'} rules": _Run(make_book, rules)
        for name, make_book in {"hft": new_book, "hft, pure Python": SortedBook}.items()
        for rules in (5, 0)
    }
    samples: dict[str, list[int]] = {name: [] for name in runs}
    for number in range(-2, rounds):
        for name, run in runs.items():
            gc.collect()
            gc.disable()
            taken = run.take()
            gc.enable()
            if number >= 0:
                samples[name] += taken
    return Sampled(
        name="frame to signed order, in process",
        distributions=[
            Distribution.of(name, samples[name], type(run.chain.book).__name__) for name, run in runs.items()
        ],
    ).compared()


class _Run:
    """One chain, and when its last order was written."""

    def __init__(self, make_book: Callable[[Instrument], OrderBook], rules: int) -> None:
        self._depth = depth_input(1_000)
        self._clock = SystemClock()
        self._written_ns = 0
        self.chain = Chain(self._depth, self._clock, rules=rules, make_book=make_book, write=self._write)

    def take(self) -> list[int]:
        """Take all frames once; return what each took until its order was written."""
        taken = []
        chain, now_ns = self.chain, self._clock.now_ns
        chain.rewind()
        for frame in self._depth.frames:
            begin_ns = perf_counter_ns()
            chain.on_frame(frame, now_ns())
            taken.append(self._written_ns - begin_ns)
            chain.answer()
        return taken

    def _write(self, data: bytes) -> None:
        self._written_ns = perf_counter_ns()
