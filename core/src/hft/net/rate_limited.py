"""Let a warning that repeats through only now and then, and say how many were held back."""

from __future__ import annotations

from collections.abc import Callable

from hft.clock import NS_PER_S, Clock

__all__ = ["RateLimitedLog"]

_MAX_KEYS = 1_000
"""Keys remembered; the one that spoke longest ago is forgotten first."""


class RateLimitedLog:
    """Writes a line at most once every ``every_ns`` for each key.

    The next line of the key says how many were held back; ``suppressed`` counts them all.
    """

    def __init__(self, clock: Clock, write: Callable[[str], None], *, every_ns: int = 10 * NS_PER_S) -> None:
        self.suppressed = 0
        self._clock = clock
        self._write = write
        self._every_ns = every_ns
        self._next: dict[str, tuple[int, int]] = {}

    def __call__(self, key: str, line: str) -> None:
        """Write the line, or hold it back where one with this key was written a moment ago."""
        now_ns = self._clock.now_ns()
        due_ns, held_back = self._next.get(key, (now_ns, 0))
        if now_ns < due_ns:
            self.suppressed += 1
            self._next[key] = due_ns, held_back + 1
            return
        self._next.pop(key, None)
        if len(self._next) >= _MAX_KEYS:
            del self._next[next(iter(self._next))]
        self._next[key] = now_ns + self._every_ns, 0
        self._write(f"{line} ({held_back} more like this held back)" if held_back else line)
