"""The counts on record: for each minor version of Python those of what is compiled, and of plain Python."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import attrs

from benchmarks.guard.count import Counts
from hft._compiled import COMPILED

__all__ = ["FILE", "compare", "differing_versions", "read", "write"]

_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
_FORM = "" if COMPILED.modules else "-pure"
FILE = Path(__file__).parent / "figures" / f"{_VERSION}{_FORM}.json"

_TOLERANCES = {"calls": 0.0, "native_calls": 0.0, "opcodes": 0.01, "peak_bytes": 0.1, "kept_bytes": 0.1}
"""How much more than on record is let through: calls are exact, another patch version of Python may
execute a few other opcodes, and what an object weighs depends on how libraries were compiled."""

_SLACK_BYTES = 4_096
"""Let through in any case, over all frames: a list or table that happens to grow."""

_LIBRARIES = ("attrs", "msgspec", "sortedcontainers")
"""Whose Python code or objects are on the paths."""


def read() -> dict[str, Counts] | None:
    """Return the counts on record for this Python, None where there are none."""
    if not FILE.is_file():
        return None
    return {name: Counts(**counts) for name, counts in json.loads(FILE.read_text())["paths"].items()}


def write(counts: Mapping[str, Counts]) -> None:
    """Put counts on record; whatever else was there goes."""
    content = {
        "versions": _versions(),
        "paths": {name: attrs.asdict(each) for name, each in counts.items()},
    }
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(content, indent=2) + "\n")


def compare(recorded: Mapping[str, Counts], counts: Mapping[str, Counts]) -> tuple[list[str], list[str]]:
    """Return what became worse, and what became better, each in one line."""
    worse, better = [], []
    for name, now in counts.items():
        before = recorded.get(name)
        if before is None:
            worse.append(f"{name}: nothing is on record")
            continue
        for field, tolerance in _TOLERANCES.items():
            was, is_ = getattr(before, field), getattr(now, field)
            room = was * tolerance + (_SLACK_BYTES if field.endswith("bytes") else 0)
            line = f"{name}: {field.replace('_', ' ')} {is_:,}, on record {was:,}"
            if is_ > was + room:
                worse.append(line)
            elif is_ < was - room:
                better.append(line)
    return worse, better


def differing_versions() -> list[str]:
    """Return what of Python and the libraries is of another version than when the counts were recorded."""
    recorded = json.loads(FILE.read_text())["versions"]
    return [
        f"{name} is {now}, was {recorded.get(name)}"
        for name, now in _versions().items()
        if recorded.get(name) != now
    ]


def _versions() -> dict[str, str]:
    return {"Python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}}
