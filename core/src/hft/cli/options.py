"""Arguments that several commands share, and the log that long-running ones write."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from loguru import logger
from rich.console import Console

from hft.clock import SystemClock
from hft.net.rate_limited import RateLimitedLog
from hft.profile.values import parse_duration
from hft.types import Duration

__all__ = ["add_duration", "duration", "output_console", "warner"]

_UNLIMITED = 10_000


def add_duration(parser: argparse.ArgumentParser) -> None:
    """Declare ``--duration``, in nanoseconds."""
    parser.add_argument("--duration", type=duration, help="stop by itself after this time, like 20s or 5m")


def output_console() -> Console:
    """Return what a person reads on stdout: as wide as the terminal; for a file or pipe nothing is broken up.

    What a plugin says is shown as it is, whatever brackets and colons it has.
    """
    width = None if sys.stdout.isatty() else _UNLIMITED
    return Console(markup=False, emoji=False, highlight=False, width=width)


def warner() -> Callable[[str, str], None]:
    """Return a function that logs a warning, at most one per key every few seconds."""
    return RateLimitedLog(SystemClock(), logger.warning)


def duration(text: str) -> Duration:
    """Read a duration of the command line."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
