"""Watch code that is to do nothing but compute: no I/O, no time but its clock's, no chance of its own."""

from __future__ import annotations

import contextlib
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any
from unittest.mock import patch

__all__ = ["counted_calls", "watched"]

_FORBIDDEN = (
    "open",
    "os.",
    "pathlib.",
    "shutil.",
    "socket.",
    "sqlite3.",
    "subprocess.",
    "tempfile.",
    "time.sleep",
    "_thread.start_new_thread",
    "urllib.",
)
"""What Python reports of the operating system; see the table of audit events in its documentation."""

_TIMES = ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep")
_CHANCES = ("random", "uniform", "randint", "randrange", "choice", "shuffle", "gauss", "expovariate", "seed")

_found: list[str] | None = None
_thread = 0
_is_hooked = False


def _on_event(event: str, arguments: tuple[Any, ...]) -> None:
    if _found is not None and event.startswith(_FORBIDDEN) and threading.get_ident() == _thread:
        _found.append(f"{event} {arguments!r:.80}")


@contextlib.contextmanager
def watched() -> Iterator[list[str]]:
    """Give a list that gets everything forbidden that this thread does while the context lasts."""
    global _found, _thread, _is_hooked
    if not _is_hooked:
        # A hook cannot be taken away again; it does nothing but while something is watched.
        sys.addaudithook(_on_event)
        _is_hooked = True
    found: list[str] = []

    def noted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            found.append(f"{name}()")
            return function(*arguments, **options)

        return call

    with contextlib.ExitStack() as stack:
        for module, names in ((time, _TIMES), (random, _CHANCES)):
            for name in names:
                full = f"{module.__name__}.{name}"
                stack.enter_context(patch.object(module, name, noted(full, getattr(module, name))))
        stack.enter_context(patch("builtins.print", noted("print", print)))
        stack.enter_context(patch("builtins.input", noted("input", input)))
        _found, _thread = found, threading.get_ident()
        try:
            yield found
        finally:
            _found = None


def counted_calls(function: Callable[[], object], *, besides: frozenset[str] = frozenset()) -> int:
    """Return how many calls of functions, Python's and native ones, a call makes.

    It is the same on every machine, however busy. What functions of the files ``besides`` do is left aside;
    what compiled ones do among themselves is not seen.
    """
    count = 0
    aside: FrameType | None = None

    def note(frame: FrameType, event: str, _: Any) -> None:
        nonlocal count, aside
        if aside is not None:
            if event == "return" and frame is aside:
                aside = None
        elif event == "call" and frame.f_code.co_filename in besides:
            aside = frame
        else:
            count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count
