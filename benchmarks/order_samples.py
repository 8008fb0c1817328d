"""From a frame to the bytes of a signed order, in process."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from time import perf_counter_ns

from benchmarks.chain import Chain
from benchmarks.inputs import depth_input
from benchmarks.samples import Distribution, Sampled
from hft import SystemClock
from hft.book import SortedBook, new_book

__all__ = ["frame_to_order"]


def frame_to_order(rounds: int) -> Sampled:
    """Time every frame by itself, from before ``recv_ns`` is read until the order's bytes are written.

    In each round every chain takes all frames once; the exchange's answers are given in between, untimed.
    """
    depth = depth_input(1_000)
    clock = SystemClock()
    books = {"hft": new_book, "hft, pure Python": SortedBook}
    chains = {
        f"{name}, {rules or 'no'} rules": Chain(depth, clock, rules=rules, make_book=make_book)
        for name, make_book in books.items()
        for rules in (5, 0)
    }
    samples: dict[str, list[int]] = {name: [] for name in chains}
    for number in range(-2, rounds):
        for name, chain in chains.items():
            gc.collect()
            gc.disable()
            taken = _pass(chain, depth.frames, clock)
            gc.enable()
            if number >= 0:
                samples[name] += taken
    return Sampled(
        name="frame to signed order, in process",
        distributions=[
            Distribution.of(name, samples[name], type(chain.book).__name__) for name, chain in chains.items()
        ],
    ).compared()


def _pass(chain: Chain, frames: Sequence[bytes], clock: SystemClock) -> list[int]:
    taken = []
    chain.rewind()
    on_frame, answer, now_ns = chain.on_frame, chain.answer, clock.now_ns
    for frame in frames:
        begin_ns = perf_counter_ns()
        on_frame(frame, now_ns())
        taken.append(perf_counter_ns() - begin_ns)
        answer()
    return taken
