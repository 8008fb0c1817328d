"""The texts that stand for exact values in a profile: durations, decimals, addresses."""

from __future__ import annotations

import re
from decimal import Decimal

from hft.types import Duration

__all__ = [
    "DECIMAL",
    "DURATION",
    "INSTRUMENT",
    "KEY",
    "URL",
    "format_duration",
    "parse_decimal",
    "parse_duration",
]

# [0-9] rather than \d: int() and Decimal() read every alphabet's digits, people do not.
DECIMAL = r"[-+]?[0-9]{1,40}(\.[0-9]{1,40})?"
DURATION = r"[0-9]{1,19}(\.[0-9]{1,19})?(ns|us|ms|s|m|h)"
INSTRUMENT = r".+/.+@[^@]+"
KEY = r"[a-z][a-z0-9_-]{0,31}"
URL = r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?"

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PARTS = re.compile(r"([0-9]+)(?:\.([0-9]+))?([a-z]+)")
_MAX_DURATION = 2**63


def parse_duration(text: str) -> Duration:
    """Read ``250us``, ``1.5s``, ``5m`` or ``1h`` exactly; raise `ValueError` saying what is wrong."""
    match = _PARTS.fullmatch(text)
    if match is None or re.fullmatch(DURATION, text) is None:
        raise ValueError("is not a length of time, write it as 250us, 100ms, 1.5s, 5m or 1h")
    whole, fraction, unit = match[1], match[2] or "", _UNITS[match[3]]
    ns, rest = divmod(int(whole + fraction) * unit, 10 ** len(fraction))
    if rest:
        raise ValueError("is not a whole number of nanoseconds, write fewer decimals")
    if ns >= _MAX_DURATION:
        raise ValueError("is too long a time")
    return Duration(ns)


def format_duration(duration: Duration) -> str:
    """Return a length of time as a whole number of its largest unit: ``1500ms``."""
    if not duration:
        return "0s"
    unit = max((unit for unit, ns in _UNITS.items() if duration % ns == 0), key=_UNITS.__getitem__)
    return f"{duration // _UNITS[unit]}{unit}"


def parse_decimal(text: str) -> Decimal:
    """Read plain digits, so neither ``NaN`` nor ``1e9``; raise `ValueError` saying what is wrong."""
    if re.fullmatch(DECIMAL, text) is None:
        raise ValueError('is not a decimal number, write plain digits: "0.001"')
    return Decimal(text)
