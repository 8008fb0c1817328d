"""Install what hft is compared with."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

__all__ = ["PEERS", "install_peers"]

_FILE = Path(__file__).parent / "peers.txt"

PEERS = tuple(
    line.partition(";")[0].strip()
    for line in _FILE.read_text().splitlines()
    if line.strip() and not line.startswith("#")
)
"""Distributions, by their names on the package index."""


def install_peers() -> dict[str, str]:
    """Install each peer into this environment; return the reasons of those that could not be."""
    failed = {}
    for line in _FILE.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        child = subprocess.run(
            ["uv", "pip", "install", "--quiet", "--python", sys.executable, line],
            capture_output=True,
            text=True,
            check=False,
        )
        if child.returncode:
            failed[line] = " ".join(child.stderr.split())[-300:]
    importlib.invalidate_caches()
    return failed
