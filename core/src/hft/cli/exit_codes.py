"""How ``hft`` ended, for whoever started it."""

from __future__ import annotations

import enum

__all__ = ["ExitCode"]


class ExitCode(enum.IntEnum):
    """The exit codes of every command."""

    STOPPED = 0
    """Stopped as asked."""
    FAULT = 1
    """Stopped by a fault: input that cannot be used, an exchange that cannot be reached."""
    USAGE = 2
    """The command line, the profile or a plugin must be mended; nothing was started."""
    BUG = 3
    """A bug in hft."""
    HALTED = 4
    """Trading was halted by risk."""
    DIFFERENT = 5
    """A session that was run again did something else than was recorded."""
    INTERRUPTED = 130
    """Interrupted before it could stop in order."""
