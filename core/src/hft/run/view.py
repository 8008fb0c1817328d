"""Show a run while it lasts: a panel for a person at a terminal, lines for a log, nothing for a machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live

from hft.clock import Clock
from hft.run.kernel import Kernel
from hft.run.panel import render_panel, status_line

__all__ = ["View"]

_PANEL_NS = 250_000_000
_LINE_NS = 10_000_000_000
NS_PER_S = 1_000_000_000


class View:
    """Reads the kernel's figures at intervals; it never makes the hot path wait."""

    def __init__(
        self, kernel: Kernel, clock: Clock, frames: Callable[[], int], write: Callable[[str], None]
    ) -> None:
        self._kernel = kernel
        self._clock = clock
        self._frames = frames
        self._write = write
        self._started_ns = clock.now_ns()
        self._last = (self._started_ns, 0)
        self._live: Live | None = None

    @contextmanager
    def shown(self, console: Console | None) -> Iterator[None]:
        """Show on ``console``: a panel if it is a terminal, else log lines; nothing if it is None."""
        if console is None:
            yield
            return
        interval_ns = _PANEL_NS if console.is_terminal else _LINE_NS

        self._schedule(interval_ns)
        try:
            if console.is_terminal:
                with Live(console=console, auto_refresh=False, transient=True) as self._live:
                    yield
            else:
                yield
        finally:
            self._timer.cancel()

    def _schedule(self, interval_ns: int) -> None:
        def refresh() -> None:
            self._refresh()
            self._schedule(interval_ns)

        self._timer = self._clock.call_later(interval_ns, refresh)

    def _refresh(self) -> None:
        now_ns, frames = self._clock.now_ns(), self._frames()
        last_ns, last_frames = self._last
        self._last = (now_ns, frames)
        rate = (frames - last_frames) * NS_PER_S / max(now_ns - last_ns, 1)
        elapsed_s = (now_ns - self._started_ns) / NS_PER_S
        if self._live is None:
            self._write(status_line(self._kernel, elapsed_s, frames, rate))
        else:
            self._live.update(render_panel(self._kernel, elapsed_s, frames, rate), refresh=True)
