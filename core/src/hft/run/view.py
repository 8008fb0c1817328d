"""Show a run while it lasts: a panel for a person at a terminal, lines for a log, nothing for a machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live

from hft.clock import NS_PER_S, Clock
from hft.run.kernel import Kernel
from hft.run.panel import render_panel, status_line

__all__ = ["View"]

_PANEL_NS = NS_PER_S // 4
_LINE_NS = 10 * NS_PER_S


class View:
    """Reads the kernel's figures at intervals of ``clock``; it never makes the hot path wait.

    ``on_mark`` is called before the positions are valued for the panel, which changes what the ledger knows.
    """

    def __init__(
        self,
        kernel: Kernel,
        clock: Clock,
        frames: Callable[[], int],
        write: Callable[[str], None],
        *,
        on_mark: Callable[[], object] = lambda: None,
    ) -> None:
        self._kernel = kernel
        self._clock = clock
        self._frames = frames
        self._write = write
        self._on_mark = on_mark
        self._started_ns = self._last_ns = clock.now_ns()
        self._last_frames = 0
        self._interval_ns = 0
        self._live: Live | None = None

    @contextmanager
    def shown(self, console: Console | None) -> Iterator[None]:
        """Show on ``console``: a panel if it is a terminal, else log lines; nothing if it is None."""
        if console is None:
            yield
        elif console.is_terminal:
            self._interval_ns = _PANEL_NS
            with Live(console=console, auto_refresh=False, transient=True) as self._live:
                yield
        else:
            self._interval_ns = _LINE_NS
            yield
        self._interval_ns = 0

    def refresh_if_due(self) -> None:
        """Show the figures as they are now, if the last time was long enough ago."""
        now_ns = self._clock.now_ns()
        elapsed_ns = now_ns - self._last_ns
        if not self._interval_ns or elapsed_ns < self._interval_ns:
            return
        frames = self._frames()
        rate = (frames - self._last_frames) * NS_PER_S / elapsed_ns
        self._last_ns, self._last_frames = now_ns, frames
        elapsed_s = (now_ns - self._started_ns) / NS_PER_S
        if self._live is None:
            self._write(status_line(self._kernel, elapsed_s, frames, rate))
        else:
            self._on_mark()
            self._live.update(render_panel(self._kernel, elapsed_s, frames, rate), refresh=True)
