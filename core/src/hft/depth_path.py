"""The short way of depth messages: from bytes to a market's listeners in one call of native code."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Protocol

from hft.book.choice import BOOK
from hft.book.layout import Chain, DepthLayout
from hft.clock import SystemClock
from hft.latency import Trace
from hft.market import Market, MarketCounters

__all__ = ["DepthPath", "DepthPaths", "Gate", "new_gate", "new_path", "new_paths"]


class Gate(Protocol):
    """Says whether updates may take a path: ``open`` while their book is in step."""

    open: bool


class DepthPath(Protocol):
    """The way of one stream's messages to one market."""


class DepthPaths(Protocol):
    """The paths of one connection's streams."""

    def add(self, name: str, path: DepthPath | None, /) -> None:
        """Let the messages of the stream of that name take a path; None takes it away."""
        ...

    def clear(self) -> None:
        """Let no message take a path any more."""
        ...

    def take(self, data: bytes, recv_ns: int, trace: Trace, /) -> bool:
        """Handle a frame as the stream would; return False, with nothing done, if the stream has to."""
        ...


class _OpenGate:
    """Leads nowhere, where there is no native module."""

    __slots__ = ("open",)

    def __init__(self) -> None:
        self.open = False


class _NoPaths:
    """What there is without the native module: every frame goes to the stream."""

    def add(self, name: str, path: DepthPath | None, /) -> None:
        """Forget it."""

    def clear(self) -> None:
        """There is nothing to clear."""

    def take(self, data: bytes, recv_ns: int, trace: Trace, /) -> bool:
        """Take nothing."""
        return False


def new_gate() -> Gate:
    """Make a closed gate."""
    if not _is_native():
        return _OpenGate()
    from hft.book._native import Gate as NativeGate

    return NativeGate()


def new_paths(head: bytes) -> DepthPaths:
    """Make the paths of a connection; the name of a frame's stream stands between ``head`` and a quote."""
    if not _is_native():
        return _NoPaths()
    from hft.book._native import DepthPaths as NativePaths

    return NativePaths(head)


def new_path(
    market: Market, gate: Gate, layout: DepthLayout, chain: Chain, on_crossed: Callable[[int], None]
) -> DepthPath | None:
    """Make the path of a stream's messages; None without the native module, or for a subclass of `Market`.

    A message takes it while the gate is open, the book LIVE, the layout met to the byte, the update surely
    the next (`Chain`) and every level plain and on the grid. It is then applied, stamped and counted, and
    the listeners are called, as `Synchroniser.on_delta` does it. ``on_crossed`` is told the id of an update
    after which the book is crossed, in place of the listeners.
    """
    if not _is_native() or type(market) is not Market:  # it is reached into, slot by slot
        return None
    from hft.book._native import DepthPath as NativePath

    path: DepthPath = NativePath(market, gate, layout, chain, on_crossed)
    return path


@cache
def _is_native() -> bool:
    if BOOK.name != "native":
        return False
    from hft.book._native import bind

    bind(Market, MarketCounters, Trace, SystemClock)
    return True
