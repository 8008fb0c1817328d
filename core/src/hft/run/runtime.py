"""Prepare the interpreter for a run: event loop and garbage collector."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

__all__ = ["collect_rarely", "run_async", "tame_garbage_collector", "tamed_garbage_collector"]

T = TypeVar("T")

_GC_THRESHOLDS = (200_000, 20, 100)
"""Events and orders are freed by reference counting; cycles are few, so look for them rarely. The finished
orders that a run remembers become 76,000 objects: to look through those took 70 ms on a busy
machine, and finds nothing."""


def run_async(main: Coroutine[Any, Any, T]) -> T:
    """Run to completion, on uvloop where it is installed (``hft-core[fast]``).

    Raise `KeyboardInterrupt` if it was cancelled, which only a second signal does.
    """
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(main)
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        from uvloop import new_event_loop
    except ImportError:
        return asyncio.new_event_loop
    return new_event_loop


def collect_rarely() -> None:
    """Look for cycles rarely from now on, in a process that is ours alone."""
    gc.set_threshold(*_GC_THRESHOLDS)


def tame_garbage_collector() -> None:
    """Collect once, leave everything made so far out of later collections, and collect rarely.

    Called when the components are built and before the first frame: a full collection over all
    imported modules takes tens of milliseconds, in the middle of trading as likely as not.
    """
    gc.collect()
    gc.freeze()
    collect_rarely()


@contextmanager
def tamed_garbage_collector() -> Iterator[None]:
    """Do so for a while, but without collecting: whoever has many runs in a process collects after each.

    Where it is rare anyway nothing is done, since to leave it as it was takes a collection.
    """
    thresholds = gc.get_threshold()
    if thresholds == _GC_THRESHOLDS:
        yield
        return
    gc.freeze()
    collect_rarely()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
