"""Part the time of the data into windows: one part to search in, the next to judge what was found."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from hft.errors import UsageError
from hft.run.tape import Span, Tape
from hft.sweep.space import WalkForward

__all__ = ["Window", "part"]


@attrs.frozen
class Window:
    """A search: ``train`` is searched, None for all of the time; ``test`` follows it, never searched."""

    train: Span | None = None
    test: Span | None = None


def part(tapes: Sequence[Tape], how: WalkForward | None) -> list[Window]:
    """Return the windows, in the order of time; raise `UsageError` where the data are too short.

    The time in which all instruments are recorded ends with as many tests as there are windows, all of one
    length and one behind the other. Each training ends where its test begins.
    """
    if how is None:
        return [Window()]
    first_ns = max(tape.first_ns for tape in tapes)
    end_ns = min(tape.last_ns for tape in tapes) + 1
    test_ns = (end_ns - first_ns) // (how.train + how.windows)
    if test_ns <= 0:
        raise UsageError(f"the data are too short for {how.windows} windows, use fewer")
    begin_ns = end_ns - test_ns * (how.train + how.windows)
    windows = []
    for number in range(how.windows):
        train_ns = begin_ns + number * test_ns
        split_ns = train_ns + how.train * test_ns
        train = Span(begin_ns if how.anchored else train_ns, split_ns)
        windows.append(Window(train, Span(split_ns, split_ns + test_ns)))
    return windows
