"""Count what a path executes and allocates; the same in every run of one interpreter."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import attrs

from benchmarks.guard.paths import NOW_NS, Path

__all__ = ["Counts", "count"]

_WARM_UPS = 3
"""Passes before the first that counts: caches fill, free lists too, bytecode specialises."""


@attrs.frozen(kw_only=True)
class Counts:
    """Sums over all counted frames of one path.

    ``calls`` of Python functions and ``native_calls`` of others; ``opcodes`` executed;
    ``peak_bytes`` that were allocated at most at one time while a frame was handled, ``kept_bytes``
    that were still there after the exchange had answered.
    """

    calls: int
    native_calls: int
    opcodes: int
    peak_bytes: int
    kept_bytes: int


def count(path: Path) -> Counts:
    """Count one path."""
    with _without_collector():
        for _ in range(_WARM_UPS):
            _pass(path, path.chain.on_frame)
        calls, native_calls = _count_calls(path)
        opcodes = _count_opcodes(path)
        peak_bytes, kept_bytes = _count_bytes(path)
    return Counts(
        calls=calls,
        native_calls=native_calls,
        opcodes=opcodes,
        peak_bytes=peak_bytes,
        kept_bytes=kept_bytes,
    )


def _pass(path: Path, handle: Callable[[bytes, int], None]) -> None:
    answer = path.chain.answer
    for frame in path.frames():
        handle(frame, NOW_NS)
        answer()


def _count_calls(path: Path) -> tuple[int, int]:
    counted = {"call": 0, "c_call": 0}
    on_frame = path.chain.on_frame

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        if event in counted:
            counted[event] += 1

    def handle(frame: bytes, recv_ns: int) -> None:
        sys.setprofile(profile)
        on_frame(frame, recv_ns)
        sys.setprofile(None)

    _pass(path, handle)
    return counted["call"], counted["c_call"]


def _count_opcodes(path: Path) -> int:
    counted = 0
    on_frame = path.chain.on_frame

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal counted
        if event == "opcode":
            counted += 1
        else:
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return trace

    def handle(frame: bytes, recv_ns: int) -> None:
        sys.settrace(trace)
        on_frame(frame, recv_ns)
        sys.settrace(None)

    _pass(path, handle)
    return counted


def _count_bytes(path: Path) -> tuple[int, int]:
    peaks = 0
    on_frame = path.chain.on_frame

    def handle(frame: bytes, recv_ns: int) -> None:
        nonlocal peaks
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        on_frame(frame, recv_ns)
        peaks += tracemalloc.get_traced_memory()[1] - before

    tracemalloc.start()
    try:
        # What is freed was not traced when it was made: only from the second pass on do they balance.
        _pass(path, handle)
        peaks = 0
        before, _ = tracemalloc.get_traced_memory()
        _pass(path, handle)
        return peaks, tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


@contextmanager
def _without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
