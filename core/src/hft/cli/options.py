"""Arguments that several commands share, and the log that long-running ones write."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from loguru import logger

from hft.clock import SystemClock
from hft.net.rate_limited import RateLimitedLog
from hft.profile.values import parse_duration
from hft.types import Duration

__all__ = ["add_duration", "duration", "warner"]


def add_duration(parser: argparse.ArgumentParser) -> None:
    """Declare ``--duration``, in nanoseconds."""
    parser.add_argument("--duration", type=duration, help="stop by itself after this time, like 20s or 5m")


def warner() -> Callable[[str, str], None]:
    """Return a function that logs a warning, at most one per key every few seconds."""
    return RateLimitedLog(SystemClock(), logger.warning)


def duration(text: str) -> Duration:
    """Read a duration of the command line."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
